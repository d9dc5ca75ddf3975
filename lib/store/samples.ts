import { EegTorchError } from '../errors.ts'
import { fromHalf } from '../half-precision.ts'

/** How the samples of a store are kept. */
export const SAMPLE_TYPES = ['float32', 'float16', 'int16'] as const
/** One of {@link SAMPLE_TYPES}. */
export type SampleType = (typeof SAMPLE_TYPES)[number]

/** What a record holds: windows of one shape. */
export interface RecordShape {
  type: SampleType
  nChannels: number
  nSamples: number
}

const LARGEST_INT16 = 32767

/**
 * Bytes of one window's record, little-endian: `float32` is the samples, channel by channel; `float16` and `int16` begin with one float32 for
 * each channel, by which its 2-byte samples are multiplied.
 */
export function recordBytes({ type, nChannels, nSamples }: RecordShape): number {
  return type === 'float32' ? 4 * nChannels * nSamples : 4 * nChannels + 2 * nChannels * nSamples
}

/**
 * A window as its record. The 2-byte types scale each channel by its largest sample: what they change is at most 1/65,534 (int16) or
 * 1/4,096 (float16) of that.
 *
 * @param window (channels, samples)
 * @throws EegTorchError `INVALID_OPTION` for samples that are not finite, which only float32 can keep
 */
export function encodeWindow(window: Float32Array, shape: RecordShape): Uint8Array {
  const { type, nChannels, nSamples } = shape
  if (type === 'float32') return new Uint8Array(Float32Array.from(window).buffer)
  const record = new ArrayBuffer(recordBytes(shape))
  const scales = new Float32Array(record, 0, nChannels)
  const values = new (type === 'int16' ? Int16Array : Uint16Array)(record, 4 * nChannels)
  for (let channel = 0; channel < nChannels; channel++) {
    const samples = window.subarray(channel * nSamples, (channel + 1) * nSamples)
    const scale = Math.fround(largest(samples) / (type === 'int16' ? LARGEST_INT16 : 1))
    if (!Number.isFinite(scale)) throw notFinite(type)
    scales[channel] = scale
    if (scale === 0) continue
    for (let i = 0; i < nSamples; i++) {
      const value = samples[i]! / scale
      values[channel * nSamples + i] = type === 'int16' ? toInt16(value) : toHalf(value)
    }
  }
  return new Uint8Array(record)
}

/** A record as a window of float32. */
export function decodeWindow(record: Uint8Array, shape: RecordShape): Float32Array {
  const { type, nChannels, nSamples } = shape
  const bytes = new Uint8Array(record).buffer
  if (type === 'float32') return new Float32Array(bytes)
  const scales = new Float32Array(bytes, 0, nChannels)
  const isInteger = type === 'int16'
  const values = new (isInteger ? Int16Array : Uint16Array)(bytes, 4 * nChannels)
  const window = new Float32Array(nChannels * nSamples)
  for (let i = 0, channel = 0; channel < nChannels; channel++) {
    const scale = scales[channel]!
    for (const end = i + nSamples; i < end; i++) window[i] = (isInteger ? values[i]! : fromHalf(values[i]!)) * scale
  }
  return window
}

function largest(samples: Float32Array): number {
  let most = 0
  for (let i = 0; i < samples.length; i++) {
    const size = Math.abs(samples[i]!)
    // once it is NaN it stays so
    if (size > most || Number.isNaN(size)) most = size
  }
  return most
}

function toInt16(value: number): number {
  return Math.max(-LARGEST_INT16, Math.min(LARGEST_INT16, Math.round(value)))
}

const asFloat = new Float32Array(1)
const asBits = new Uint32Array(asFloat.buffer)

/** The float16 next to a number of size 1 or less, to even where two are as near. */
function toHalf(value: number): number {
  const sign = value < 0 ? 0x8000 : 0
  const size = Math.min(1, Math.abs(value))
  asFloat[0] = size
  const exponent = Math.max(-14, ((asBits[0]! >> 23) & 0xff) - 127)
  const unit = 2 ** (exponent - 10)
  const steps = roundToEven(size / unit)
  // Subnormal numbers have no leading one; a full fraction carries into the exponent by itself.
  return sign | (steps < 1024 ? steps : ((exponent + 14) << 10) + steps)
}

function roundToEven(value: number): number {
  const low = Math.floor(value)
  const rest = value - low
  if (rest !== 0.5) return rest < 0.5 ? low : low + 1
  return low % 2 === 0 ? low : low + 1
}

function notFinite(type: SampleType): EegTorchError {
  return new EegTorchError('INVALID_OPTION', `samples that are not finite cannot be kept as ${type}`, {
    option: 'sampleType',
    expected: 'float32',
    received: type,
  })
}
