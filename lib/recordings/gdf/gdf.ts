import { fstatSync } from 'node:fs'
import { EegTorchError } from '../../errors.ts'
import { readAt } from '../../files/read-at.ts'
import { withFile } from '../../files/with-file.ts'
import { RecordSource } from '../binary/record-source.ts'
import { channelNames, channelType } from '../channels.ts'
import type { FileOptions } from '../file-options.ts'
import { mainChannel } from '../main-rate.ts'
import { metadataFromName } from '../metadata.ts'
import { type Channel, Recording, recordingName } from '../recording.ts'
import { voltsPer } from '../units.ts'
import { type EventTable, NO_EVENTS, readEvents } from './events.ts'
import { FIXED_BYTES, type GdfHeader, headerSize, parseHeader } from './header.ts'

/**
 * Opens a GDF file, version 1.x or 2.x: channels of any integer or float type, each at its own rate. Events are called by their code
 * in decimal digits (`769`), as in MNE-Python, and last at least a sample; `meaning` is what the file says the code stands for.
 *
 * @throws EegTorchError `FILE_NOT_FOUND`, `FILE_TRUNCATED`, `FILE_INVALID`, or `FILE_UNSUPPORTED` for samples of an unknown type
 */
export async function readGdf(file: string, { truncated = 'error', unit = '' }: FileOptions = {}): Promise<Recording> {
  const { header, nRecords, table, warnings } = withFile(file, (descriptor) => {
    const { size } = fstatSync(descriptor)
    const fixed = readAt(descriptor, 0, Math.min(size, FIXED_BYTES), 'its header', file)
    const bytes = headerSize(fixed, size, file)
    const header = parseHeader(readAt(descriptor, 0, bytes, 'its header', file), file)
    return { header, ...readRest(descriptor, header, size, file, truncated) }
  })
  const channels = describeChannels(header, unit)
  const main = mainChannel(channels)
  const { samplingRate } = channels[main]!
  const rate = table.samplingRate || samplingRate
  return new Recording({
    ...metadataFromName(file),
    name: recordingName(file),
    file,
    format: `GDF ${header.version < 1.9 ? 1 : 2}`,
    channels,
    samplingRate,
    nSamples: header.channels[main]!.samplesPerRecord * nRecords,
    events: table.events.map(({ position, code, duration }) => {
      const meaning = header.meanings.get(code)
      const times = { onset: position / rate, duration: Math.max(1, duration) / rate }
      return { ...times, label: String(code), ...(meaning === undefined ? {} : { meaning }) }
    }),
    source: new RecordSource(
      file,
      { ...header, nRecords },
      header.channels.map((channel) => ({ ...channel, unitScale: voltsPer(channel.unit || unit) ?? 1 })),
    ),
    ...(header.startTime === undefined ? {} : { startTime: header.startTime }),
    warnings: [...header.warnings, ...warnings],
  })
}

/** Number of records to read, after comparing the promise with the bytes that are there, and the events that follow them. */
function readRest(
  descriptor: number,
  { headerBytes, recordBytes, promisedRecords, version }: GdfHeader,
  fileSize: number,
  file: string,
  truncated: FileOptions['truncated'],
): { nRecords: number; table: EventTable; warnings: string[] } {
  const complete = Math.floor((fileSize - headerBytes) / recordBytes)
  const isKnown = promisedRecords >= 0
  if (complete === 0 || (isKnown && (promisedRecords === 0 || (promisedRecords > complete && truncated === 'error')))) {
    throw new EegTorchError('FILE_TRUNCATED', 'the file ends before the end of its records', {
      file,
      expected: `${isKnown ? promisedRecords : 'at least 1'} records of ${recordBytes} bytes`,
      received: `${Math.max(0, fileSize - headerBytes)} bytes`,
    })
  }
  if (!isKnown || promisedRecords > complete) {
    const why = isKnown ? 'The file is cut off' : 'The header does not say how many records there are'
    return { nRecords: complete, table: NO_EVENTS, warnings: [`${why}: ${complete} were read, and no events.`] }
  }
  const start = headerBytes + promisedRecords * recordBytes
  try {
    return { nRecords: promisedRecords, table: readEvents(descriptor, start, fileSize, version, file), warnings: [] }
  } catch (error) {
    if (truncated === 'error') throw error
    return {
      nRecords: promisedRecords,
      table: NO_EVENTS,
      warnings: ['The event table is cut off: there are no events.'],
    }
  }
}

function describeChannels({ channels }: GdfHeader, fallback: string): Channel[] {
  const names = channelNames(channels.map(({ label }) => label))
  return channels.map(({ label, unit, samplingRate, prefilter }, i) => {
    const named = unit || fallback
    const isElectric = voltsPer(named) !== undefined
    return {
      name: names[i]!,
      label,
      type: channelType(label, isElectric || named === ''),
      unit: isElectric ? 'V' : named,
      samplingRate,
      ...(prefilter === '' ? {} : { prefilter }),
    }
  })
}
