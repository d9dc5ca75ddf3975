import type { Command } from 'commander'
import { scoreWarnings } from '../datasets/registry.ts'
import type { EegWindows } from '../datasets/windows.ts'
import { defined } from '../defined.ts'
import { unknownPreparation } from '../evaluation/preparation.ts'
import { formatSeen } from '../evaluation/seen-trials.ts'
import { formatOpenings, TestLedger } from '../evaluation/test-ledger.ts'
import { formatAccuracy, formatFigures, formatSubjects } from '../evaluation/text.ts'
import { evaluateCheckpoint, readTrainedOn, type TrainedOn } from '../experiment/evaluate-checkpoint.ts'
import { RunFolder, runOfWeights } from '../experiment/run-folder.ts'
import { Pipeline } from '../preprocessing/pipeline.ts'
import { withDataset } from './config-dataset.ts'
import { cutFiltered, trialsOf } from './config-pipeline.ts'
import { readRecordings, storeOf } from './read-windows.ts'
import { deviceFlag } from './shared-flags.ts'
import { checkConfig, type TrainConfig } from './train-config.ts'

interface Flags {
  dataset?: string
  data?: string[]
  task?: string
  events?: string[]
  device?: string
  json?: boolean
}

export function describe(command: Command): void {
  command
    .description(
      'Score a trained network on recordings, with the windows, filter and scale that it was trained with. Trials that it was trained on are left out.',
    )
    .argument('<checkpoint>', 'a weights file of eegtorch train: best.safetensors, last.safetensors')
    .option(
      '--dataset <name>',
      'a data set by its name, or a YAML file that describes one (default: that of the training)',
    )
    .option(
      '--data <path...>',
      'recordings: folders, files or patterns; with a data set, its folder; or a store of eegtorch prepare',
    )
    .option('--task <name>', 'another task than it was trained for')
    .option('--events <labels...>', 'labels of the events that are trials')
    .addOption(deviceFlag())
    .option('--json', 'print the scores as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  $ eegtorch evaluate runs/2026-11-21-eegnet/checkpoints/fold-1-seed-0/last.safetensors --data eegmmidb/',
    )
    .action(evaluate)
}

async function evaluate(
  file: string,
  { dataset, data, task, events, device, json = false }: Flags,
  command: Command,
): Promise<void> {
  const trained = readTrainedOn(file)
  const { run, model, channels } = trained
  // Where it was trained says nothing of this machine.
  const { task: trainedTask, events: trainedEvents, data: _, device: _device, ...rest } = run
  const trials = task || events ? { task, events } : { task: trainedTask, events: trainedEvents }
  const known = defined({ ...rest, ...trials, ...(run.pipeline === undefined && { channels }) })
  const said = await withDataset({ ...known, ...defined({ dataset, data, device }), model })
  if (said.data === undefined) command.error("error: required option '--data <path...>' not specified")
  const config = checkConfig(said, { file, flags: { dataset, data, task, events, device } })
  const windows = storedWindows(config, trained, file) ?? (await cutWindows(config, trained, file))
  const opened = countedOpening(file, windows)
  const { summary, warnings, ...counts } = await evaluateCheckpoint(file, windows, {
    onTest: opened.count,
    device: config.device,
  })
  for (const sentence of [...warnings, ...opened.warnings]) console.error(`warning: ${sentence}`)
  const notes = scoreWarnings(windows)
  const openings = opened.openings()
  if (json) {
    console.log(JSON.stringify({ ...summary, ...counts, openings, simulated: windows.simulated, warnings: notes }))
    return
  }
  const lines = [
    formatAccuracy(summary.accuracy),
    formatFigures(summary),
    ...formatSubjects(summary),
    ...notes.map((note) => `note: ${note}`),
    'no classical decoder beside it, for one would need the training windows: those of the run are in its report',
    formatSeen(counts.proof),
    ...(openings.length === 0 ? [] : [formatOpenings(openings)]),
    `${counts.windows} windows scored, ${counts.seen} left out that the network was trained on`,
  ]
  for (const line of lines) console.log(line)
}

/** Counts the look at the windows in the run that the weights belong to. */
function countedOpening(file: string, windows: EegWindows) {
  const run = runOfWeights(file)
  if (run === undefined) {
    const sentence = 'The weights lie in no folder of a run: this look at the windows is counted nowhere.'
    return { count: () => {}, openings: () => [], warnings: [sentence] }
  }
  const folder = new RunFolder(run.path)
  const ledger = new TestLedger(folder)
  const [first, ...others] = windows.recordings.map(({ name }) => name)
  const by = `evaluate on ${first}${others.length === 0 ? '' : ` and ${others.length} more`}`
  const count = () => {
    ledger.open({ fold: run.fold, by, seed: run.seed })
    folder.close()
  }
  return { count, openings: () => ledger.openings, warnings: [] }
}

async function cutWindows(config: TrainConfig, { pipeline, preparedBy }: TrainedOn, file: string): Promise<EegWindows> {
  if (preparedBy === null) throw unknownPreparation(file, 'recordings')
  const recordings = await readRecordings(config)
  if (pipeline !== undefined) {
    return Pipeline.restore(pipeline, file).pipeline.prepared.windows(recordings, trialsOf(config))
  }
  const windows = await cutFiltered(config, recordings)
  // Old checkpoints keep neither pipeline nor hash: the filter and the windows of their run, which need not be compared with anything.
  return preparedBy === undefined ? windows.with({ pipeline: undefined }) : windows
}

/** Windows of a store, which must have been made as those that the network was trained with. */
function storedWindows(config: TrainConfig, { pipeline }: TrainedOn, file: string): EegWindows | undefined {
  const windows = storeOf(config)?.windows
  if (windows !== undefined && pipeline !== undefined) {
    Pipeline.restore(pipeline, file).pipeline.requirePrepared(windows)
  }
  return windows
}
