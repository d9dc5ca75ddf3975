import { crossValidate, datasetCards, type EegWindows, logVarianceLda, models, Random, setNumThreads } from 'eegtorch'
import { controlsOf } from '../../lib/datasets/card.ts'
import { askedControls } from '../../lib/datasets/registry.ts'
import { renderReport } from '../../lib/report/html.ts'
import { makeWindows } from '../evaluation/make-windows.ts'

const N = 32
beforeAll(() => setNumThreads(1))

/** Two runs of six trials of a data set; class b is louder. */
function study(dataset: string): EegWindows {
  const random = new Random(3)
  const windows = makeWindows(
    [1, 2].flatMap((run) =>
      [0, 1, 2, 3, 4, 5].map((t) => ({
        ...{ subject: 'S1', run: `R${run}`, trial: t + 1, start: t * 2 * N, label: t % 2 },
      })),
    ),
    { nSamples: N },
  )
  return windows.with({
    data: windows.data.map((_, i) => random.normal() * (windows.labels[Math.floor(i / N)] === 1 ? 3 : 1)),
    classNames: ['a', 'b'],
    recordings: windows.recordings.map((recording) => ({ ...recording, dataset })),
  })
}

const run = async (windows: EegWindows, more: object = {}) =>
  (
    await crossValidate(models.eegnet, windows, {
      ...{ epochs: 1, batchSize: 4, leaveOut: 'run', baselines: [logVarianceLda()] },
      model: { kernelLength: 8, depthwiseKernelLength: 4, pool1KernelSize: 2, pool2KernelSize: 2, F1: 2 },
      ...more,
    })
  ).run

test('cards of sets whose classes come in blocks or runs of their own ask for controls, others do not', () => {
  const asking = datasetCards().filter((card) => controlsOf(card).length > 0)
  expect(asking.map(({ name }) => name).sort()).toEqual(['faced', 'visual-imagery'])
  expect(controlsOf({ design: 'block' })).toEqual(['block', 'time', 'shuffled'])
  expect(controlsOf({ design: 'block', controls: ['time'] })).toEqual(['time'])
  expect(askedControls(study('eegmmidb'))).toEqual([])
  expect(askedControls(study('faced'))).toEqual(['block', 'time', 'shuffled'])
})

test('what a card asks for stands in the report, whoever runs it, unless it is left out by name', async () => {
  const report = await run(study('faced'))
  expect(new Set(report.controls!.map(({ control }) => control))).toEqual(new Set(['block', 'time', 'shuffled']))
  expect(renderReport(report)).toContain('which of 2 recordings')
  expect((await run(study('faced'), { controls: [] })).controls).toBeUndefined()
  expect((await run(study('eegmmidb'))).controls).toBeUndefined()
})

test('a control that a card asks for and the windows cannot give is said, and stops no run', async () => {
  // A recording of one trial gives nothing to train on where that trial is tested.
  const windows = study('faced').subset([0, 1, 2, 3, 4, 5, 6])
  const own = { leaveOut: undefined, splits: [{ name: 'x', train: [0, 1, 2, 3], test: [4, 5] }], baselines: false }
  const report = await run(windows, own)
  expect(report.missingControls).toEqual([
    expect.stringMatching(/the card of the data set asks for the control block: .*too little to work on/),
  ])
  expect(renderReport(report)).toContain('asks for the control block')
  await expect(run(windows, { ...own, controls: ['block'] })).rejects.toMatchObject({ option: 'controls' })
})
