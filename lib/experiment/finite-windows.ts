import { notNumbers } from '../datasets/not-numbers.ts'
import type { EegWindows } from '../datasets/windows.ts'
import { areFinite } from '../finite.ts'
import { DataLoader } from '../training/data-loader.ts'

/** What is read and judged at a time, in bytes. */
const AT_ONCE = 16 * 2 ** 20

/**
 * Refuses windows of which a network or decoder would make nothing but what is no number. They are read as for training, ahead and by threads of their own,
 * and judged on the compute thread.
 *
 * @param indices of the windows that are looked at, all without
 * @param file that holds them, for the message
 * @throws EegTorchError `FILE_INVALID` naming the first such trial and its channel
 */
export async function requireFinite(
  windows: EegWindows,
  { indices, file }: { indices?: readonly number[] | undefined; file?: string } = {},
): Promise<void> {
  const asked = indices === undefined ? windows : windows.subset(indices)
  if (asked.length === 0) return
  const batchSize = Math.max(1, Math.floor(AT_ONCE / (4 * asked.nChannels * asked.nSamples)))
  using loader = new DataLoader(asked, { batchSize })
  for await (const { inputs, indices: rows } of loader) if (!(await areFinite(inputs))) refuse(asked, rows, file)
}

/** Names the first of these windows that holds what is no number. */
function refuse(windows: EegWindows, rows: readonly number[], file: string | undefined): void {
  for (const row of rows) {
    const { data } = windows.batch([row])
    const place = data.findIndex((value) => !Number.isFinite(value))
    if (place >= 0) throw notNumbers(windows, row, place, data[place]!, file)
  }
}
