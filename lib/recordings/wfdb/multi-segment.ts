import { basename, dirname, join } from 'node:path'
import type { FileOptions } from '../file-options.ts'
import { invalid } from '../invalid.ts'
import { readText } from '../read-text.ts'
import type { SignalSource } from '../source.ts'
import { voltsPer } from '../units.ts'
import { parseHeader, type WfdbHeader, type WfdbSignal } from './header.ts'
import { type JoinedPart, JoinedSource } from './joined-source.ts'
import { openSignals } from './signals.ts'

/** A record of several segments, as one. */
export interface JoinedRecord {
  /** Signals of the layout, or of the first segment. */
  readonly layout: WfdbHeader
  readonly source: SignalSource
  /** Stretches without a gap, in frames: when each begins, the number of its first frame among those stored, and how many there are. */
  readonly stretches: readonly { readonly begin: number; readonly first: number; readonly nFrames: number }[]
}

/** What a segment that was not recorded is called. */
const NOTHING = '~'

/**
 * Joins the segments of a record (WFDB, header(5)). Fixed layout: all have the same signals. Variable layout: the first segment holds no
 * samples and lists all signals; a segment has some of them, known by their names, and the others are NaN there. Segments called `~` are gaps.
 *
 * @throws EegTorchError `FILE_INVALID` for segments that do not fit the record, `FILE_NOT_FOUND` for a missing one, what their samples give
 */
export function joinSegments(header: WfdbHeader, file: string, options: FileOptions, warnings: string[]): JoinedRecord {
  const listed = header.segments ?? []
  const recorded = listed.filter(({ name }) => name !== NOTHING)
  const headers = new Map(recorded.map(({ name }) => [name, readSegment(name, header, file)]))
  const layout = headers.get(recorded[0]?.name ?? '')
  if (layout === undefined)
    throw invalid(file, 'no segment was recorded', 'a segment with samples', `only '${NOTHING}'`)
  const isVariable = listed[0]!.nFrames === 0
  const parts: JoinedPart[] = []
  const stretches: { begin: number; first: number; nFrames: number }[] = []
  let [time, stored] = [0, 0]
  for (const { name, nFrames: promised } of isVariable ? listed.slice(1) : listed) {
    const segment = headers.get(name)
    if (segment !== undefined && promised > 0) {
      const path = pathOf(name, file)
      const { nFrames, source } = openSignals({ ...segment, nFrames: promised }, path, options, warnings)
      if ((segment.nFrames ?? promised) !== promised) {
        throw invalid(path, 'the segment has another length than its record says', `${promised}`, `${segment.nFrames}`)
      }
      parts.push({ first: stored, nFrames, source, slots: slotsOf(segment, layout, isVariable, path) })
      const last = stretches.at(-1)
      if (last !== undefined && last.begin + last.nFrames === time) last.nFrames += nFrames
      else stretches.push({ begin: time, first: stored, nFrames })
      stored += nFrames
    }
    time += promised
  }
  if (parts.length === 0) throw invalid(file, 'no segment has samples', '1 or more', '0')
  const counts = layout.signals.map(({ samplesPerFrame }) => samplesPerFrame)
  return { layout, source: new JoinedSource(parts, counts), stretches }
}

const pathOf = (name: string, file: string) => join(dirname(file), `${basename(name)}.hea`)

function readSegment(name: string, { rate, signals: { length } }: WfdbHeader, file: string): WfdbHeader {
  const path = pathOf(name, file)
  const segment = parseHeader(readText(path), path)
  if (segment.segments !== undefined || length > 0) {
    throw invalid(path, 'a segment consists of segments', 'signals', `${segment.segments?.length} segments`)
  }
  if (segment.rate !== rate) throw invalid(path, 'the segment has another rate', `${rate} Hz`, `${segment.rate} Hz`)
  return segment
}

/** Which signal of a segment each signal of the layout is. */
function slotsOf(segment: WfdbHeader, layout: WfdbHeader, isVariable: boolean, file: string): (number | undefined)[] {
  const used = new Set<number>()
  const slots = layout.signals.map((wanted, i) => {
    const found = isVariable
      ? segment.signals.findIndex(({ description }, k) => description === wanted.description && !used.has(k))
      : i
    const signal = segment.signals[found]
    if (signal === undefined) return undefined
    used.add(found)
    if (isLike(signal, wanted)) return found
    const described = ({ description, unit, samplesPerFrame: n }: WfdbSignal) =>
      `${description} in ${unit}, ${n} a frame`
    throw invalid(file, 'a signal of the segment is not as its record has it', described(wanted), described(signal))
  })
  if (used.size === segment.signals.length && (isVariable || used.size === layout.signals.length)) return slots
  const names = (header: WfdbHeader) => header.signals.map(({ description }) => description).join(', ')
  throw invalid(file, 'the segment has other signals than its record', names(layout), names(segment))
}

/** Gains and microvolts instead of millivolts may change from segment to segment. */
function isLike(one: WfdbSignal, other: WfdbSignal): boolean {
  const areVolts = voltsPer(one.unit) !== undefined && voltsPer(other.unit) !== undefined
  return one.samplesPerFrame === other.samplesPerFrame && (areVolts || one.unit === other.unit)
}
