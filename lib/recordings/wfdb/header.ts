import { EegTorchError } from '../../errors.ts'
import { invalid } from '../invalid.ts'

/** One signal of a WFDB record. */
export interface WfdbSignal {
  readonly file: string
  readonly format: number
  readonly samplesPerFrame: number
  /** Frames of the file that precede its first sample. */
  readonly skew: number
  /** Bytes before the first sample. */
  readonly byteOffset: number
  /** Stored units in one physical unit, and the stored value of physical 0. */
  readonly gain: number
  readonly baseline: number
  readonly unit: string
  /** Stored value before the first, where a format stores differences. */
  readonly initial: number
  readonly description: string
}

/** What a `.hea` file says. */
export interface WfdbHeader {
  /** Frames per second. */
  readonly rate: number
  /** Frames; undefined where the header does not say. */
  readonly nFrames: number | undefined
  readonly startTime: Date | undefined
  readonly signals: readonly WfdbSignal[]
  /** Of a record in segments, which has no signals of its own: names of their headers, and frames. */
  readonly segments?: readonly { readonly name: string; readonly nFrames: number }[]
}

const RECORD =
  /^(\S+?)(?:\/(\d+))?\s+(\d+)(?:\s+([\d.eE+-]+)(?:\/[\d.eE+-]+(?:\([-\d.]+\))?)?(?:\s+(\d+)(?:\s+(\S+)(?:\s+(\S+))?)?)?)?\s*$/
const SIGNAL =
  /^(\S+)\s+(\d+)(?:x(\d+))?(?::(\d+))?(?:\+(\d+))?(?:\s+([\d.eE+-]+)(?:\((-?\d+)\))?(?:\/(\S+))?(?:\s+(-?\d+)(?:\s+(-?\d+)(?:\s+(-?\d+)(?:\s+(-?\d+)(?:\s+(-?\d+)(?:\s+(.*))?)?)?)?)?)?)?\s*$/
const DEFAULT_GAIN = 200
const DEFAULT_RATE = 250

/** Whether a text begins like a header: a record with its number of signals, then as many signals. */
export const startsAsHeader = (start: string): boolean => {
  const [record = '', signal = ''] = linesOf(start)
  return RECORD.test(record) && /^\S+\s+\d+(x\d+)?(:\d+)?(\+\d+)?(\s|$)/.test(signal)
}

/** Reads a header (WFDB, header(5)). @throws EegTorchError `FILE_INVALID` naming the line, `FILE_TRUNCATED` */
export function parseHeader(text: string, file: string): WfdbHeader {
  const lines = linesOf(text)
  const record = RECORD.exec(lines[0] ?? '')
  if (record === null)
    throw invalid(file, 'the record line is not readable', 'name, signals, rate', quoted(lines[0] ?? ''))
  const [, , nSegments, count, rate, frames, time, date] = record
  const nSignals = Number(count)
  const nLines = nSegments === undefined ? nSignals : Number(nSegments)
  if (nSignals < 1 || nLines < 1 || nLines > lines.length - 1) {
    const what = nSegments === undefined ? 'signals' : 'segments'
    throw invalid(file, `its ${what} are not all described`, `${nLines} lines of ${what}`, `${lines.length - 1}`)
  }
  // Half a line would be another gain, or another length.
  if (lines.length === nLines + 1 && text.trimEnd().endsWith(lines[nLines]!.trimEnd()) && !/[\r\n]\s*$/.test(text)) {
    throw new EegTorchError('FILE_TRUNCATED', 'the header ends in the middle of a line', {
      file,
      expected: 'a line break',
    })
  }
  const hertz = rate === undefined ? DEFAULT_RATE : Number(rate)
  const described = lines.slice(1, nLines + 1)
  return {
    rate: hertz > 0 ? hertz : Number.NaN,
    nFrames: frames === undefined || Number(frames) === 0 ? undefined : Number(frames),
    startTime: startOf(time, date),
    signals: nSegments === undefined ? described.map((line) => parseSignal(line, file)) : [],
    ...(nSegments === undefined ? {} : { segments: parseSegments(described, Number(frames ?? 0), file) }),
  }
}

function parseSegments(lines: readonly string[], total: number, file: string): WfdbHeader['segments'] & object {
  const segments = lines.map((line) => {
    const match = /^(\S+)\s+(\d{1,15})\s*$/.exec(line)
    if (match === null) throw invalid(file, 'a segment line is not readable', 'name, frames', quoted(line))
    return { name: match[1]!, nFrames: Number(match[2]) }
  })
  const sum = segments.reduce((frames, { nFrames }) => frames + nFrames, 0)
  if (total > 0 && sum !== total) {
    throw invalid(file, 'its segments are not as long as the record', `${total} frames`, `${sum}`)
  }
  return segments
}

function parseSignal(line: string, file: string): WfdbSignal {
  const match = SIGNAL.exec(line)
  if (match === null) throw invalid(file, 'a signal line is not readable', 'file, format, gain, ...', quoted(line))
  const [, name, format, perFrame, skew, offset, gain, baseline, unit, , zero, initial, , , description] = match
  const samplesPerFrame = Number(perFrame ?? 1)
  const perUnit = Number(gain ?? 0)
  if (samplesPerFrame < 1 || samplesPerFrame > 2 ** 20 || !Number.isFinite(perUnit)) {
    throw invalid(file, 'a signal line is not usable', '1 sample or more in a frame, a finite gain', quoted(line))
  }
  return {
    file: name!,
    format: Number(format),
    samplesPerFrame,
    skew: Number(skew ?? 0),
    byteOffset: Number(offset ?? 0),
    gain: perUnit === 0 ? DEFAULT_GAIN : perUnit,
    baseline: Number(baseline ?? zero ?? 0),
    unit: unit ?? 'mV',
    initial: Number(initial ?? 0),
    description: description?.trim() ?? '',
  }
}

/** `hh:mm:ss` and `dd/mm/yyyy`. */
function startOf(time: string | undefined, date: string | undefined): Date | undefined {
  const day = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/.exec(date ?? '')
  const clock = /^(\d{1,2}):(\d{1,2}):(\d{1,2})(\.\d+)?$/.exec(time ?? '')
  if (day === null || clock === null) return undefined
  const [d, m, y] = day.slice(1).map(Number) as [number, number, number]
  const [hour, minute, second] = clock.slice(1, 4).map(Number) as [number, number, number]
  const stamp = new Date(Date.UTC(y, m - 1, d, hour, minute, second, Math.round(Number(clock[4] ?? 0) * 1000)))
  return stamp.getUTCMonth() === m - 1 ? stamp : undefined
}

const linesOf = (text: string) => text.split(/\r\n|\n|\r/).filter((line) => line.trim() !== '' && !line.startsWith('#'))

const quoted = (text: string) => JSON.stringify(text.slice(0, 80))
