import { basename } from 'node:path'
import type { Position } from '../../electrodes.ts'
import { EegTorchError } from '../../errors.ts'
import { readText } from '../read-text.ts'
import type { Channel, ChannelType, Recording, RecordingParts } from '../recording.ts'
import { voltsPer } from '../units.ts'
import { isBidsRecording, sidecarOf } from './entities.ts'
import { readTsv } from './table.ts'

const TYPES: Readonly<Record<string, ChannelType>> = {
  EEG: 'eeg',
  EOG: 'eog',
  VEOG: 'eog',
  HEOG: 'eog',
  ECG: 'ecg',
  EMG: 'emg',
  TRIG: 'stim',
}
/** Coordinate systems whose x points to the nose and y to the left. */
const NOSE_FIRST = /^(CTF|EEGLAB|EEGLAB-HJ|4DBti|KitYokogawa|ChietiItab)$/i
/** How many samples an event's time in a table may be from its time in the recording. */
const NEAR = [-2, -1, 0, 1, 2]
const METRES: Readonly<Record<string, number>> = { m: 1, cm: 0.01, mm: 0.001 }

/**
 * A recording with what the tables beside it say, if its name is one of BIDS: `events.tsv` replaces the file's own events (called by
 * `trial_type`, else `value`), `channels.tsv` tells types, bad channels, and the unit where the file names none, `electrodes.tsv` places.
 * Other recordings stay as they are.
 *
 * @throws EegTorchError `FILE_INVALID` for an event without an onset
 */
export function withSidecars(recording: Recording): Recording {
  const { file } = recording
  if (file === undefined || !isBidsRecording(file)) return recording
  const [events, channels, electrodes] = ['events.tsv', 'channels.tsv', 'electrodes.tsv'].map((ending) =>
    sidecarOf(file, ending),
  )
  const warnings = [...recording.warnings]
  let described: readonly Channel[] = recording.channels
  let volts: Partial<Pick<RecordingParts, 'source'>> = {}
  if (channels !== undefined) {
    const rows = channelRows(described, channels, warnings)
    described = withChannelTable(described, rows)
    const scales = recording.channels.map((channel) => tableVolts(channel, rows))
    if (scales.some((scale) => scale !== undefined)) volts = { source: scaledSource(recording, scales) }
  }
  if (electrodes !== undefined) described = withPlaces(described, electrodes, file, warnings)
  const read = events === undefined ? {} : { events: readEvents(events, recording, warnings) }
  return recording.describedBy({ channels: described, warnings, ...read, ...volts })
}

function readEvents(file: string, recording: Recording, warnings: string[]): RecordingParts['events'] {
  const rows = readTsv(file, warnings)
  // One column for all: `value` beside `trial_type` numbers the same kinds, and more that are no trials.
  const named = ['trial_type', 'value'].find((column) => rows.some((row) => row.get(column) !== undefined))
  const events = rows.flatMap((row, i) => {
    const [at, label] = [row.get('onset'), named === undefined ? 'n/a' : row.get(named)]
    if (at === undefined || label === undefined) return []
    const [onset, duration] = [Number(at), Number(row.get('duration') ?? 0)]
    if (!Number.isFinite(onset)) {
      throw new EegTorchError('FILE_INVALID', `event ${i + 1} has no onset`, {
        file,
        expected: 'seconds, or n/a',
        received: at,
      })
    }
    return [{ onset, duration: Number.isFinite(duration) && duration > 0 ? duration : 0, label }]
  })
  if (events.length < rows.length) {
    const left = rows.length - events.length
    warnings.push(`${basename(file)}: ${left} of ${rows.length} rows without an onset or a ${named} are left out.`)
  }
  const after = unlistedAfter(events, recording)
  if (after > 0) {
    const what = `${after} events of the kinds that it lists come after its last row`
    warnings.push(`${basename(file)} may be cut: by the recording's own marks ${what}.`)
  }
  return events
}

/**
 * How many of a recording's own events come after the last row of its table, of labels that the table has a row for before: nothing in a table tells
 * how long it is, and one that leaves out some kinds of events is whole.
 */
