import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { models } from 'eegtorch'
import { leastOf, stallDuring } from '../event-loop.ts'
import { useOneThread } from '../one-thread.ts'

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-loop-'))
useOneThread()
afterAll(() => rmSync(folder, { recursive: true }))

test('the event loop is free while a network of hundreds of tensors is loaded', async () => {
  const file = join(folder, 'unet.safetensors')
  // about as many tensors as Stable Diffusion 1.5 has, small ones
  using unet = models.unet2dCondition({ blockOutChannels: [4, 4, 4, 4], normNumGroups: 2, attentionHeadDim: 2 })
  expect(unet.tensorNames().length).toBeGreaterThan(600)
  await unet.save(file)
  /** Header, network and comparison in one piece take most of the time. */
  const stallOf = () =>
    stallDuring(async () => {
      using _ = await models.load(file)
    })
  await stallOf() // compiles what is called
  expect(await leastOf(0.5, stallOf)).toBeLessThan(0.5)
})
