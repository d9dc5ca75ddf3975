import {
  bandPowerLda,
  cspLda,
  decodeFolds,
  type EvaluationSummary,
  leaveOneOut,
  type Recordings,
  readAll,
  summarisePredictions,
} from 'eegtorch'
import { describeWithShared, sharedPath } from '../shared.ts'

describeWithShared('classical decoders on EEGMMIDB S001, leave one run out', () => {
  let recordings: Recordings
  beforeAll(async () => {
    recordings = await readAll(sharedPath('eeg', 'eegmmidb', 'S001R*.edf'))
  })

  test('CSP + LDA tells fists from feet, executed and imagined', async () => {
    const windows = await recordings.filter({ band: [8, 30] }).windows({ task: 'fists-feet', from: 0.5, to: 3.5 })
    const summary = await decode(windows, cspLda({ band: null }))
    expect(summary.accuracy).toMatchObject({ n: 90, chance: 46 / 90, seeds: 1 })
    expect(summary.byFold).toHaveLength(6)
    expect(summary.accuracy.mean).toBeGreaterThanOrEqual(0.95)
    expect(summary.rocAuc!.mean).toBeGreaterThanOrEqual(0.95)
  })

  test('windows of a wider band are filtered one by one and decode about as well', async () => {
    const windows = await recordings.filter({ band: [4, 38] }).windows({ task: 'fists-feet', from: 0.5, to: 3.5 })
    expect((await decode(windows, cspLda())).accuracy.mean).toBeGreaterThanOrEqual(0.93)
    expect((await decode(windows, bandPowerLda())).accuracy.p).toBeLessThan(0.001)
  })

  test('labels that are dealt at random decode at chance', async () => {
    const windows = await recordings.filter({ band: [8, 30] }).windows({ task: 'fists-feet', from: 0.5, to: 3.5 })
    const dealt = windows.with({ origins: windows.origins.map((origin, i) => ({ ...origin, label: (i >> 1) % 2 })) })
    expect((await decode(dealt, cspLda({ band: null }))).accuracy.p).toBeGreaterThan(0.01)
  })

  async function decode(
    windows: Parameters<typeof decodeFolds>[0],
    decoder: Parameters<typeof decodeFolds>[2],
  ): Promise<EvaluationSummary> {
    const { predictions } = await decodeFolds(windows, leaveOneOut(windows, 'run'), decoder)
    return summarisePredictions(predictions, { classes: 2 })
  }
})
