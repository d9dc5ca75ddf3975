import { existsSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { stringify } from 'yaml'
import type { Recordings } from '../datasets/recordings.ts'
import { defined } from '../defined.ts'
import type { ProcessGroup } from '../distributed/process-group.ts'
import type { Device } from '../dtype.ts'
import { EegTorchError } from '../errors.ts'
import { crossValidate } from '../experiment/cross-validate.ts'
import type { CrossValidateOptions } from '../experiment/cross-validate-options.ts'
import { RunFolder } from '../experiment/run-folder.ts'
import { writeFileAtomically } from '../files/atomic.ts'
import { type ModelFactory, models } from '../models/models.ts'
import { ProgressBar } from '../progress/progress-bar.ts'
import type { CrossValidationResult } from '../report/cross-validation-result.ts'
import { numThreads, setNumThreads } from '../runtime.ts'
import { chosenSettings } from '../training/fit.ts'
import type { Optimizer } from '../training/options.ts'
import { describedSchedule } from '../training/schedules.ts'
import { baselineDecoders } from './classical-decoders.ts'
import { pipelineText, SHORTHAND, windowStart } from './config-pipeline.ts'
import { EXIT } from './program.ts'
import { type ReadWindows, readWindows, type SaidOptions } from './read-windows.ts'
import { shapingOptions } from './shaping.ts'
import { openStudy } from './study-folder.ts'
import type { TrainConfig } from './train-config.ts'
import { untilInterrupted } from './until-interrupted.ts'

/** A run that is over. */
export interface FinishedRun {
  folder: string
  report: string
  result: CrossValidationResult
}

/** How a run shows itself. */
export interface RunOptions {
  folder: string
  title?: string
  quiet?: boolean
  /** In place of the recordings that the configuration names. */
  recordings?: Recordings
  /** The configuration as it was said, before defaults were filled in. */
  said?: SaidOptions
  /** Processes that train together: the first writes the folder and prints. */
  group?: ProcessGroup | undefined
  /** Where this process computes, in place of the configuration's. */
  device?: Device
}

export const CONFIG_FILE = 'config.yaml'

/** The first free name `runs/2026-11-21-eegnet`, `runs/2026-11-21-eegnet-2`, ... */
export function freshFolder(model: string, parent = 'runs'): string {
  const base = join(parent, `${new Date().toISOString().slice(0, 10)}-${model}`)
  for (let n = 1; ; n++) {
    const folder = n === 1 ? base : `${base}-${n}`
    if (!existsSync(folder)) return folder
  }
}

/** Trains, tests and reports as the configuration says. A folder that holds a run which was stopped goes on from there. */
export async function runTraining(config: TrainConfig, options: RunOptions): Promise<FinishedRun> {
  if (config.threads !== undefined) await setNumThreads(config.threads)
  const factory = factoryOf(config.model)
  const { config: whole, ...read } = await readWindows(config, options)
  return untilInterrupted((signal) => trainInFolder(factory, read, whole, options, signal))
}

async function trainInFolder(
  factory: ModelFactory<never>,
  { windows, pipeline, identify }: Omit<ReadWindows, 'config'>,
  config: TrainConfig,
  options: RunOptions,
  signal: AbortSignal,
): Promise<FinishedRun> {
  const { group } = options
  const writes = group === undefined || group.rank === 0
  const contents = async () => ({ data: { identity: await identify() }, startFrom: config.startFrom })
  await using _study = writes ? await openStudy(options.folder, shaping(config, group), await contents()) : undefined
  const folder = writes ? await openFolder(options.folder, config) : undefined
  const course = followTraining(folder, writes && !options.quiet, config.epochs)
  try {
    const result = await crossValidate(factory, windows, {
      ...trainingOptions(config),
      pipeline,
      ...(writes ? defined({ store: folder }) : { baselines: false }),
      ...defined({ device: options.device }),
      group,
      signal,
      onProgress: course.onProgress,
      report: {
        title: options.title ?? `${config.model}: ${windows.classNames.join(' against ')}`,
        preparation: pipelineText(config),
        configuration: recorded(config),
        command: `eegtorch train --resume ${relative('.', options.folder) || '.'}`,
        from: windowStart(config),
      },
    })
    const report = join(options.folder, 'report.html')
    if (writes) await result.save(join(options.folder, 'results.json'))
    if (writes) await result.report(report)
    return { folder: options.folder, report, result }
  } finally {
    course.close()
    if (signal.aborted && writes) {
      console.error(`stopped; go on with: eegtorch train --resume ${options.folder}`)
      process.exitCode = EXIT.cancelled
    }
  }
}

/** The folder of a run, which begins with what was asked for. */
async function openFolder(path: string, config: TrainConfig): Promise<RunFolder> {
  const { checkpointSteps, checkpointSeconds, checkpointEpochs, keepEvery } = config
  const every = { everySteps: checkpointSteps, everySeconds: checkpointSeconds, everyEpochs: checkpointEpochs }
  const folder = await RunFolder.create(path, {
    ...defined({ ...every, keepEvery }),
    onWarning: (sentence) => console.error(`warning: ${sentence}`),
  })
  await writeFileAtomically(join(path, CONFIG_FILE), stringify(recorded(config)))
  return folder
}

/** Logs the epochs in the folder, and draws the course where it is to be seen. */
function followTraining(folder: RunFolder | undefined, isShown: boolean, epochs: number) {
  let bar: ProgressBar | undefined
  const onProgress: NonNullable<CrossValidateOptions['onProgress']> = (
    { fold, seed, index },
    { folds, seeds, figures, epoch, step, steps, loss, validation },
  ) => {
    if (figures) folder?.logEpoch({ fold, seed, index }, figures)
    if (!isShown) return
    bar ??= new ProgressBar({ folds, seeds, epochs })
    const place = { fold: fold + 1, seed: (index % seeds) + 1, epoch, step, steps }
    bar.update({ ...place, ...defined({ loss, validation }) })
  }
  const close = () => {
    bar?.close()
    folder?.close()
  }
  return { onProgress, close }
}

/** What a run tells a program at its end. */
export function runFacts({ folder, report, result }: FinishedRun): Record<string, unknown> {
  const baselines = result.baselines.map(({ name, summary }) => ({ name, accuracy: summary.accuracy }))
  return { accuracy: result.accuracy, baselines, simulated: result.run.simulated, folder, report }
}

/** What a run prints at its end. */
export function printRun(run: FinishedRun, json: boolean): void {
  if (json) {
    console.log(JSON.stringify(runFacts(run)))
    return
  }
  const { folder, report, result } = run
  for (const line of result.lines()) console.log(line)
  console.log(`report   ${report}        resume or repeat   eegtorch train --resume ${folder}`)
}

/** Which windows a configuration asks for. */
type WindowConfig = Pick<TrainConfig, 'window'> &
  Partial<Pick<TrainConfig, 'task' | 'events' | 'channels' | 'upsample'>>

export function windowOptions({ window: [from, to], task, events, channels, upsample }: WindowConfig) {
  return { from, to, ...defined({ task, events, channels, upsample }) }
}

export function factoryOf(name: string): ModelFactory<never> {
  const factories = Object.values(models).filter((member) => typeof member === 'function' && 'modelName' in member)
  const named = factories as unknown as (ModelFactory<never> & { modelName: string })[]
  const plain = (text: string) => text.replaceAll(/[-_]/g, '').toLowerCase()
  const found = named.find(({ modelName }) => plain(modelName) === plain(name))
  if (found !== undefined) return found
  throw new EegTorchError('UNKNOWN_NAME', `no model is called ${name}`, {
    option: 'model',
    expected: `one of ${named.map(({ modelName }) => modelName).join(', ')}`,
    received: name,
  })
}

/** Everything but the pipeline. */
export function trainingOptions(config: TrainConfig): CrossValidateOptions {
  const { optimizer: name, lr, weightDecay, momentum, strongWolfe, groups, layerDecay } = config
  const { schedule, warmUp, earlyStopping: patience, monitor, startFrom } = config
  const { seeds, validation, epochs, batchSize, labelSmoothing, classWeights } = config
  const baselines = typeof config.baselines === 'boolean' ? config.baselines : baselineDecoders(config.baselines)
  const { folds, protocol, modelOptions: model, augmentations, loss } = config
  const { stimuliApart, permutations, retrainings, controls, device, resident } = config
  const leaveOut = folds === undefined && protocol === undefined ? (config.leaveOut ?? 'run') : undefined
  return {
    optimizer: { name, ...defined({ lr, weightDecay, momentum, strongWolfe, groups, layerDecay }) } as Optimizer,
    schedule: describedSchedule(schedule, warmUp),
    ...(patience !== undefined && { earlyStopping: { patience } }),
    ...{ monitor, seeds, epochs, batchSize, baselines, model, augmentations, loss },
    ...chosenSettings(config),
    ...defined({ leaveOut, folds, protocol, validation, labelSmoothing, classWeights, startFrom }),
    ...defined({ stimuliApart, permutations, retrainings, controls, device, resident }),
  } as CrossValidateOptions
}

/** What the trainings of a run come from, but for files: those count by their content. Of several processes each has its part of every batch. */
function shaping(config: TrainConfig, group: ProcessGroup | undefined): Record<string, unknown> {
  const shared = group === undefined ? {} : { processes: group.worldSize }
  const settings = { ...shapingOptions(recorded(config), ['data', 'startFrom']), ...shared }
  // A store adds its pipeline behind the others, where a file says it among them.
  return Object.fromEntries(Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** The configuration as the run folder keeps it: paths that hold from anywhere, and the number of threads in use. */
export function recorded(config: TrainConfig): Record<string, unknown> {
  const data = Array.isArray(config.data) ? config.data.map((path) => resolve(path)) : resolve(config.data)
  const { startFrom, pipeline } = config
  const shorthand = Object.fromEntries(SHORTHAND.map((option) => [option, undefined]))
  const said = defined(pipeline === undefined ? config : { ...config, ...shorthand })
  return { ...said, ...(startFrom && { startFrom: resolve(startFrom) }), data, threads: numThreads() }
}
