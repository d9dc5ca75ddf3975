import { notNumbers } from '../datasets/not-numbers.ts'
import type { EegWindows } from '../datasets/windows.ts'
import { asyncOps } from '../ops/index.ts'
import type { Tensor } from '../tensor.ts'
import { DataLoader } from '../training/data-loader.ts'

/** What is read and judged at a time, in bytes. */
const AT_ONCE = 16 * 2 ** 20

/**
 * Refuses windows of which a network would make nothing but what is no number. They are read as for training, ahead and by threads of their own, and judged
 * on the compute thread.
 *
 * @param count of the windows, from the first on
 * @throws EegTorchError `FILE_INVALID` naming the first such trial and its channel
 */
export async function requireNumbers(windows: EegWindows, file: string, count = windows.length): Promise<void> {
  const rows = Math.min(count, windows.length)
  if (rows === 0) return
  const first = rows === windows.length ? windows : windows.subset(Array.from({ length: rows }, (_, i) => i))
  const batchSize = Math.max(1, Math.floor(AT_ONCE / (4 * windows.nChannels * windows.nSamples)))
  const loader = new DataLoader(first, { batchSize })
  try {
    for await (const { inputs, indices } of loader) if (!(await areFinite(inputs))) refuse(windows, file, indices)
  } finally {
    loader.dispose()
  }
}

async function areFinite(values: Tensor): Promise<boolean> {
  using finite = await asyncOps.aten.isfinite(values)
  using all = await asyncOps.aten.all(finite)
  return all.item() === true
}

/** Names the first of these windows that holds what is no number. */
function refuse(windows: EegWindows, file: string, rows: readonly number[]): void {
  for (const row of rows) {
    const { data } = windows.batch([row])
    const place = data.findIndex((value) => !Number.isFinite(value))
    if (place >= 0) throw notNumbers(windows, row, place, data[place]!, file)
  }
}
