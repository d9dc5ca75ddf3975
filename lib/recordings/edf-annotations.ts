import type { EegTorchError } from '../errors.ts'
import type { EdfHeader } from './edf-header.ts'
import { invalid } from './invalid.ts'
import { decodeText } from './read-text.ts'
import type { Segment } from './segments.ts'

/** An annotation as the file has it: seconds since the start time of the header. */
export interface Annotation {
  readonly onset: number
  readonly duration: number
  readonly label: string
}

/** What the annotation signals of one record say. */
export interface RecordAnnotations {
  /** When the record starts, from the list that the first annotation signal begins with. */
  readonly start: number | undefined
  readonly annotations: readonly Annotation[]
  /** Annotations whose onset has no sign, against the specification. */
  readonly unsigned: number
}

const DURATION_MARK = 0x15
const TEXT_MARK = 0x14
const END = 0

/**
 * Reads the time-stamped annotation lists of one record (EDF+ specification, section 2.2.2): onset, optionally 0x15 and a duration,
 * then texts between 0x14 marks, then 0. An onset without the sign that it must have is one after the start; MNE passes such annotations over.
 *
 * @param signals bytes of each annotation signal of the record, in the order of the header
 * @throws EegTorchError `FILE_INVALID` naming the record, for a list that does not follow the format
 */
export function parseAnnotations(signals: readonly Uint8Array[], record: number, file: string): RecordAnnotations {
  const annotations: Annotation[] = []
  let start: number | undefined
  let unsigned = 0
  for (const [index, bytes] of signals.entries()) {
    let at = 0
    while (at < bytes.length && bytes[at] !== END) {
      const end = bytes.indexOf(END, at)
      const list = bytes.subarray(at, end < 0 ? bytes.length : end)
      const { onset, duration, texts, hasSign } = parseList(list, record, file)
      if (at === 0 && index === 0 && texts[0] === '') start = onset
      for (const label of texts) {
        if (label === '') continue
        annotations.push({ onset, duration, label })
        if (!hasSign) unsigned++
      }
      at = end < 0 ? bytes.length : end + 1
    }
  }
  return { start, annotations, unsigned }
}

function parseList(list: Uint8Array, record: number, file: string) {
  const head = list.indexOf(TEXT_MARK)
  const mark = list.indexOf(DURATION_MARK)
  const hasDuration = mark >= 0 && mark < head
  const onset = text(list.subarray(0, hasDuration ? mark : Math.max(0, head)))
  const duration = hasDuration ? text(list.subarray(mark + 1, head)) : '0'
  const closed = head >= 0 && list[list.length - 1] === TEXT_MARK
  if (!closed || !/^[+-]?\d{1,15}(\.\d*)?$/.test(onset) || !/^\d{1,15}(\.\d*)?$/.test(duration)) {
    throw invalid(
      file,
      `the annotations of record ${record + 1} are not readable`,
      "an EDF+ annotation list such as '+12.5', a mark 0x14, a text, a mark 0x14",
      JSON.stringify(text(list.subarray(0, 24))),
    )
  }
  // The last mark closes the list, so what follows it is no text.
  return {
    onset: Number(onset),
    hasSign: /^[+-]/.test(onset),
    duration: Number(duration),
    texts: text(list.subarray(head + 1))
      .split('\x14')
      .slice(0, -1),
  }
}

const text = (bytes: Uint8Array) => decodeText(bytes)

/**
 * Gap-free stretches of a file from the start of each record, in seconds since the first sample.
 *
 * @param starts when each record starts; read for `EDF+D` and `BDF+D` only, the records of other formats follow one another
 * @throws EegTorchError `FILE_INVALID` if a record of a discontinuous file has no start, or starts before the last one ended
 */
export function findSegments(
  header: EdfHeader,
  starts: readonly (number | undefined)[],
  { samplingRate: rate, perRecord }: { samplingRate: number; perRecord: number },
  file: string,
): Segment[] {
  if (!header.format.endsWith('+D')) return [{ onset: 0, sample: 0, nSamples: perRecord * header.nRecords }]
  const tolerance = 0.5 / rate
  const segments: { onset: number; sample: number; nSamples: number }[] = []
  let end = Number.NEGATIVE_INFINITY
  for (let record = 0; record < header.nRecords; record++) {
    const absolute = starts[record]
    if (absolute === undefined)
      throw badStart(record, 'no start time', 'a start time for each record of a discontinuous file', file)
    const onset = absolute - starts[0]!
    if (onset < end - tolerance) throw badStart(record, `${onset} s`, `a start at ${end} s or later`, file)
    if (onset > end + tolerance) segments.push({ onset, sample: record * perRecord, nSamples: 0 })
    const segment = segments.at(-1)!
    segment.nSamples += perRecord
    end = segment.onset + segment.nSamples / rate
  }
  return segments
}

function badStart(record: number, received: string, expected: string, file: string): EegTorchError {
  return invalid(file, `record ${record + 1} is out of order`, expected, received)
}
