import { eye, fromTypedArray, zeros } from '../creation.ts'
import type { Recording } from '../recordings/recording.ts'
import { asyncSignal } from '../signal/index.ts'
import type { Tensor } from '../tensor.ts'
import type { SignalBlock } from './block.ts'
import { onTensor } from './on-tensor.ts'
import { changeRecording, readInARow } from './run-recording.ts'
import { requireChannels } from './steps/scaling.ts'

/** What takes something out of a signal: each channel becomes a sum of all of them, and a constant. */
export interface ChannelMix {
  readonly channelNames: string[]
  /** (channels, channels). */
  readonly matrix: number[][]
  /** (channels), in the unit of the signal. */
  readonly offset: number[]
}

/**
 * A mix that changes some channels and leaves the others as they are.
 *
 * @param rows the channels that are changed
 * @param change what becomes of them, (rows, samples) -> the same; linear but for a constant
 */
export async function mixOf(
  { channels }: SignalBlock,
  rows: readonly number[],
  change: (x: Tensor) => Promise<Tensor>,
): Promise<ChannelMix> {
  const columns = async (x: Tensor): Promise<number[][]> => {
    using given = x
    using changed = await change(given)
    return changed.toArray() as number[][]
  }
  const still = await columns(zeros([rows.length, 1], { dtype: 'float64' }))
  const units = await columns(eye(rows.length, { dtype: 'float64' }))
  const offset = new Array<number>(channels.length).fill(0)
  const matrix = channels.map((_, i) => channels.map((__, k): number => (i === k ? 1 : 0)))
  for (const [i, row] of rows.entries()) {
    offset[row] = still[i]![0]!
    for (const [k, column] of rows.entries()) matrix[row]![column] = units[i]![k]! - still[i]![0]!
  }
  return { channelNames: channels.map(({ name }) => name), matrix, offset }
}

/** @throws EegTorchError `SHAPE_MISMATCH` for other channels than it was made for */
export async function applyMix(block: SignalBlock, { channelNames, matrix, offset }: ChannelMix): Promise<SignalBlock> {
  requireChannels(block, channelNames)
  const count = channelNames.length
  using weights = fromTypedArray(Float64Array.from(matrix.flat()), { shape: [count, count] })
  using constant = fromTypedArray(Float64Array.from(offset))
  return onTensor(block, (x) => asyncSignal.spatialFilter(x, { matrix: weights, offset: constant }))
}

/** A recording through a mix that is found in all of its stretches together. */
export async function mixRecording(
  recording: Recording,
  find: (whole: SignalBlock) => Promise<ChannelMix>,
): Promise<Recording> {
  const mix = await find(await readInARow(recording))
  return changeRecording(recording, (block) => applyMix(block, mix))
}
