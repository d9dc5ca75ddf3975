import { EegTorchError } from '../errors.ts'
import { writeFileAtomically } from '../files/atomic.ts'
import { SIMULATOR } from './edf-header.ts'
import type { Channel, Recording } from './recording.ts'
import { segmentRange } from './segments.ts'

/** How many samples of each channel make a record, and how long it lasts. */
interface RecordLayout {
  /** As the header writes it, eight characters. */
  duration: string
  seconds: number
  /** Samples per record at the recording's sampling rate, and of each channel. */
  main: number
  perChannel: number[]
}

/** A signal ready to be written: digital values and the range they stand for. */
interface Digitised {
  minimum: string
  maximum: string
  values: Int16Array
}

const DIGITAL_MIN = -32768
const DIGITAL_MAX = 32767
const MONTHS = 'JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC'.split(' ')

/**
 * Writes a recording as EDF+ (EDF+D if it has gaps), events as annotations. Electric channels are written in microvolts. Each
 * channel is digitised to 16 bits over its own range, so a sample changes by at most half of range / 65535. Where the length fits no record size, the
 * last record is filled up with the last sample.
 *
 * @throws EegTorchError `FILE_UNSUPPORTED` for what EDF cannot hold (rates that share no record length, values that are no numbers),
 *   `INVALID_OPTION` for an event label that would break the format, `FILE_WRITE_FAILED`
 */
export async function writeEdf(file: string, recording: Recording): Promise<void> {
  const layout = chooseLayout(recording, file)
  const signals = digitise(await recording.ready(), file)
  const records = layRecords(recording, layout)
  const annotations = encodeAnnotations(recording, records, layout, file)
  const annotationBytes = annotations.reduce((most, { length }) => Math.max(most, length), 0)
  const width = annotationBytes + (annotationBytes % 2)
  const header = makeHeader(recording, layout, signals, records.length, width / 2)
  const recordBytes = 2 * layout.perChannel.reduce((a, b) => a + b, 0) + width
  const out = Buffer.alloc(header.length + records.length * recordBytes)
  header.copy(out)
  for (const [i, { start }] of records.entries()) {
    let at = header.length + i * recordBytes
    for (const [channel, { values }] of signals.entries()) {
      const n = layout.perChannel[channel]!
      const first = Math.round((start / layout.main) * n)
      for (let k = 0; k < n; k++) at = out.writeInt16LE(values[Math.min(first + k, values.length - 1)]!, at)
    }
    annotations[i]!.copy(out, at)
  }
  await writeFileAtomically(file, out)
}

/**
 * The longest record of up to a second that divides every gap-free stretch; failing that, whole seconds, the last record filled up.
 */
function chooseLayout(recording: Recording, file: string): RecordLayout {
  const { samplingRate: rate, segments } = recording
  const common = segments.reduce((divisor, { nSamples }) => greatestDivisor(divisor, nSamples), 0)
  // Shorter records spend more bytes on their time stamps than on samples.
  const shortest = segments.length > 1 ? 1 : Math.max(1, Math.floor(rate / 20))
  for (let main = Math.floor(rate); main >= shortest; main--) {
    const layout = common % main === 0 ? layoutOf(recording, main) : undefined
    if (layout !== undefined) return layout
  }
  for (let duration = 1; duration <= 60 && segments.length === 1; duration++) {
    const layout = Number.isInteger(duration * rate) ? layoutOf(recording, duration * rate) : undefined
    if (layout !== undefined) return layout
  }
  throw new EegTorchError('FILE_UNSUPPORTED', 'the recording cannot be cut into EDF records', {
    file,
    expected: 'sampling rates with a whole number of samples in a common time',
    received: [...new Set(recording.channels.map(({ samplingRate }) => `${samplingRate} Hz`))].join(', '),
  })
}

