import type { ClassedTrial } from '../datasets/cut-windows.ts'
import type { FittedStatistic } from '../datasets/fitted.ts'
import { allocate, EegWindows, type WindowOrigin, type WindowRecording } from '../datasets/windows.ts'
import { channelType } from '../recordings/channels.ts'
import type { SignalBlock } from './block.ts'

/** Windows on their way through steps, in double precision. */
export interface CutWindows {
  readonly block: SignalBlock
  readonly origins: readonly WindowOrigin[]
  readonly recordings: readonly WindowRecording[]
  readonly classNames: readonly string[]
  /** Every trial found, whether it gave windows or not: what orders the classes. */
  readonly trials: readonly ClassedTrial[]
  /** Samples between the starts of two windows of a trial. */
  readonly step: number
  readonly skipped: number
  readonly simulated: boolean
  /** What was learned from recordings and shaped these windows. */
  readonly fitted: readonly FittedStatistic[]
}

/** Some windows, in the order given. */
export function subsetOf(windows: CutWindows, indices: readonly number[]): CutWindows {
  const { block, origins } = windows
  const size = block.channels.length * block.samples
  const data = new Float64Array(indices.length * size)
  for (const [i, index] of indices.entries()) data.set(block.data.subarray(index * size, (index + 1) * size), i * size)
  return {
    ...windows,
    block: { ...block, data, items: indices.length },
    origins: indices.map((index) => origins[index]!),
  }
}

/** Windows as networks take them, in single precision. */
export function toEegWindows({ block, ...rest }: CutWindows, pipeline: string): EegWindows {
  const data = allocate(block.data.length)
  data.set(block.data)
  const { samples: nSamples, samplingRate, channels } = block
  return new EegWindows({
    ...rest,
    data,
    nSamples,
    samplingRate,
    channelNames: channels.map(({ name }) => name),
    channelTypes: channels.map(({ type }) => type),
    pipeline,
  })
}

/** Windows taken up again. Where nothing but their names is known of channels, these tell what they measure. */
export function fromEegWindows(windows: EegWindows): CutWindows {
  const { data, nSamples: samples, samplingRate, length: items } = windows
  const channels = windows.channelNames.map((name, i) => ({
    ...{ name, label: name, unit: '', samplingRate },
    type: windows.channelTypes?.[i] ?? channelType(name, true),
  }))
  const { origins, recordings, classNames, step, skipped, simulated, fitted } = windows
  const block = { data: Float64Array.from(data), items, samples, channels, samplingRate }
  return { block, origins, recordings, classNames, trials: [], step, skipped, simulated, fitted }
}
