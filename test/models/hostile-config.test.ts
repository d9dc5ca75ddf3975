import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspectCheckpoint, models, openCheckpoint, writeCheckpoint } from 'eegtorch'

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-hostile-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** A file of small weights whose config was changed. */
async function tampered(model: 'eegnet' | 'lstm_eeg', changes: Record<string, number>): Promise<string> {
  const path = join(folder, `${model}-${Object.keys(changes)}-${Object.values(changes)}.safetensors`)
  using net = models.create(model, { nChans: 4, nOutputs: 2, nTimes: 128 })
  await writeCheckpoint(path, net.stateDict(), { model, config: { ...net.referenceConfig, ...changes } })
  return path
}

test.each([
  ['eegnet', { F1: 1e9 }],
  ['eegnet', { F1: 1e5 }],
  ['eegnet', { kernel_length: 2e7 }],
  ['lstm_eeg', { hidden_size: 1e6 }],
  ['lstm_eeg', { n_layers: 1e8, hidden_size: 1 }],
] as const)('a config of %s that asks for %j is refused before memory is taken', async (model, changes) => {
  const path = await tampered(model, changes)
  const before = process.resourceUsage().maxRSS
  await expect(models.load(path)).rejects.toMatchObject({
    code: 'CHECKPOINT_MISMATCH',
    file: path,
    message: expect.stringMatching(
      /the config asks for a larger \w+ than the file has weights for: expected at most \d+ bytes/,
    ),
  })
  expect(process.resourceUsage().maxRSS - before).toBeLessThan(100_000)
})

test('inspecting such a file compares with the defaults instead', async () => {
  const path = await tampered('eegnet', { F1: 1e9 })
  const [best] = inspectCheckpoint(openCheckpoint(path)).fits
  expect(best).toMatchObject({ model: 'eegnet', missing: [], extra: [], exact: false })
})

test('weights that do fill a large network are loaded', async () => {
  const path = join(folder, 'large.safetensors')
  using net = models.lstmEeg({ nChans: 4, hiddenSize: 1500 })
  await net.save(path)
  using back = await models.load<'lstm_eeg'>(path)
  expect(back.parameterCount()).toBe(net.parameterCount())
})
