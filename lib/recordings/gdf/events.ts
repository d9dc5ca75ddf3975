import { readAt } from '../../files/read-at.ts'

/** One event as the table has it, counted from sample 0. */
export interface GdfEvent {
  readonly position: number
  readonly code: number
  /** Samples; 0 where the table has no durations. */
  readonly duration: number
}

/** What follows the last record. */
export interface EventTable {
  /** Hertz in which positions count; 0 if the table does not say. */
  readonly samplingRate: number
  readonly events: readonly GdfEvent[]
}

const HEAD_BYTES = 8
const HAS_DURATIONS = 2
export const NO_EVENTS: EventTable = { samplingRate: 0, events: [] }

/**
 * Reads the event table at the end of a file: position and code of each event (mode 1), and its channel and duration (mode 3); modes
 * 5 and 7 add time stamps, which say no more.
 *
 * @throws EegTorchError `FILE_TRUNCATED` if the table claims more events than the file holds
 */
export function readEvents(
  descriptor: number,
  start: number,
  fileSize: number,
  version: number,
  file: string,
): EventTable {
  if (start >= fileSize) return NO_EVENTS
  const head = readAt(descriptor, start, HEAD_BYTES, 'its event table', file)
  const mode = head[0]!
  if ((mode & 1) === 0) return NO_EVENTS
  const isOld = version < 1.94
  const samplingRate = isOld ? head.readUIntLE(1, 3) : head.readFloatLE(4)
  const n = isOld ? head.readUInt32LE(4) : head.readUIntLE(1, 3)
  const hasDurations = (mode & HAS_DURATIONS) !== 0
  const table = readAt(descriptor, start + HEAD_BYTES, n * (hasDurations ? 12 : 6), 'its event table', file)
  const events = Array.from({ length: n }, (_, i) => ({
    position: table.readUInt32LE(4 * i) - 1,
    code: table.readUInt16LE(4 * n + 2 * i),
    duration: hasDurations ? table.readUInt32LE(8 * n + 4 * i) : 0,
  }))
  return { samplingRate: Number.isFinite(samplingRate) && samplingRate > 0 ? samplingRate : 0, events }
}
