import type { FileOptions } from '../file-options.ts'
import { invalid } from '../invalid.ts'
import { fieldsOf, readSections } from './sections.ts'

/** One marker, in samples from 0. */
interface Marker {
  readonly position: number
  readonly size: number
  /** `Stimulus/S  1`. */
  readonly label: string
}

/** What a marker file says. */
export interface Markers {
  readonly events: readonly Marker[]
  /** Samples at which the recorder started again after a pause. */
  readonly segments: readonly number[]
  readonly startTime?: Date
}

export const NO_MARKERS: Markers = { events: [], segments: [] }
const NEW_SEGMENT = 'New Segment'

/**
 * Reads the `[Marker Infos]` of a marker file. The first `New Segment` only tells when the recording started, so it is no event.
 *
 * @param truncated as for {@link readSections}
 * @throws EegTorchError `FILE_TRUNCATED`, `FILE_INVALID` for a marker without a position
 */
export function readMarkers(file: string, truncated: FileOptions['truncated'], warnings: string[]): Markers {
  const infos = readSections(file, 'Marker', truncated, warnings).get('marker infos') ?? new Map<string, string>()
  const rows = [...infos].filter(([key]) => /^mk\d+$/.test(key)).map(([, value]) => fieldsOf(value))
  const markers = rows.map((fields, i) => {
    const [type = '', description = '', position = '', size = ''] = fields
    if (!/^\d{1,15}$/.test(position)) {
      const expected = 'type, description, position in samples, size'
      throw invalid(file, `marker ${i + 1} has no position`, expected, JSON.stringify(fields.join(',').slice(0, 60)))
    }
    return {
      type,
      position: Number(position) - 1,
      size: /^\d{1,15}$/.test(size) ? Number(size) : 0,
      label: `${type}/${description}`,
    }
  })
  const isHead = markers[0]?.type === NEW_SEGMENT
  const startTime = startOf(rows.filter(([type]) => type === NEW_SEGMENT).map((fields) => fields[5] ?? ''))
  return {
    events: markers.slice(isHead ? 1 : 0).map(({ position, size, label }) => ({ position, size, label })),
    segments: markers.filter(({ type }) => type === NEW_SEGMENT).map(({ position }) => position),
    ...(startTime === undefined ? {} : { startTime }),
  }
}

/** `yyyymmddhhmmssuuuuuu`; the zone is not known, so the clock on the wall is taken as UTC. */
function startOf(dates: readonly string[]): Date | undefined {
  for (const date of dates) {
    const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d{3})\d{3}$/.exec(date)
    if (match === null) continue
    const [year, month, day, hour, minute, second, milli] = match.slice(1).map(Number) as number[]
    const time = new Date(Date.UTC(year!, month! - 1, day!, hour!, minute!, second!, milli!))
    if (year! > 0 && time.getUTCMonth() === month! - 1 && time.getUTCDate() === day) return time
  }
  return undefined
}
