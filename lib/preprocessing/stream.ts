import type { EegWindows } from '../datasets/windows.ts'
import { EegTorchError } from '../errors.ts'
import { channelType } from '../recordings/channels.ts'
import type { Channel } from '../recordings/recording.ts'
import { rowOf, type SignalBlock } from './block.ts'
import type { FittedPipeline } from './fitted-pipeline.ts'
import { type LiveEvent, LiveWindows } from './live-windows.ts'
import { type Step, workOf } from './schema.ts'
import type { StreamLayout, StreamStage, TrialOptions } from './step.ts'

/** What arrives: how many channels, what they measure, and how fast. */
export interface StreamOptions {
  /** Names, judged as those of files are; or channels. */
  channels: readonly (string | Channel)[]
  /** Hertz. */
  samplingRate: number
  /** Which events are trials, in place of what the step `windows` says. */
  trials?: TrialOptions
}

/** What a chunk gave. */
export interface StreamOutput {
  /** Samples of each channel behind the last step before `windows`. */
  samples: Float64Array[]
  /** Windows that the chunk has completed, in the order of their events, through every step. */
  windows: EegWindows[]
}

interface StreamState {
  stages: StreamStage[]
  live: LiveWindows | undefined
}

/**
 * A pipeline over a signal that is still being recorded. What comes out does not depend on how the samples were cut into chunks, and is what
 * the pipeline makes of the whole recording.
 */
export class PipelineStream implements StreamLayout {
  /** Of what comes out. */
  readonly channels: readonly Channel[]
  /** Of what comes out, in hertz. */
  readonly samplingRate: number
  readonly #input: StreamLayout
  readonly #make: () => StreamState
  #state: StreamState

  constructor(fitted: FittedPipeline, { channels, samplingRate, trials = {} }: StreamOptions) {
    const { steps } = fitted.pipeline
    const cut = steps.findIndex((step) => workOf(step).cut)
    const [before, after] = cut < 0 ? [steps, []] : [steps.slice(0, cut), steps.slice(cut)]
    refuseTogether(after, cut)
    this.#input = { channels: channels.map((channel) => describeChannel(channel, samplingRate)), samplingRate }
    this.#make = () => {
      const stages = makeStages(before, this.#input)
      const layout = stages.at(-1) ?? this.#input
      const live = cut < 0 ? undefined : new LiveWindows(fitted, after[0]!, layout, samplingRate, trials)
      return { stages, live }
    }
    this.#state = this.#make()
    const out = this.#state.stages.at(-1) ?? this.#input
    this.channels = out.channels
    this.samplingRate = out.samplingRate
  }

  /**
   * The next samples, one array per channel, in volts for electric channels; and the events among them.
   *
   * @param events their `sample` counts from the first sample of the chunk
   * @throws EegTorchError `SHAPE_MISMATCH` for another number of channels, or arrays of different lengths
   */
  async push(chunk: readonly ArrayLike<number>[], events: readonly LiveEvent[] = []): Promise<StreamOutput> {
    const { stages, live } = this.#state
    let block = this.#blockOf(chunk)
    for (const stage of stages) block = stage.push(block)
    const samples = block.channels.map((_, channel) => rowOf(block, 0, channel))
    return { samples, windows: live === undefined ? [] : await live.push(block, events, chunk[0]!.length) }
  }

  /** Begins anew, as after a gap: nothing of what came before is remembered. */
  reset(): void {
    this.#state = this.#make()
  }

  #blockOf(chunk: readonly ArrayLike<number>[]): SignalBlock {
    const { channels, samplingRate } = this.#input
    const samples = chunk[0]?.length ?? 0
    if (chunk.length !== channels.length || chunk.some((row) => row.length !== samples)) {
      throw new EegTorchError('SHAPE_MISMATCH', 'the chunk does not fit the stream', {
        expected: `${channels.length} arrays of equal length`,
        received: `lengths ${chunk.map((row) => row.length).join(', ') || 'of nothing'}`,
      })
    }
    const data = new Float64Array(channels.length * samples)
    for (const [i, row] of chunk.entries()) data.set(row, i * samples)
    return { data, items: 1, samples, channels, samplingRate }
  }
}

function describeChannel(channel: string | Channel, samplingRate: number): Channel {
  if (typeof channel !== 'string') return { ...channel, samplingRate }
  return { name: channel, label: channel, type: channelType(channel, true), unit: 'V', samplingRate }
}

function makeStages(steps: readonly Step[], input: StreamLayout): StreamStage[] {
  let layout = input
  return steps.map((step, index) => {
    const stage = makeStage(step, layout)
    if (typeof stage === 'string') throw refuse(step, index, stage)
    layout = stage
    return stage
  })
}

function makeStage(step: Step, layout: StreamLayout): StreamStage | string {
  const { stream, block, instant } = workOf(step)
  if (stream) return stream(layout, step.options)
  if (!instant) return 'it needs the whole signal'
  const push = (chunk: SignalBlock) => block!(chunk, step.options) as SignalBlock
  const { channels, samplingRate } = push({ data: new Float64Array(0), items: 1, samples: 0, ...layout })
  return { channels, samplingRate, push }
}

function refuseTogether(steps: readonly Step[], first: number): void {
  const index = steps.findIndex((step) => workOf(step).together?.(step.options))
  if (index >= 0) throw refuse(steps[index]!, first + index, 'it needs the other windows')
}

function refuse({ name }: Step, index: number, why: string): EegTorchError {
  return new EegTorchError('INVALID_OPTION', `step ${index + 1} (${name}) cannot be streamed: ${why}`, {
    option: 'steps',
    expected: 'causal steps before windows',
    received: name,
  })
}
