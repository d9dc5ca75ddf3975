import type { ClassedTrial } from '../datasets/cut-windows.ts'
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
    pipeline,
  })
}

/** Windows taken up again. What their channels measure is judged by their names. */
export function fromEegWindows(windows: EegWindows): CutWindows {
  const { data, nSamples: samples, samplingRate, length: items } = windows
  const channels = windows.channelNames.map((name) => ({
    ...{ name, label: name, unit: '', samplingRate },
    type: channelType(name, true),
  }))
  const { origins, recordings, classNames, step, skipped, simulated } = windows
  const block = { data: Float64Array.from(data), items, samples, channels, samplingRate }
  return { block, origins, recordings, classNames, trials: [], step, skipped, simulated }
}
