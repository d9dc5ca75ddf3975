import { EegTorchError } from '../errors.ts'
import { firwin } from './firwin.ts'

/** Samples of the slower rate on each side of a sample of the faster one that it is made from. */
const REACH = 10
/** Of the Kaiser window that cuts the sinc off. */
const BETA = 5
const LARGEST = 16

/**
 * Puts `factor - 1` samples between each two of every row: a low-pass at the old Nyquist frequency, a sinc under a Kaiser window, without delay.
 * Rows go on at both ends along the line through their first and last sample. Equals
 * `scipy.signal.resample_poly(rows, factor, 1, axis=-1, padtype='line')`.
 *
 * @param rows one after the other, each of `length` samples
 * @throws EegTorchError `INVALID_OPTION` for a factor that is no whole number from 1 to 16
 */
export function upsample(rows: Float32Array, length: number, factor: number): Float32Array {
  if (!(Number.isInteger(factor) && factor >= 1 && factor <= LARGEST)) {
    throw new EegTorchError('INVALID_OPTION', 'upsampling needs another factor', {
      option: 'upsample',
      expected: `a whole number from 1 to ${LARGEST}`,
      received: String(factor),
    })
  }
  if (factor === 1) return rows
  const half = REACH * factor
  const taps = firwin(2 * half + 1, 1 / factor, 2, { window: ['kaiser', BETA] }).map((tap) => tap * factor)
  const extended = new Float64Array(length + 2 * REACH)
  const out = new Float32Array(rows.length * factor)
  for (let start = 0; start < rows.length; start += length) {
    extend(rows.subarray(start, start + length), extended)
    for (let i = 0; i < length * factor; i++) {
      const [at, phase] = [Math.floor(i / factor), i % factor]
      let sum = 0
      for (let k = -REACH; k <= REACH; k++)
        sum += (extended[REACH + at + k] ?? 0) * (taps[phase - k * factor + half] ?? 0)
      out[start * factor + i] = sum
    }
  }
  return out
}

function extend(row: Float32Array, extended: Float64Array): void {
  const [first, last] = [row[0]!, row.at(-1)!]
  const slope = row.length > 1 ? (last - first) / (row.length - 1) : 0
  for (let k = 0; k < REACH; k++) {
    extended[k] = first - slope * (REACH - k)
    extended[REACH + row.length + k] = last + slope * (k + 1)
  }
  extended.set(row, REACH)
}
