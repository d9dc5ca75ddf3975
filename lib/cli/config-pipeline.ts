import { toldNotNumbers } from '../datasets/not-numbers.ts'
import type { EegWindows } from '../datasets/windows.ts'
import { defined } from '../defined.ts'
import { EegTorchError } from '../errors.ts'
import { Pipeline } from '../preprocessing/pipeline.ts'
import type { PipelineSource } from '../preprocessing/schema.ts'
import type { TrialOptions } from '../preprocessing/step.ts'
import type { StepSource } from '../preprocessing/steps/index.ts'
import type { Recording } from '../recordings/recording.ts'
import { type OptionSource, writtenAs } from './option-source.ts'
import type { TrainConfig } from './train-config.ts'

/** Options that are shorthand for a pipeline. */
export const SHORTHAND = ['window', 'band', 'channels', 'upsample', 'standardise'] as const

type Shorthand = Pick<TrainConfig, (typeof SHORTHAND)[number] | 'pipeline'>
type Trials = Pick<TrainConfig, 'events' | 'task'>

/** The schema of the configuration leaves it to the pipeline to judge what is written. */
const parsed = (pipeline: TrainConfig['pipeline']) => Pipeline.parse(pipeline as string | PipelineSource)

/**
 * Refuses a pipeline beside options that are shorthand for one.
 *
 * @throws EegTorchError `INVALID_OPTION`
 */
export function requireOneWay(said: Record<string, unknown>, source: OptionSource = {}): void {
  const twice = SHORTHAND.find((option) => said[option] !== undefined)
  if (said.pipeline === undefined || twice === undefined) return
  const written = writtenAs(twice, said, source)
  throw new EegTorchError('INVALID_OPTION', `option ${written.option} is a part of the pipeline`, {
    ...written,
    expected: `either pipeline or ${SHORTHAND.join(', ')}`,
    received: 'both',
  })
}

/**
 * A configuration whose pipeline stands in it with every option, and no longer by its name or file.
 *
 * @throws EegTorchError as {@link Pipeline.parse} and {@link Pipeline.load}
 */
export async function withPipeline<C extends { pipeline?: TrainConfig['pipeline'] }>(config: C): Promise<C> {
  const { pipeline } = config
  if (pipeline === undefined) return config
  const found = typeof pipeline === 'string' ? await Pipeline.find(pipeline) : parsed(pipeline)
  return { ...config, pipeline: found.toJSON() }
}

/** The pipeline of a configuration, or what its shorthand says; the channels are those of the first recording. */
export function pipelineOf(config: Shorthand, recordings: Iterable<Recording>): Pipeline {
  if (config.pipeline !== undefined) return parsed(config.pipeline)
  const {
    window: [from, to],
    band,
    upsample,
    standardise,
  } = config
  const channels = config.channels ?? eegChannels(recordings)
  const steps: (StepSource | false)[] = [
    channels.length > 0 && { pick: channels },
    band !== null && { filter: band },
    { windows: { from, to } },
    upsample !== undefined && upsample > 1 && { upsample },
    standardise && 'zscore',
  ]
  return Pipeline.parse(steps.filter((step) => step !== false))
}

function eegChannels(recordings: Iterable<Recording>): string[] {
  const [first] = recordings
  const eeg = first?.channels.filter(({ type, samplingRate }) => type === 'eeg' && samplingRate === first.samplingRate)
  return eeg?.map(({ name }) => name) ?? []
}

/** What a configuration makes of recordings before they are split, and the pipeline whose steps that learn are still to come. */
export interface ConfiguredWindows {
  pipeline: Pipeline
  windows: EegWindows
}

/**
 * Reads recordings through the pipeline of a configuration, up to the steps that learn, and warns of windows that hold what is no number.
 *
 * @throws EegTorchError as {@link Pipeline.windows}
 */
export async function cutConfigured(
  config: Shorthand & Trials,
  recordings: Iterable<Recording>,
): Promise<ConfiguredWindows> {
  const list = [...recordings]
  const pipeline = pipelineOf(config, list)
  const windows = await pipeline.prepared.windows(list, trialsOf(config))
  const warning = toldNotNumbers(windows)
  if (warning !== undefined) console.error(`warning: ${warning}`)
  return { pipeline, windows }
}

/** Windows through the filter that a command's options name, which runs on the compute thread. */
export async function cutFiltered(
  options: Trials & Pick<TrainConfig, 'window' | 'channels' | 'upsample'> & { band?: TrainConfig['band'] | undefined },
  recordings: Iterable<Recording>,
): Promise<EegWindows> {
  const { window, band = null, channels, upsample, events, task } = options
  const said = defined({ channels, upsample, events, task })
  return (await cutConfigured({ window, band, standardise: false, ...said }, recordings)).windows
}

/** Which events are trials, where the configuration says so. */
export const trialsOf = ({ events, task }: Trials): TrialOptions => defined({ events, task })

/** For people: `0.5-3.5 s after the cue, 4-38 Hz`, or the name of the pipeline. */
export function pipelineText({ window: [from, to], band, pipeline }: Shorthand): string {
  if (pipeline !== undefined) {
    const { name, hash } = parsed(pipeline)
    return `pipeline ${name ?? ''} ${hash.slice(0, 8)}`.replace(/ +/g, ' ')
  }
  return `${from}-${to} s after the cue, ${band === null ? 'unfiltered' : `${band[0]}-${band[1]} Hz`}`
}

/** Seconds after the event at which windows start. */
export function windowStart(config: Shorthand): number {
  if (config.pipeline === undefined) return config.window[0]
  const { steps } = parsed(config.pipeline)
  const options = steps.find(({ name }) => name === 'windows')?.options as { from: number; zero: number } | undefined
  return options === undefined ? 0 : options.from + options.zero
}
