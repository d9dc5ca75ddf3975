import { EegTorchError } from '../../errors.ts'
import { SAMPLE_BYTES, type SampleType } from '../binary/sample-types.ts'
import { type Calibration, calibration, emptyRangeWarnings } from '../calibrate.ts'
import { invalid } from '../invalid.ts'
import { FASTEST, roundRate, SLOWEST } from '../main-rate.ts'
import { decodeUnit } from './units.ts'

/** One channel of a GDF file, as its header describes it. */
export interface GdfChannel extends Calibration {
  readonly label: string
  /** Unit as text, empty where the file names none. */
  readonly unit: string
  readonly prefilter: string
  readonly samplesPerRecord: number
  readonly type: SampleType
  /** Byte of its first sample in a record. */
  readonly position: number
  /** Hertz. */
  readonly samplingRate: number
}

/** A checked GDF header; records and events are not yet held against the size of the file. */
export interface GdfHeader {
  /** 1.25, 2.1, ... */
  readonly version: number
  readonly headerBytes: number
  readonly recordBytes: number
  /** As the header says; -1 if it does not know. */
  readonly promisedRecords: number
  readonly startTime: Date | undefined
  readonly channels: readonly GdfChannel[]
  /** What the codes of the file's own events mean, by code. */
  readonly meanings: ReadonlyMap<number, string>
  readonly warnings: readonly string[]
}

export const FIXED_BYTES = 256
const CHANNEL_BYTES = 256
const TYPES: Readonly<Record<number, SampleType>> = {
  1: 'int8',
  2: 'uint8',
  3: 'int16',
  4: 'uint16',
  5: 'int32',
  6: 'uint32',
  7: 'int64',
  8: 'uint64',
  16: 'float32',
  17: 'float64',
  279: 'int24',
  535: 'uint24',
}
/** Bytes of a channel's fields that come before one: both generations have the same places, and other contents. */
const AT = {
  unit: 96,
  unitCode: 102,
  physical: 104,
  digital: 120,
  prefilter: 136,
  filters: 204,
  samples: 216,
  type: 220,
}

/** Version of the format from the first 8 bytes, undefined if it is no GDF. */
export function gdfVersion(start: Buffer): number | undefined {
  const match = /^GDF (\d\.\d{1,2})/.exec(start.toString('latin1', 0, 8))
  return match === null ? undefined : Number(match[1])
}

/** How many bytes the header takes, from its first 256 bytes; checked against the file before anyone allocates. */
export function headerSize(fixed: Buffer, fileSize: number, file: string): number {
  const version = gdfVersion(fixed)
  if (version === undefined || fixed.length < FIXED_BYTES) {
    throw new EegTorchError(
      version === undefined ? 'FILE_INVALID' : 'FILE_TRUNCATED',
      'this is not a whole GDF header',
      {
        file,
        expected: "'GDF 1.xx' or 'GDF 2.xx' and 256 bytes",
        received: `${JSON.stringify(fixed.toString('latin1', 0, 8))} and ${fixed.length} bytes`,
      },
    )
  }
  const isOld = version < 1.9
  const nChannels = isOld ? fixed.readUInt32LE(252) : fixed.readUInt16LE(252)
  const bytes = isOld ? Number(fixed.readBigInt64LE(184)) : 256 * fixed.readUInt16LE(184)
  const needed = FIXED_BYTES + CHANNEL_BYTES * nChannels
  if (nChannels < 1 || bytes < needed) {
    throw invalid(
      file,
      'the header size does not fit its channels',
      `1 channel, ${needed} bytes or more`,
      `${nChannels} channels, ${bytes} bytes`,
    )
  }
  if (bytes <= fileSize) return bytes
  throw new EegTorchError('FILE_TRUNCATED', 'the file ends inside its header', {
    file,
    expected: `${bytes} bytes`,
    received: `${fileSize}`,
  })
}

/** Reads and checks a whole header (Schloegl, GDF 2.x, arXiv cs/0608052; GDF 1.x, BioSig). */
export function parseHeader(bytes: Buffer, file: string): GdfHeader {
  const version = gdfVersion(bytes)!
  const isOld = version < 1.9
  const nChannels = isOld ? bytes.readUInt32LE(252) : bytes.readUInt16LE(252)
  const warnings: string[] = []
  const recordDuration = durationOf(bytes, warnings, file)
  const channels: GdfChannel[] = []
  let position = 0
  for (let i = 0; i < nChannels; i++) {
    const channel = parseChannel(bytes, i, nChannels, isOld, { position, recordDuration, file })
    position += channel.samplesPerRecord * SAMPLE_BYTES[channel.type]
    // Channels without regular samples keep their values in the event table.
    if (channel.samplesPerRecord > 0) channels.push(channel)
    else warnings.push(`Channel ${channel.label || i + 1} has no regular samples and was left out.`)
  }
  if (channels.length === 0) throw invalid(file, 'no channel has samples', 'at least one', `${nChannels} without`)
  warnings.push(...emptyRangeWarnings(channels.filter((one) => one.hasEmptyRange).map(({ label }) => label)))
  return {
    version,
    headerBytes: isOld ? Number(bytes.readBigInt64LE(184)) : 256 * bytes.readUInt16LE(184),
    recordBytes: position,
    promisedRecords: Number(bytes.readBigInt64LE(236)),
    startTime: isOld ? textTime(text(bytes, 168, 16)) : dayTime(bytes.readBigUInt64LE(168)),
    channels,
    meanings: isOld ? new Map() : eventMeanings(bytes.subarray(FIXED_BYTES + CHANNEL_BYTES * nChannels)),
    warnings,
  }
}