function unlistedAfter(rows: RecordingParts['events'], { events, samplingRate }: Recording): number {
  const place = (onset: number) => Math.round(onset * samplingRate)
  const rowsAt = new Set(rows.map(({ onset }) => place(onset)))
  const isListed = (onset: number) => NEAR.some((step) => rowsAt.has(place(onset) + step))
  const kinds = new Set(events.filter(({ onset }) => rows.length === 0 || isListed(onset)).map(({ label }) => label))
  const last = [...rowsAt].reduce((most, at) => Math.max(most, at), Number.NEGATIVE_INFINITY)
  return events.filter(({ onset, label }) => place(onset) > last + NEAR.at(-1)! && kinds.has(label)).length
}

type Row = ReadonlyMap<string, string>

/** Rows of a table of channels, by name. */
function channelRows(channels: readonly Channel[], file: string, warnings: string[]): ReadonlyMap<string, Row> {
  const rows = new Map(readTsv(file, warnings).map((row) => [row.get('name') ?? '', row]))
  const missing = channels.filter(({ label }) => !rows.has(label)).map(({ label }) => label)
  if (missing.length > 0) warnings.push(`${basename(file)} does not describe ${missing.slice(0, 8).join(', ')}.`)
  return rows
}

function withChannelTable(channels: readonly Channel[], rows: ReadonlyMap<string, Row>): Channel[] {
  return channels.map((channel) => {
    const row = rows.get(channel.label)
    const named = row?.get('type')?.toUpperCase()
    return {
      ...channel,
      type: named === undefined ? channel.type : (TYPES[named] ?? 'misc'),
      ...(tableVolts(channel, rows) === undefined ? {} : { unit: 'V' }),
      ...(row?.get('status')?.toLowerCase() === 'bad' ? { isBad: true } : {}),
    }
  })
}

/** Volts in one of the unit that the table gives to a channel whose file names none. */
function tableVolts({ label, unit }: Channel, rows: ReadonlyMap<string, Row>): number | undefined {
  return unit === '' ? voltsPer(rows.get(label)?.get('units') ?? '') : undefined
}

/** The samples of a recording times the scales of its channels. */
function scaledSource(recording: Recording, scales: readonly (number | undefined)[]): RecordingParts['source'] {
  return recording.asSource({
    change: (samples, { channel }) => {
      const scale = scales[channel]
      return scale === undefined ? samples : samples.map((value) => value * scale)
    },
  })
}

function withPlaces(channels: readonly Channel[], file: string, recording: string, warnings: string[]): Channel[] {
  const { scale, isNoseFirst } = coordinates(recording, warnings)
  const places = new Map(
    readTsv(file, warnings).map((row) => {
      const [x, y, z] = ['x', 'y', 'z'].map((axis) => scale * Number(row.get(axis) ?? Number.NaN)) as [
        number,
        number,
        number,
      ]
      const place: Position = isNoseFirst ? [-y, x, z] : [x, y, z]
      return [row.get('name') ?? '', place] as const
    }),
  )
  return channels.map((channel) => {
    const position = places.get(channel.label) ?? places.get(channel.name)
    return position?.every(Number.isFinite) ? { ...channel, position } : channel
  })
}

function coordinates(recording: string, warnings: string[]): { scale: number; isNoseFirst: boolean } {
  const file = sidecarOf(recording, 'coordsystem.json')
  let said: Record<string, unknown> = {}
  try {
    if (file !== undefined) said = JSON.parse(readText(file)) as Record<string, unknown>
  } catch {
    warnings.push('coordsystem.json is not readable.')
  }
  const find = (ending: string) =>
    Object.entries(said).find(([key]) => /^(EEG|iEEG|MEG)/.test(key) && key.endsWith(ending))?.[1]
  const unit = String(find('CoordinateUnits') ?? 'm')
  if (METRES[unit] === undefined) warnings.push(`Electrodes are given in ${unit}: taken as metres.`)
  return { scale: METRES[unit] ?? 1, isNoseFirst: NOSE_FIRST.test(String(find('CoordinateSystem') ?? '')) }
}
