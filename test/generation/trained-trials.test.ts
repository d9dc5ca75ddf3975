import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodePng, GenerationFolder, ImageNetworks, scoreFolder } from 'eegtorch'
import { pictureWarnings } from '../../lib/report/picture-report.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trained-trials-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const picture = (seed: number) => ({
  ...{ width: 16, height: 16 },
  pixels: Uint8Array.from({ length: 768 }, (_, i) => (i * (31 + 6 * seed)) % 256),
})

/** Scores of two pictures, of which some are of trials that the networks learned from. */
async function scored(name: string, trained: readonly (boolean | undefined)[]) {
  const path = join(folder, name)
  await using pictures = await GenerationFolder.open(path, { settings: {} })
  for (const [i, learned] of trained.entries()) {
    const stimulus = join(folder, `${i}.png`)
    writeFileSync(stimulus, await encodePng(picture(i + 5)))
    const said = { trial: `trial ${i}`, seed: 0, true: 'face', predicted: 'face', prompt: null, mode: 'eeg tokens' }
    await pictures.add({ ...said, picture: picture(i), stimulus, trained: learned })
  }
  using networks = await ImageNetworks.open({})
  return scoreFolder(path, { networks, metrics: ['pixcorr'], size: 16 })
}

test('scores tell how many pictures are of trials that the networks learned from', async () => {
  const some = await scored('some', [true, false])
  expect(some.trained).toBe(1)
  expect(pictureWarnings(some)[0]).toContain('1 of the 2 pictures are of trials that the networks learned from')
  const none = await scored('none', [false, false])
  expect(none.trained).toBe(0)
  const unsaid = await scored('unsaid', [undefined, false])
  expect(unsaid.trained).toBeUndefined()
  const mixed = await scored('mixed', [undefined, true])
  expect(mixed.trained).toBe(1)
  expect(pictureWarnings(mixed)[0]).toContain('1 of the 2 pictures are of trials that the networks learned from')
  for (const scores of [none, unsaid]) expect(pictureWarnings(scores).join()).not.toContain('learned')
})
