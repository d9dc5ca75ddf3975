import type { FilterSection } from './butterworth.ts'

/**
 * What recordings and data sets have computed by the addon: it is loaded when there is something to compute, for reading and cutting need none.
 *
 * @throws EegTorchError those of LibTorch where it is missing
 */
async function addon() {
  const [{ fromTypedArray }, { asyncSignal }] = await Promise.all([import('../creation.ts'), import('./index.ts')])
  return { fromTypedArray, asyncSignal }
}

/**
 * Filters rows of equal length: `filterBothWays`, on the compute thread.
 *
 * @returns views of one array that holds all of them
 */
export async function filterRowsBothWays(
  sections: readonly FilterSection[],
  rows: readonly Float64Array[],
): Promise<Float64Array[]> {
  const length = rows[0]?.length ?? 0
  if (length === 0) return [...rows]
  const { asyncSignal, fromTypedArray } = await addon()
  const data = new Float64Array(rows.length * length)
  for (const [i, row] of rows.entries()) data.set(row, i * length)
  using x = fromTypedArray(data, { shape: [rows.length, length] })
  using y = await asyncSignal.sosfiltfilt(x, sections)
  const filtered = y.toTypedArray({ share: true }) as Float64Array
  return rows.map((_, i) => filtered.subarray(i * length, (i + 1) * length))
}

/**
 * Puts `factor - 1` samples between each two of every row, on the compute thread: a low-pass at the old Nyquist frequency, a sinc under a Kaiser
 * window, without delay. Rows go on at both ends along the line through their first and last sample. Equals
 * `scipy.signal.resample_poly(rows, factor, 1, axis=-1, padtype='line')`.
 *
 * @param rows one after the other, each of `length` samples
 */
export async function upsampleRows(rows: Float32Array, length: number, factor: number): Promise<Float32Array> {
  if (factor === 1) return rows
  const { asyncSignal, fromTypedArray } = await addon()
  using x = fromTypedArray(rows, { shape: [rows.length / length, length] })
  using y = await asyncSignal.resamplePoly(x, factor, 1, { pad: 'line' })
  return y.toTypedArray() as Float32Array
}
