import { EegTorchError } from '../../errors.ts'
import { channelNames, channelType } from '../channels.ts'
import type { FileOptions } from '../file-options.ts'
import { requireRate, roundRate } from '../main-rate.ts'
import { metadataFromName } from '../metadata.ts'
import { type Channel, Recording, recordingName } from '../recording.ts'
import type { Segment } from '../segments.ts'
import { stimEvents } from '../stim-events.ts'
import { voltsPer } from '../units.ts'
import { cellsOf, unquoted, withPoint } from './row.ts'
import { TableSource } from './source.ts'
import { scanTable, separatorOf, type Table } from './table.ts'

const TIME = /^(time|times|timestamps?|t|seconds?|sec)\b/i
/** A step this many times as long as the typical one is a gap. */
const GAP = 1.5
/** Time stamps come in bursts; only a longer silence is a gap. */
const SHORTEST_GAP = 0.5
/** How far a recorder's clock and its rounded stamps may be from a whole rate. */
const CLOCK = 5e-4

/**
 * Opens a table of numbers in text: a line of names, then a line for each sample; commas, semicolons or tabs; cells may stand in quotation
 * marks. A comma is a decimal point where cells are separated otherwise. A first column of times (seconds; milliseconds where its name ends in
 * `ms`) gives the rate, from first to last stamp; a unit in brackets behind a name (`Cz [uV]`) is its unit. Rises of a column called marker,
 * stim, trigger or status are the events.
 *
 * @throws EegTorchError `FILE_NOT_FOUND`, `FILE_INVALID` for what is no table of numbers, `INVALID_OPTION` if nothing says the rate
 */
export async function readCsv(file: string, options: FileOptions = {}): Promise<Recording> {
  const table = scanTable(file)
  const warnings: string[] = []
  if (!table.isEnded)
    warnings.push('The last line has no line break: if the file was cut off there, its last number is wrong.')
  const hasTimes = TIME.test(table.names[0]!)
  const times = hasTimes ? secondsOf(table) : undefined
  const samplingRate = options.samplingRate ?? rateOf(times, file, warnings)
  requireRate(samplingRate, file)
  const firstColumn = hasTimes ? 1 : 0
  const channels = describeChannels(table.names.slice(firstColumn), samplingRate, options)
  if (channels.every(({ unit }) => unit === '')) {
    warnings.push("The file names no unit: numbers are given as they are; say unit: 'uV' to read volts.")
  }
  const nSamples = table.nRows
  const source = new TableSource(
    table,
    channels.map(({ gain }, i) => ({ slot: i + firstColumn, gain })),
  )
  const segments = segmentsOf(times, samplingRate, nSamples, warnings)
  const stim = channels.findIndex(({ type }) => type === 'stim')
  const marks = stim < 0 ? [] : stimEvents(source.read([{ channel: stim, start: 0, stop: nSamples }])[0]!, 1)
  return new Recording({
    ...metadataFromName(file),
    name: recordingName(file),
    file,
    format: 'CSV',
    channels: channels.map(({ gain: _, ...channel }) => channel),
    samplingRate,
    nSamples,
    segments,
    events: marks.map((event) => ({ ...event, onset: timeOf(event.onset, segments, samplingRate) })),
    source,
    warnings,
  })
}

/** Whether a file begins like a table: a line of names that are no numbers, then a line of as many numbers. */
export function startsAsTable(start: Buffer): boolean {
  const [head = '', row = ''] = start.toString('utf8').split(/\r?\n/)
  const separator = separatorOf(head)
  if (separator === undefined || head.includes('\0') || !/[A-Za-z]/.test(head)) return false
  const cells = cellsOf(row, separator).map(unquoted)
  return (
    cells.slice(0, -1).some((cell) => cell !== '') &&
    cells.slice(0, -1).every((cell) => cell === '' || Number.isFinite(Number(withPoint(cell, separator))))
  )
}

function secondsOf({ names, first }: Table): Float64Array {
  const scale = /(\bms\b|milliseconds?|\(ms\)|\[ms\]|_ms$)/i.test(names[0]!) ? 1e-3 : 1
  return first.map((value) => value * scale)
}

/** Samples between the first and the last stamp: single stamps are rounded, and come in bursts. */
function rateOf(times: Float64Array | undefined, file: string, warnings: string[]): number {
  const n = times?.length ?? 0
  const span = n > 1 ? times![n - 1]! - times![0]! : Number.NaN
  if (times !== undefined && span > 0 && times.every(Number.isFinite)) {
    const steps = times.subarray(1).map((time, i) => time - times[i]!)
    const gaps = steps.filter((step) => step > SHORTEST_GAP && step > GAP * (span / (n - 1)))
    const rate = (n - 1 - gaps.length) / (span - gaps.reduce((sum, gap) => sum + gap, 0))
    const whole = Math.round(rate)
    if (!(Math.abs(rate - whole) < CLOCK * whole)) return roundRate(rate)
    if (Math.abs(rate - whole) > 1e-6 * whole)
      warnings.push(`The time stamps tell ${rate.toFixed(3)} Hz: taken as ${whole} Hz.`)
    return whole
  }
  throw new EegTorchError('INVALID_OPTION', 'the sampling rate of the table is not known', {
    file,
    option: 'samplingRate',
    expected: 'a first column of rising times, or the option samplingRate',
    received: times === undefined ? 'neither' : 'times that do not rise',
  })
}

function segmentsOf(times: Float64Array | undefined, rate: number, nSamples: number, warnings: string[]): Segment[] {
  const starts = [0]
  if (times !== undefined) {
    for (let i = 1; i < nSamples; i++) {
      const step = times[i]! - times[i - 1]!
      if (!(step >= 0)) warnings.push(`Time stamps go back at sample ${i}.`)
      if (step > SHORTEST_GAP && step > GAP / rate) starts.push(i)
      if (warnings.length > 8) break
    }
  }
  let end = 0
  return starts.map((sample, i) => {
    const next = starts[i + 1] ?? nSamples
    const onset = i === 0 ? 0 : Math.max(end, times![sample]! - times![0]!)
    end = onset + (next - sample) / rate
    return { onset, sample, nSamples: next - sample }
  })
}

function timeOf(sample: number, segments: readonly Segment[], rate: number): number {
  const segment = segments.findLast((candidate) => candidate.sample <= sample)!
  return segment.onset + (sample - segment.sample) / rate
}

function describeChannels(
  columns: readonly string[],
  samplingRate: number,
  options: FileOptions,
): (Channel & { gain: number })[] {
  const parsed = columns.map((name) => /^(.*?)\s*[[(]([^\])]*)[\])]\s*$/.exec(name) ?? [name, name, ''])
  const labels = parsed.map(([, label], i) => options.channelNames?.[i] ?? label!.trim())
  const names = channelNames(labels)
  return labels.map((label, i) => {
    const isStim = channelType(label, false) === 'stim'
    const unit = parsed[i]![2]! || (isStim ? '' : (options.unit ?? ''))
    const volts = voltsPer(unit)
    return {
      name: names[i]!,
      label,
      type: channelType(label, volts !== undefined || unit === ''),
      unit: volts === undefined ? unit : 'V',
      samplingRate,
      gain: volts ?? 1,
    }
  })
}
