import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodePng, openStore, storedTargets } from 'eegtorch'
import { runNode } from '../built.ts'
import { writeSimulatedFiles } from '../recordings/simulated-files.ts'

const root = join(import.meta.dirname, '..', '..')
const work = mkdtempSync(join(tmpdir(), 'eegtorch-prepare-stimuli-'))
const at = (...parts: string[]) => join(work, ...parts)
const clip = join(root, 'test', 'fixtures', 'generation', 'clip-pipeline')
const sd15 = join(root, 'test', 'fixtures', 'generation', 'sd15-text')
const brief = ['--data', at('eegmmidb'), '--task', 'fists-feet', '--window', '0.5..1.5', '--workers', '1']
const prepare = (...words: string[]) =>
  runNode([join(root, 'dist', 'cli', 'main.js'), 'prepare', ...brief, ...words], {
    env: { NODE_OPTIONS: '', EEGTORCH_DATA: '' },
  })

async function draw(name: string, step: number): Promise<void> {
  mkdirSync(at('pictures'), { recursive: true })
  const pixels = Uint8Array.from({ length: 3 * 40 * 40 }, (_, i) => (i * step) % 251)
  writeFileSync(at('pictures', name), await encodePng({ width: 40, height: 40, pixels }))
}

beforeAll(() => writeSimulatedFiles(at('eegmmidb')), 60_000)
afterAll(() => rmSync(work, { recursive: true }))

test('a store gets stimuli and targets; a picture that is missing or none is named, and the windows are not cut again', async () => {
  const words = ['--stimuli', at('pictures'), '--targets', clip, '--diffusion', sd15, '--out', at('store')]
  await draw('Both_Fists.png', 3)
  const missing = await prepare(...words)
  expect([missing.code, missing.stderr]).toEqual([
    1,
    expect.stringMatching(/no picture shows "both feet".*Category_both feet\.jpg/s),
  ])
  writeFileSync(at('pictures', 'Both_feet.png'), 'no picture')
  const broken = await prepare(...words)
  expect([broken.code, broken.stderr]).toEqual([1, expect.stringMatching(/Both_feet\.png: is no picture/)])
  expect(broken.stderr).not.toMatch(/S001R06/)
  expect(existsSync(at('store'))).toBe(false)

  await draw('Both_feet.png', 5)
  const { code, stdout, stderr } = await prepare(...words, '--json')
  expect([code, stderr]).toEqual([0, ''])
  const { stimuli, targets, classNames } = JSON.parse(stdout)
  expect([stimuli, targets.cached, classNames]).toEqual([2, false, ['both fists', 'both feet']])
  expect(readdirSync(at('store')).sort()).toEqual(['data.mdb', 'stimuli', 'targets'])
  expect(readdirSync(at('store', 'stimuli')).sort()).toEqual(['Both_Fists.png', 'Both_feet.png'])
  expect(openStore(at('store')).windows.classNames).toEqual(classNames)
  const stored = await storedTargets(at('store'))
  expect(stored.made).toMatchObject({ classNames, prompts: ['a photo of a both fists', 'a photo of a both feet'] })
  expect([stored.cosines, stored.textHidden.shape]).toEqual([targets.cosines, [2, 77, 24]])
})

test('targets need stimuli and the model that is to draw', async () => {
  const alone = await prepare('--targets', clip, '--out', at('none'))
  expect([alone.code, alone.stderr]).toEqual([1, expect.stringMatching(/option stimuli: targets needs it/)])
  expect(existsSync(at('none.partial'))).toBe(false)
})
