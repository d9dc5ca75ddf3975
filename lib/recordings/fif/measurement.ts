import type { Position } from '../../electrodes.ts'
import { channelNames } from '../channels.ts'
import { invalid } from '../invalid.ts'
import { requireRate, roundRate } from '../main-rate.ts'
import { decodeText } from '../read-text.ts'
import type { Channel, ChannelType } from '../recording.ts'
import { BLOCK, type FifTag, KIND, readNames, readNumber, readNumbers, readText, readValue } from './tags.ts'

/** What the measurement block says. */
export interface Measurement {
  readonly samplingRate: number
  readonly channels: readonly Channel[]
  /** What stored numbers are multiplied by, in raw data and in epochs. */
  readonly gains: readonly { readonly raw: number; readonly epochs: number }[]
  /** Seconds since 1970. */
  readonly date: number | undefined
}

const CHANNEL_BYTES = 96
const EEG = 2
const TYPES: Readonly<Record<number, ChannelType>> = { [EEG]: 'eeg', 202: 'eog', 302: 'emg', 402: 'ecg', 3: 'stim' }
const UNITS: Readonly<Record<number, string>> = { 107: 'V', 112: 'T', 201: 'T/m' }

/** Reads the channels, their rate and the date. @throws EegTorchError `FILE_INVALID` for what does not fit together */
export function readMeasurement(tags: readonly FifTag[], file: string): Measurement {
  const inside = tags.filter(({ blocks }) => blocks.includes(BLOCK.measurement))
  const direct = inside.filter(({ blocks }) => blocks.at(-1) === BLOCK.measurement)
  const rate = roundRate(
    readNumber(
      file,
      direct.find(({ kind }) => kind === KIND.samplingRate),
    ) ?? Number.NaN,
  )
  requireRate(rate, file)
  const infos = direct.filter(({ kind, size }) => kind === KIND.channel && size >= CHANNEL_BYTES)
  const promised = readNumber(
    file,
    direct.find(({ kind }) => kind === KIND.nChannels),
  )
  if (infos.length === 0 || infos.length !== promised) {
    throw invalid(file, 'its channels are not all described', `${promised} of them`, `${infos.length}`)
  }
  const parsed = infos.map((info) => parseChannel(readValue(file, info)))
  const long = inside.filter(({ kind, blocks }) => kind === KIND.channelName && blocks.at(-1) === BLOCK.channelInfo)
  // Names beyond 15 characters stand in blocks of their own, in the same order.
  const labels = parsed.map(({ label }, i) => (long.length === parsed.length ? readText(file, long[i]!) : label))
  const bads = inside.find(({ kind, blocks }) => kind === KIND.nameList && blocks.at(-1) === BLOCK.bads)
  const bad = new Set(readNames(file, bads))
  const names = channelNames(labels)
  const date = direct.find(({ kind, size }) => kind === KIND.date && size >= 8)
  const [seconds, micros] = date === undefined ? [] : readNumbers(file, date)
  return {
    samplingRate: rate,
    date: seconds === undefined || seconds === -(2 ** 31) ? undefined : seconds + micros! / 1e6,
    gains: parsed.map(({ range, cal }) => ({ raw: range * cal, epochs: cal })),
    channels: parsed.map(({ type, unit, position, label }, i) => ({
      name: names[i]!,
      label: labels[i]!,
      type,
      unit,
      samplingRate: rate,
      ...(position === undefined ? {} : { position }),
      ...(bad.has(labels[i]!) || bad.has(label) ? { isBad: true } : {}),
    })),
  }
}

/** A channel record: numbers, twelve of its place (the electrode, its reference), unit, and a name of up to 15 characters. */
function parseChannel(bytes: Buffer) {
  const kind = bytes.readInt32BE(8)
  const place = [24, 28, 32].map((at) => bytes.readFloatBE(at)) as [number, number, number]
  const isPlaced = kind === EEG && place.every(Number.isFinite) && place.some((value) => value !== 0)
  const end = bytes.indexOf(0, 80)
  const label = decodeText(bytes.subarray(80, end < 80 || end > 96 ? 96 : end))
  const position: Position | undefined = isPlaced ? place : undefined
  return {
    label,
    type: TYPES[kind] ?? ('misc' as const),
    unit: kind === 3 ? '' : (UNITS[bytes.readInt32BE(72)] ?? ''),
    range: bytes.readFloatBE(12),
    cal: bytes.readFloatBE(16),
    position,
  }
}