/** The layout of records of `main` samples, or undefined if the header's eight characters or another channel's rate do not allow it. */
function layoutOf({ samplingRate, channels }: Recording, main: number): RecordLayout | undefined {
  const duration = String(main / samplingRate).slice(0, 8)
  const seconds = Number(duration)
  if (!/^\d+(\.\d+)?$/.test(duration) || Math.abs(main / seconds - samplingRate) > 1e-9 * samplingRate) return undefined
  const perChannel = channels.map((channel) => (main / samplingRate) * channel.samplingRate)
  if (perChannel.some((n) => Math.round(n) < 1 || Math.abs(n - Math.round(n)) > 1e-9 * n)) return undefined
  return { duration, seconds, main, perChannel: perChannel.map(Math.round) }
}

interface RecordPlace {
  /** First stored sample. */
  start: number
  /** Seconds since the start of the recording. */
  onset: number
}

function layRecords({ segments, samplingRate }: Recording, { main }: RecordLayout): RecordPlace[] {
  return segments.flatMap((segment) =>
    Array.from({ length: Math.ceil(segment.nSamples / main) }, (_, i) => ({
      start: segment.sample + i * main,
      onset: segment.onset + (i * main) / samplingRate,
    })),
  )
}

function digitise(recording: Recording, file: string): Digitised[] {
  const stored = recording.segments.at(-1)!
  return recording.read().map((samples, i) => {
    const channel = recording.channels[i]!
    if (samples.length !== segmentRange(stored, recording.samplingRate, channel.samplingRate)[1]) {
      throw new EegTorchError('INTERNAL', `channel ${channel.name} of ${recording.name} was not read in full`)
    }
    return digitiseChannel(samples, channel, file)
  })
}

function digitiseChannel(samples: Float64Array, { name, unit }: Channel, file: string): Digitised {
  const scale = unit === 'V' ? 1e6 : 1
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  for (const value of samples) {
    if (!Number.isFinite(value)) low = Number.NaN
    if (value < low) low = value
    if (value > high) high = value
  }
  const [minimum, maximum] = [eightCharacters(low * scale, -1), eightCharacters(high * scale, 1)]
  if (minimum === undefined || maximum === undefined) {
    throw new EegTorchError('FILE_UNSUPPORTED', `channel ${name} has values that EDF cannot hold`, {
      file,
      expected: 'finite numbers of up to eight characters in the unit of the file',
      received: `${low * scale}..${high * scale}`,
    })
  }
  const top = Number(maximum) > Number(minimum) ? maximum : String(Math.floor(Number(minimum)) + 1)
  const gain = (Number(top) - Number(minimum)) / (DIGITAL_MAX - DIGITAL_MIN)
  const values = Int16Array.from(samples, (value) => {
    const digital = Math.round((value * scale - Number(minimum)) / gain) + DIGITAL_MIN
    return Math.min(DIGITAL_MAX, Math.max(DIGITAL_MIN, digital))
  })
  return { minimum, maximum: top, values }
}

/** The number in at most eight characters, rounded down (`direction` -1) or up (1), with as many decimals as fit. */
function eightCharacters(value: number, direction: -1 | 1): string | undefined {
  if (!Number.isFinite(value)) return undefined
  for (let decimals = 6; decimals >= 0; decimals--) {
    const factor = 10 ** decimals
    const rounded = (direction < 0 ? Math.floor(value * factor) : Math.ceil(value * factor)) / factor
    const text = rounded.toFixed(decimals)
    if (text.length <= 8) return text
  }
  return undefined
}

