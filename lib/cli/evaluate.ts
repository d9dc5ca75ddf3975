import type { Command } from 'commander'
import type { Recordings } from '../datasets/recordings.ts'
import { scoreWarnings } from '../datasets/registry.ts'
import type { EegWindows } from '../datasets/windows.ts'
import { defined } from '../defined.ts'
import { formatAccuracy, formatFigures } from '../evaluation/text.ts'
import { evaluateCheckpoint, readTrainedOn } from '../experiment/evaluate-checkpoint.ts'
import { Pipeline } from '../preprocessing/pipeline.ts'
import { withDataset } from './config-dataset.ts'
import { trialsOf } from './config-pipeline.ts'
import { readRecordings, storeOf } from './read-windows.ts'
import { windowOptions } from './run-training.ts'
import { checkConfig, type TrainConfig } from './train-config.ts'

interface Flags {
  dataset?: string
  data?: string[]
  task?: string
  events?: string[]
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
    .option('--json', 'print the scores as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  $ eegtorch evaluate runs/2026-11-21-eegnet/checkpoints/fold-1-seed-0/last.safetensors --data eegmmidb/',
    )
    .action(evaluate)
}

async function evaluate(
  file: string,
  { dataset, data, task, events, json = false }: Flags,
  command: Command,
): Promise<void> {
  const { run, model, channels, pipeline: trained } = readTrainedOn(file)
  const { task: trainedTask, events: trainedEvents, data: _, ...rest } = run
  const trials = task || events ? { task, events } : { task: trainedTask, events: trainedEvents }
  const known = defined({ ...rest, ...trials, ...(run.pipeline === undefined && { channels }) })
  const said = await withDataset({ ...known, ...defined({ dataset, data }), model })
  if (said.data === undefined) command.error("error: required option '--data <path...>' not specified")
  const config = checkConfig(said, file)
  const windows = storedWindows(config, trained, file) ?? (await cutWindows(config, trained, file))
  const { summary, warnings, ...counts } = await evaluateCheckpoint(file, windows)
  for (const sentence of warnings) console.error(`warning: ${sentence}`)
  const notes = scoreWarnings(windows)
  if (json) {
    console.log(JSON.stringify({ ...summary, ...counts, simulated: windows.simulated, warnings: notes }))
    return
  }
  console.log(formatAccuracy(summary.accuracy))
  console.log(formatFigures(summary))
  for (const note of notes) console.log(`note: ${note}`)
  console.log(`${counts.windows} windows scored, ${counts.seen} left out that the network was trained on`)
}

type Trained = ReturnType<typeof readTrainedOn>['pipeline']

async function cutWindows(config: TrainConfig, trained: Trained, file: string): Promise<EegWindows> {
  const recordings = await readRecordings(config)
  if (trained === undefined) return cutAsBefore(config, recordings)
  return Pipeline.restore(trained, file).pipeline.prepared.windows(recordings, trialsOf(config))
}

/** Windows of a store, which must have been made as those that the network was trained with. */
function storedWindows(config: TrainConfig, trained: Trained, file: string): EegWindows | undefined {
  const windows = storeOf(config)?.windows
  if (windows !== undefined && trained !== undefined) {
    Pipeline.restore(trained, file).pipeline.requirePrepared(windows)
  }
  return windows
}

/** For checkpoints that keep no pipeline: the filter and the windows of their run. */
async function cutAsBefore(config: TrainConfig, recordings: Recordings): Promise<EegWindows> {
  const { band } = config
  return (band === null ? recordings : recordings.filter({ band })).windows(windowOptions(config))
}
