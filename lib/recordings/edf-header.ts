import { EegTorchError } from '../errors.ts'
import { type Calibration, calibration, type Range } from './calibrate.ts'
import { invalid } from './invalid.ts'
import { FASTEST, SLOWEST } from './main-rate.ts'

/** One signal of an EDF file, as its header describes it. */
export interface EdfSignal extends Calibration {
  readonly label: string
  readonly isAnnotations: boolean
  /** Unit of the physical values as the file writes it: `uV`. */
  readonly dimension: string
  readonly prefilter: string
  readonly samplesPerRecord: number
  /** Least and greatest number that the file may hold for a sample; not a number for annotations. */
  readonly digitalRange: readonly [low: number, high: number]
  /** Position of its first sample in a record, in samples (of 2 bytes, 3 in BDF). */
  readonly position: number
}

/** A checked EDF, EDF+ or BDF header. Nothing in it contradicts the size of the file. */
export interface EdfHeader {
  readonly format: 'EDF' | 'EDF+C' | 'EDF+D' | 'BDF' | 'BDF+C' | 'BDF+D'
  /** 2 in EDF, 3 in BDF. */
  readonly sampleBytes: 2 | 3
  readonly patient: string
  readonly recording: string
  readonly startTime: Date | undefined
  /** What recorded it was the simulator. */
  readonly simulated: boolean
  readonly headerBytes: number
  readonly recordBytes: number
  /** Complete records in the file. */
  readonly nRecords: number
  /** Seconds. */
  readonly recordDuration: number
  readonly signals: readonly EdfSignal[]
}

/** What to do with a file that holds another number of records than its header promises: refuse it, or read the complete ones. */
export type TruncatedPolicy = 'error' | 'read'

export const FIXED_BYTES = 256
/** The equipment that files of simulated recordings name. */
export const SIMULATOR = 'eegtorch_simulator'
const SIGNAL_BYTES = 256
const WIDTHS = {
  label: 16,
  transducer: 80,
  dimension: 8,
  physicalMin: 8,
  physicalMax: 8,
  digitalMin: 8,
  digitalMax: 8,
  prefilter: 80,
  samples: 8,
  reserved: 32,
}

/** How many bytes the header takes, from its first 256 bytes; checked against the file before anyone allocates. */
export function headerSize(fixed: Buffer, fileSize: number, file: string): number {
  if (fixed.length < FIXED_BYTES) {
    throw new EegTorchError('FILE_TRUNCATED', 'the file is too short for an EDF header', {
      file,
      expected: `at least ${FIXED_BYTES} bytes`,
      received: `${fixed.length}`,
    })
  }
  checkVersion(fixed, file)
  const nSignals = integerField(fixed, 252, 4, 'number of signals', file)
  if (nSignals < 1) throw invalid(file, 'the header describes no signals', 'at least 1 signal', String(nSignals))
  const bytes = FIXED_BYTES + nSignals * SIGNAL_BYTES
  const declared = integerField(fixed, 184, 8, 'header size', file)
  if (declared !== bytes) {
    throw invalid(file, `the header size does not fit ${nSignals} signals`, `${bytes} bytes`, String(declared))
  }
  if (bytes > fileSize) {
    throw new EegTorchError(
      'FILE_TRUNCATED',
      `the header of ${nSignals} signals takes ${count(bytes)} bytes, the file ends after ${count(fileSize)}`,
      { file },
    )
  }
  return bytes
}

/**
 * Reads and checks a whole header.
 *
 * @param header the bytes that {@link headerSize} asked for
 * @param fileSize bytes of the file, which every claim of the header is held against
 */
