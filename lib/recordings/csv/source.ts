import { EegTorchError } from '../../errors.ts'
import { requireUnchanged } from '../../files/read-at.ts'
import { withFile } from '../../files/with-file.ts'
import { type Job, readJobs, spanOf } from '../binary/jobs.ts'
import type { StridedChannel } from '../binary/strided-source.ts'
import type { ChannelRange, SignalSource } from '../source.ts'
import { eachLine } from './lines.ts'
import { readRow } from './row.ts'
import { ROWS_APART, type Table } from './table.ts'

/** Columns of a table, read when asked for. */
export class TableSource implements SignalSource {
  /** @param columns `slot` is the number of the column */
  constructor(
    private readonly table: Table,
    private readonly columns: readonly StridedChannel[],
  ) {}

  read(ranges: readonly ChannelRange[]): Float64Array[] {
    return readJobs(ranges, this.columns, (jobs) => {
      withFile(this.table.file, (descriptor) => this.#readRows(descriptor, jobs))
    })
  }

  #readRows(descriptor: number, jobs: readonly Job<StridedChannel>[]): void {
    const { file, names, separator, places, state } = this.table
    requireUnchanged(descriptor, state, file)
    const { start: from, stop: to } = spanOf(jobs)
    const place = Math.floor(from / ROWS_APART)
    let row = place * ROWS_APART
    const numbers = new Float64Array(names.length)
    const start = places[place]!
    const end = places[Math.ceil(to / ROWS_APART)] ?? state.size
    eachLine(descriptor, file, { from: start, length: end - start }, (line) => {
      if (row >= from) {
        readRow(line, separator, numbers, row, file)
        for (const { start: first, stop, slot, gain, out } of jobs) {
          if (row >= first && row < stop) out[row - first] = numbers[slot]! * gain
        }
      }
      return ++row < to
    })
    if (row < to) throw missing(file, to, row)
  }
}

function missing(file: string, wanted: number, found: number): EegTorchError {
  return new EegTorchError('FILE_TRUNCATED', 'the table has fewer rows than when it was opened', {
    file,
    expected: `at least ${wanted}`,
    received: String(found),
  })
}