/** For each record its time stamp and the events that start in it; events outside go to the nearest record. */
function encodeAnnotations(
  recording: Recording,
  records: readonly RecordPlace[],
  layout: RecordLayout,
  file: string,
): Buffer[] {
  const texts = records.map(({ onset }) => `${signed(onset)}\x14\x14\0`)
  for (const { onset, duration, label } of recording.events) {
    // Control characters delimit annotations, so they cannot be part of one.
    if (label === '' || label.includes('\0') || label.includes('\x14')) {
      throw new EegTorchError('INVALID_OPTION', 'an event label cannot be written to EDF', {
        file,
        expected: 'text without control characters',
        received: JSON.stringify(label),
      })
    }
    const after = records.findIndex((record) => record.onset > onset + 1e-9 * layout.seconds)
    const place = after < 0 ? records.length - 1 : Math.max(0, after - 1)
    texts[place] += `${signed(onset)}${duration > 0 ? `\x15${decimal(duration)}` : ''}\x14${label}\x14\0`
  }
  return texts.map((text) => Buffer.from(text, 'utf8'))
}

const signed = (seconds: number) => `${seconds < 0 ? '-' : '+'}${decimal(Math.abs(seconds))}`

/** Decimal digits without an exponent. */
function decimal(value: number): string {
  const text = String(value)
  return text.includes('e') ? value.toFixed(12) : text
}

function makeHeader(
  recording: Recording,
  layout: RecordLayout,
  signals: readonly Digitised[],
  nRecords: number,
  annotationSamples: number,
): Buffer {
  const { channels, startTime, subject, simulated } = recording
  const n = channels.length + 1
  const [date, time, longDate] = formatStart(startTime)
  const fixed: [string, number][] = [
    ['0', 8],
    [`${(subject ?? 'X').replaceAll(/\s/g, '_')} X X X`, 80],
    [`Startdate ${longDate} X X ${simulated ? SIMULATOR : 'eegtorch'}`, 80],
    [date, 8],
    [time, 8],
    [String(256 * (n + 1)), 8],
    [recording.segments.length > 1 ? 'EDF+D' : 'EDF+C', 44],
    [String(nRecords), 8],
    [layout.duration, 8],
    [String(n), 4],
  ]
  const column = (
    width: number,
    of: (channel: Channel, i: number) => string,
    annotations: string,
  ): [string, number][] => [
    ...channels.map((channel, i): [string, number] => [of(channel, i), width]),
    [annotations, width],
  ]
  const fields = [
    ...fixed,
    ...column(16, ({ name }) => name, 'EDF Annotations'),
    ...column(80, () => '', ''),
    ...column(8, ({ unit }) => (unit === 'V' ? 'uV' : unit), ''),
    ...column(8, (_, i) => signals[i]!.minimum, '-1'),
    ...column(8, (_, i) => signals[i]!.maximum, '1'),
    ...column(8, () => String(DIGITAL_MIN), String(DIGITAL_MIN)),
    ...column(8, () => String(DIGITAL_MAX), String(DIGITAL_MAX)),
    ...column(80, ({ prefilter }) => prefilter ?? '', ''),
    ...column(8, (_, i) => String(layout.perChannel[i]), String(annotationSamples)),
    ...column(32, () => '', ''),
  ]
  return Buffer.from(fields.map(([text, width]) => pad(text, width)).join(''), 'latin1')
}

/** Printable ASCII (and the Latin-1 micro sign), cut and filled to a width. */
const pad = (text: string, width: number) =>
  text
    .replaceAll(/[^ -~\u00b5]/g, '?')
    .slice(0, width)
    .padEnd(width)

function formatStart(time: Date | undefined): [date: string, time: string, longDate: string] {
  const year = time?.getUTCFullYear() ?? 0
  if (time === undefined || !(year >= 1985 && year <= 2084)) return ['01.01.85', '00.00.00', 'X']
  const two = (value: number) => String(value % 100).padStart(2, '0')
  const [day, month] = [two(time.getUTCDate()), time.getUTCMonth()]
  return [
    `${day}.${two(month + 1)}.${two(year)}`,
    `${two(time.getUTCHours())}.${two(time.getUTCMinutes())}.${two(time.getUTCSeconds())}`,
    `${day}-${MONTHS[month]}-${year}`,
  ]
}

const greatestDivisor = (a: number, b: number): number => (b === 0 ? a : greatestDivisor(b, a % b))