export function parseHeader(header: Buffer, fileSize: number, file: string, truncated: TruncatedPolicy): EdfHeader {
  const recordDuration = numberField(header, 244, 8, 'duration of a record', file)
  if (!(recordDuration >= 0))
    throw invalid(file, 'a record lasts a negative time', '0 s or more', `${recordDuration} s`)
  const signals = parseSignals(header, file)
  const isBdf = startsAsBdf(header)
  const sampleBytes = isBdf ? 3 : 2
  const recordBytes = sampleBytes * signals.reduce((sum, signal) => sum + signal.samplesPerRecord, 0)
  for (const signal of signals) if (!signal.isAnnotations) checkRate(signal, recordDuration, file)
  const promised = integerField(header, 236, 8, 'number of records', file)
  return {
    format: formatOf(field(header, 192, 44), isBdf),
    sampleBytes,
    patient: field(header, 8, 80),
    recording: field(header, 88, 80),
    simulated: field(header, 88, 80).endsWith(` ${SIMULATOR}`),
    startTime: isDateHidden(field(header, 88, 80))
      ? undefined
      : parseStartTime(field(header, 168, 8), field(header, 176, 8)),
    headerBytes: header.length,
    recordBytes,
    nRecords: countRecords(promised, recordBytes, fileSize - header.length, file, truncated),
    recordDuration,
    signals,
  }
}

function checkVersion(fixed: Buffer, file: string): void {
  if (startsAsBdf(fixed)) return
  if (field(fixed, 0, 8) === '0') return
  const start = JSON.stringify(fixed.toString('latin1', 0, 8))
  throw invalid(file, 'this is not an EDF or BDF file', "a first field of '0', or byte 255 and BIOSEMI", start)
}

/** BDF starts with byte 255 and `BIOSEMI`. */
export function startsAsBdf(start: Buffer): boolean {
  return start[0] === 0xff && start.toString('latin1', 1, 8) === 'BIOSEMI'
}

function parseSignals(header: Buffer, file: string): EdfSignal[] {
  const n = header.length / SIGNAL_BYTES - 1
  const columns = new Map<keyof typeof WIDTHS, number>()
  let start = FIXED_BYTES
  for (const [name, width] of Object.entries(WIDTHS) as [keyof typeof WIDTHS, number][]) {
    columns.set(name, start)
    start += n * width
  }
  const place = (name: keyof typeof WIDTHS, signal: number) => columns.get(name)! + signal * WIDTHS[name]
  let position = 0
  return Array.from({ length: n }, (_, i) => {
    const label = field(header, place('label', i), WIDTHS.label)
    const named = (what: string) => `${what} of signal ${i + 1} (${label || 'no label'})`
    const number = (name: keyof typeof WIDTHS, what: string) =>
      numberField(header, place(name, i), 8, named(what), file)
    const samplesPerRecord = integerField(header, place('samples', i), 8, named('samples per record'), file)
    if (samplesPerRecord < 1) {
      throw invalid(file, `${named('samples per record')} is not usable`, '1 or more', String(samplesPerRecord))
    }
    const isAnnotations = label === 'EDF Annotations' || label === 'BDF Annotations'
    const scale = isAnnotations
      ? { gain: 1, offset: 0, hasEmptyRange: false, digitalRange: [Number.NaN, Number.NaN] as const }
      : calibrate(
          [number('physicalMin', 'physical minimum'), number('physicalMax', 'physical maximum')],
          [number('digitalMin', 'digital minimum'), number('digitalMax', 'digital maximum')],
          named,
          file,
        )
    position += samplesPerRecord
    return {
      label,
      isAnnotations,
      dimension: field(header, place('dimension', i), 8),
      prefilter: field(header, place('prefilter', i), WIDTHS.prefilter),
      samplesPerRecord,
      position: position - samplesPerRecord,
      ...scale,
    }
  })
}

function calibrate(
  physical: Range,
  digital: Range,
  named: (what: string) => string,
  file: string,
): Pick<EdfSignal, 'gain' | 'offset' | 'hasEmptyRange' | 'digitalRange'> {
  const scale = calibration(physical, digital)
  if (scale === undefined) {
    const received = `${physical.join('..')} for ${digital.join('..')}`
    throw invalid(file, `${named('physical range')} is too wide`, 'a range that a number can hold', received)
  }
  return { ...scale, digitalRange: [Math.min(...digital), Math.max(...digital)] }
}