function durationOf(bytes: Buffer, warnings: string[], file: string): number {
  const [numerator, denominator] = [bytes.readUInt32LE(244), bytes.readUInt32LE(248)]
  if (denominator === 0) throw invalid(file, 'the duration of a record is not usable', 'a fraction', `${numerator}/0`)
  if (numerator > 0) return numerator / denominator
  warnings.push('The header gives no duration of a record: 1 s over its denominator was assumed.')
  return 1 / denominator
}

function parseChannel(
  bytes: Buffer,
  index: number,
  n: number,
  isOld: boolean,
  { position, recordDuration, file }: { position: number; recordDuration: number; file: string },
): GdfChannel {
  // Fields are stored field by field, each for all channels.
  const place = (before: number, width: number) => FIXED_BYTES + before * n + width * index
  const label = text(bytes, place(0, 16), 16)
  const named = `channel ${index + 1} (${label || 'no label'})`
  const [physicalMin, physicalMax] = [0, 8].map((k) => bytes.readDoubleLE(place(AT.physical + k, 8)))
  const [digitalMin, digitalMax] = [0, 8].map((k) => {
    const where = place(AT.digital + k, 8)
    return isOld ? Number(bytes.readBigInt64LE(where)) : bytes.readDoubleLE(where)
  })
  const code = bytes.readUInt32LE(place(AT.type, 4))
  const type = TYPES[code]
  if (type === undefined) {
    throw new EegTorchError('FILE_UNSUPPORTED', `${named} has samples of an unknown type`, {
      file,
      expected: `one of ${Object.keys(TYPES).join(', ')}`,
      received: `${code}`,
    })
  }
  const scale = calibration([physicalMin!, physicalMax!], [digitalMin!, digitalMax!])
  if (scale === undefined) {
    throw invalid(
      file,
      `${named} has an unusable range`,
      'a range that a number can hold',
      `${physicalMin}..${physicalMax} for ${digitalMin}..${digitalMax}`,
    )
  }
  const samplesPerRecord = bytes.readUInt32LE(place(AT.samples, 4))
  const samplingRate = roundRate(samplesPerRecord / recordDuration)
  if (samplesPerRecord > 0 && !(samplingRate >= SLOWEST && samplingRate <= FASTEST)) {
    throw invalid(file, `${named} has no usable sampling rate`, `${SLOWEST} to ${FASTEST} Hz`, `${samplingRate} Hz`)
  }
  const unit = isOld ? text(bytes, place(AT.unit, 8), 8) : decodeUnit(bytes.readUInt16LE(place(AT.unitCode, 2)))
  return {
    label,
    unit,
    prefilter: isOld ? text(bytes, place(AT.prefilter, 80), 80) : filterText(bytes, place),
    samplesPerRecord,
    type,
    ...scale,
    position,
    samplingRate,
  }
}

/** `HP: 0.5 Hz; LP: 100 Hz; notch: 50 Hz`, of what the header tells. */
function filterText(bytes: Buffer, place: (before: number, width: number) => number): string {
  const names = ['LP', 'HP', 'notch'] as const
  const values = names.map((name, k): [string, number] => [name, bytes.readFloatLE(place(AT.filters + 4 * k, 4))])
  return values
    .filter(([, hertz]) => Number.isFinite(hertz) && hertz > 0)
    .map(([name, hertz]) => `${name}: ${Number(hertz.toPrecision(6))} Hz`)
    .join('; ')
}

/** The third header is tag, length, value; tag 1 lists what the file's own event codes (1, 2, ...) mean. */
function eventMeanings(bytes: Buffer): Map<number, string> {
  const meanings = new Map<number, string>()
  for (let at = 0; at + 4 <= bytes.length && bytes[at] !== 0; ) {
    const length = bytes.readUIntLE(at + 1, 3)
    if (bytes[at] === 1) {
      const texts = bytes.toString('utf8', at + 4, Math.min(bytes.length, at + 4 + length)).split('\0')
      for (const [i, meaning] of texts.entries()) if (meaning !== '' && i < 255) meanings.set(i, meaning)
    }
    at += 4 + length
  }
  return meanings
}

/** `yyyymmddhhmmsscc`. */
function textTime(stamp: string): Date | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?/.exec(stamp)
  if (match === null) return undefined
  const [year, month, day, hour, minute, second, centi = 0] = match.slice(1).map((part) => Number(part ?? 0))
  const time = new Date(Date.UTC(year!, month! - 1, day!, hour!, minute!, second!, centi * 10))
  return year! > 0 && time.getUTCMonth() === month! - 1 && time.getUTCDate() === day ? time : undefined
}

/** Days since the year 0, in 2^-32 of a day; 1970 began on day 719,529. */
function dayTime(value: bigint): Date | undefined {
  const time = new Date((Number(value) / 2 ** 32 - 719_529) * 86_400_000)
  return value === 0n || Number.isNaN(time.getTime()) ? undefined : time
}

function text(bytes: Buffer, start: number, width: number): string {
  const field = bytes.toString('latin1', start, start + width)
  const end = field.indexOf('\0')
  return (end < 0 ? field : field.slice(0, end)).trim()
}