function checkRate({ label, samplesPerRecord }: EdfSignal, recordDuration: number, file: string): void {
  const rate = samplesPerRecord / recordDuration
  if (rate >= SLOWEST && rate <= FASTEST) return
  const received = `${samplesPerRecord} samples in ${recordDuration} s`
  throw invalid(file, `the sampling rate of signal ${label} is not usable`, `${SLOWEST} to ${FASTEST} Hz`, received)
}

/** Number of records to read, after comparing the promise with the bytes that are there. */
function countRecords(
  promised: number,
  recordBytes: number,
  bytes: number,
  file: string,
  policy: TruncatedPolicy,
): number {
  const complete = Math.floor(bytes / recordBytes)
  if (promised < -1) throw invalid(file, 'the number of records is negative', '-1 (unknown) or more', String(promised))
  if (complete === 0) {
    const what = promised === 0 ? 'the file holds no data records' : 'the file ends before the end of its first record'
    throw new EegTorchError('FILE_TRUNCATED', what, {
      file,
      expected: `at least ${count(recordBytes)} bytes after the header`,
      received: count(Math.max(0, bytes)),
    })
  }
  if (promised === -1 || promised === complete || policy === 'read') return complete
  if (promised < complete) {
    throw invalid(file, 'the file is longer than its header says', `${count(promised)} records`, count(complete))
  }
  throw new EegTorchError(
    'FILE_TRUNCATED',
    `the header promises ${count(promised)} records of ${count(recordBytes)} bytes, the file ends in record ${count(complete + 1)}`,
    { file },
  )
}

function formatOf(reserved: string, isBdf: boolean): EdfHeader['format'] {
  const plus = /^[EB]DF\+([CD])/.exec(reserved)?.[1] as 'C' | 'D' | undefined
  const base = isBdf ? 'BDF' : 'EDF'
  return plus === undefined ? base : `${base}+${plus}`
}

/** EDF+ writes an unknown or anonymised date as X here, and any date into the older field. */
const isDateHidden = (recording: string) => /^Startdate X\b/.test(recording)

/** `dd.mm.yy` and `hh.mm.ss`; years 85 to 99 are of the last century. Undefined where the fields hold no date, as in anonymised files. */
function parseStartTime(date: string, time: string): Date | undefined {
  const [day, month, year] = parts(date)
  const [hour, minute, second] = parts(time)
  const stamp = new Date(0)
  if ([day, month, year, hour, minute, second].some((part) => part === undefined)) return undefined
  stamp.setUTCFullYear(year! + (year! < 85 ? 2000 : 1900), month! - 1, day!)
  stamp.setUTCHours(hour!, minute!, second!)
  return stamp.getUTCMonth() === month! - 1 && stamp.getUTCDate() === day ? stamp : undefined
}

function parts(text: string): (number | undefined)[] {
  const match = /^(\d\d)[.:](\d\d)[.:](\d\d)$/.exec(text)
  return match === null ? [] : match.slice(1).map(Number)
}

/** Text of a fixed-width field: up to the first NUL, without the padding. */
function field(bytes: Buffer, start: number, width: number): string {
  const text = bytes.toString('latin1', start, start + width)
  const end = text.indexOf('\0')
  return (end < 0 ? text : text.slice(0, end)).trim()
}

function integerField(bytes: Buffer, start: number, width: number, what: string, file: string): number {
  const text = field(bytes, start, width)
  if (/^[+-]?\d+$/.test(text)) return Number(text)
  throw invalid(file, `the ${what} is not a whole number`, 'digits', JSON.stringify(text))
}

function numberField(bytes: Buffer, start: number, width: number, what: string, file: string): number {
  const text = field(bytes, start, width).replace(',', '.')
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) && Number.isFinite(Number(text))) return Number(text)
  throw invalid(file, `the ${what} is not a number`, 'a decimal number', JSON.stringify(text))
}

const count = (n: number) => n.toLocaleString('en-US')
