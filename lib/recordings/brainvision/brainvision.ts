import { existsSync } from 'node:fs'
import { endianness } from 'node:os'
import { basename, dirname, join } from 'node:path'
import type { Position } from '../../electrodes.ts'
import { EegTorchError } from '../../errors.ts'
import { sizeOf } from '../../files/read-at.ts'
import { BufferSource } from '../binary/buffer-source.ts'
import { SAMPLE_BYTES, type SampleType } from '../binary/sample-types.ts'
import { type StridedChannel, StridedSource } from '../binary/strided-source.ts'
import { channelNames, channelType } from '../channels.ts'
import type { FileOptions } from '../file-options.ts'
import { invalid } from '../invalid.ts'
import { requireRate, roundRate } from '../main-rate.ts'
import { metadataFromName } from '../metadata.ts'
import { type Channel, Recording, recordingName } from '../recording.ts'
import { segmentsAt } from '../segments-at.ts'
import type { SignalSource } from '../source.ts'
import { voltsPer } from '../units.ts'
import { readAsciiSamples } from './ascii.ts'
import { type Markers, NO_MARKERS, readMarkers } from './markers.ts'
import { fieldsOf, readSections, type Sections } from './sections.ts'

const TYPES: Readonly<Record<string, SampleType>> = { INT_16: 'int16', INT_32: 'int32', IEEE_FLOAT_32: 'float32' }
/** Metres. MNE gives ideal positions, on a sphere of radius 1, a head of this size. */
const HEAD_RADIUS = 0.095

/** Header, samples and markers of a recording, and what had to be assumed. */
interface Header {
  file: string
  sections: Sections
  warnings: string[]
}

/**
 * Opens a BrainVision recording by its header (`.vhdr`): INT_16, INT_32, IEEE_FLOAT_32 or text, multiplexed or vectorised. Markers are
 * events called `Type/Description`, as MNE-Python calls them; a `New Segment` after the first begins a segment, since the recorder paused there.
 *
 * Format: Brain Products, BrainVision Core Data Format 1.0.
 *
 * @throws EegTorchError `FILE_NOT_FOUND`, `FILE_TRUNCATED`, `FILE_INVALID`, `FILE_UNSUPPORTED` for another kind of samples, or text beyond 256 MiB
 */
export async function readBrainVision(
  file: string,
  { truncated = 'error', unit = 'uV' }: FileOptions = {},
): Promise<Recording> {
  const warnings: string[] = []
  const header: Header = { file, sections: readSections(file, 'Header', truncated, warnings), warnings }
  const channels = describeChannels(header, unit)
  const samplingRate = channels[0]!.samplingRate
  const data = siblingOf(header, 'DataFile', ['.eeg', '.dat'])
  if (data === undefined) throw new EegTorchError('FILE_INVALID', 'the header names no DataFile', { file })
  const { nSamples, source } = samplesOf(header, data, channels, truncated)
  const markers = markersOf(header, truncated)
  const late = markers.events.filter(({ position }) => position < 0 || position >= nSamples).length
  if (late > 0) header.warnings.push(`${late} of ${markers.events.length} markers lie outside the samples.`)
  return new Recording({
    ...metadataFromName(file),
    name: recordingName(file),
    file,
    format: 'BrainVision',
    channels: channels.map(({ gain: _, ...channel }) => channel),
    samplingRate,
    nSamples,
    segments: segmentsAt(markers.segments, nSamples, samplingRate),
    events: markers.events.map(({ position, size, label }) => ({
      onset: position / samplingRate,
      duration: size / samplingRate,
      label,
    })),
    source,
    ...(markers.startTime === undefined ? {} : { startTime: markers.startTime }),
    warnings: header.warnings,
  })
}

/** How many samples there are, and where they come from. */
function samplesOf(
  header: Header,
  file: string,
  channels: readonly { gain: number }[],
  truncated: FileOptions['truncated'],
): { nSamples: number; source: SignalSource } {
  const slots = channels.map(({ gain }, slot) => ({ slot, gain }))
  if (common(header, 'DataFormat')?.toUpperCase() === 'ASCII') return writtenSamples(header, file, slots, truncated)
  const type = sampleType(header)
  const size = SAMPLE_BYTES[type]
  const { nSamples, stored } = countSamples(header, file, channels.length, size, truncated)
  const stretch = { file, position: 0, first: 0, nSamples, type, littleEndian: true }
  const strides =
    stored === undefined
      ? { sampleStride: size * channels.length, channelStride: size }
      : { sampleStride: size, channelStride: size * stored }
  return { nSamples, source: new StridedSource([{ ...stretch, ...strides }], slots) }
}

function writtenSamples(
  header: Header,
  file: string,
  slots: readonly StridedChannel[],
  truncated: FileOptions['truncated'],
): { nSamples: number; source: SignalSource } {
  const infos = header.sections.get('ascii infos')
  const layout = {
    ...{ file, nChannels: slots.length, isVectorised: isVectorised(header) },
    decimalSymbol: infos?.get('decimalsymbol') ?? '.',
    skipLines: numberIn(header, infos, 'SkipLines', 0),
    skipColumns: numberIn(header, infos, 'SkipColumns', 0),
  }
  const { values, nSamples, isCut } = readAsciiSamples(layout, truncated)
  const promised = common(header, 'DataPoints') === undefined ? nSamples : numberOf(header, 'DataPoints')
  if (nSamples < promised && truncated === 'error') throw cutOff(header, file, `${promised} samples`, String(nSamples))
  if (isCut || nSamples < promised) warnOfCut(header, nSamples)
  const strides = { sampleStride: 8 * slots.length, channelStride: 8 }
  const bytes = new Uint8Array(values.buffer)
  const littleEndian = endianness() === 'LE'
  return { nSamples, source: new BufferSource({ bytes, type: 'float64', littleEndian, ...strides }, slots) }
}

function describeChannels(header: Header, unit: string): (Channel & { gain: number })[] {
  const nChannels = numberOf(header, 'NumberOfChannels')
  const samplingRate = roundRate(1e6 / numberOf(header, 'SamplingInterval'))
  requireRate(samplingRate, header.file)
  const infos = header.sections.get('channel infos') ?? new Map<string, string>()
  if (!Number.isInteger(nChannels) || nChannels < 1 || nChannels > infos.size) {
    const received = `NumberOfChannels=${nChannels} and ${infos.size} entries`
    throw invalid(header.file, 'its channels are not all described', 'one entry of [Channel Infos] for each', received)
  }
  const rows = Array.from({ length: nChannels }, (_, i) => {
    const entry = infos.get(`ch${i + 1}`)
    if (entry === undefined)
      throw invalid(header.file, `channel ${i + 1} is not described`, `an entry Ch${i + 1}`, 'none')
    return fieldsOf(entry)
  })
  const names = channelNames(rows.map(([label = '']) => label))
  return rows.map(([label = '', , resolution = '', ownUnit = ''], i) => {
    const named = ownUnit || unit
    const volts = voltsPer(named)
    const gain = resolution === '' ? 1 : Number(resolution)
    if (!Number.isFinite(gain) || gain === 0) {
      throw invalid(
        header.file,
        `the resolution of channel ${i + 1} is not usable`,
        'a number',
        JSON.stringify(resolution),
      )
    }
    const position = positionOf(header, i)
    return {
      name: names[i]!,
      label,
      type: channelType(label, volts !== undefined),
      unit: volts === undefined ? named : 'V',
      samplingRate,
      gain: gain * (volts ?? 1),
      ...(position === undefined ? {} : { position }),
    }
  })
}

/** Radius (1 for an ideal sphere, else millimetres), polar angle from the vertex, azimuth from the right ear, in degrees. */
function positionOf({ sections }: Header, index: number): Position | undefined {
  const entry = sections.get('coordinates')?.get(`ch${index + 1}`)
  const [radius = Number.NaN, theta = Number.NaN, phi = Number.NaN] = (entry ?? '').split(',').map(Number)
  if (entry === undefined || !(radius > 0) || !Number.isFinite(theta + phi)) return undefined
  const metres = radius === 1 ? HEAD_RADIUS : radius / 1000
  const [polar, azimuth] = [(theta * Math.PI) / 180, (phi * Math.PI) / 180]
  const plane = metres * Math.sin(polar)
  return [plane * Math.cos(azimuth), plane * Math.sin(azimuth), metres * Math.cos(polar)]
}

function sampleType(header: Header): SampleType {
  const format = common(header, 'DataFormat') ?? 'BINARY'
  const binary = header.sections.get('binary infos')?.get('binaryformat')?.toUpperCase() ?? ''
  const type = TYPES[binary]
  if (format.toUpperCase() === 'BINARY' && type !== undefined) return type
  throw new EegTorchError('FILE_UNSUPPORTED', 'its samples are stored in a way that is not known', {
    file: header.file,
    expected: `DataFormat=ASCII, or BINARY with ${Object.keys(TYPES).join(', ')}`,
    received: `DataFormat=${format} with ${binary || 'no BinaryFormat'}`,
  })
}

/** Samples to read of each channel and, where each channel lies in one piece, how many are stored of each. */
function countSamples(
  header: Header,
  data: string,
  nChannels: number,
  sampleBytes: number,
  truncated: FileOptions['truncated'],
): { nSamples: number; stored?: number } {
  const bytes = sizeOf(data)
  const frame = nChannels * sampleBytes
  const complete = Math.floor(bytes / frame)
  const promised = common(header, 'DataPoints') === undefined ? undefined : numberOf(header, 'DataPoints')
  const inOnePiece = isVectorised(header)
  const isShort = bytes % frame !== 0 || complete === 0 || complete < (promised ?? 0)
  // Channels that lie one behind the other cannot be told apart once bytes are missing.
  if (isShort && (inOnePiece || complete === 0 || truncated === 'error')) {
    throw cutOff(
      header,
      data,
      `${promised === undefined ? 'a multiple of' : `${promised} x`} ${frame} bytes`,
      String(bytes),
    )
  }
  if (isShort) warnOfCut(header, complete)
  else if (promised !== undefined && promised !== complete) {
    if (inOnePiece)
      throw invalid(header.file, 'DataPoints does not fit its file of samples', `${complete}`, `${promised}`)
    header.warnings.push(`The header says ${promised} samples, the file of samples holds ${complete}: all were read.`)
  }
  return { nSamples: complete, ...(inOnePiece ? { stored: complete } : {}) }
}

function warnOfCut(header: Header, nSamples: number): void {
  header.warnings.push(`The file of samples is cut off: ${nSamples} complete samples were read.`)
}

function cutOff(header: Header, file: string, expected: string, received: string): EegTorchError {
  const what = `the file of samples of ${basename(header.file)} is cut off`
  return new EegTorchError('FILE_TRUNCATED', what, { file, expected, received })
}

/** Whether each channel lies in one piece. */
function isVectorised(header: Header): boolean {
  const orientation = (common(header, 'DataOrientation') ?? 'MULTIPLEXED').toUpperCase()
  if (orientation === 'MULTIPLEXED' || orientation === 'VECTORIZED') return orientation === 'VECTORIZED'
  throw invalid(header.file, 'the orientation of its samples is not known', 'MULTIPLEXED or VECTORIZED', orientation)
}

function markersOf(header: Header, truncated: FileOptions['truncated']): Markers {
  if (!common(header, 'MarkerFile')) return NO_MARKERS
  const file = siblingOf(header, 'MarkerFile', ['.vmrk'])
  if (file !== undefined && existsSync(file)) return readMarkers(file, truncated, header.warnings)
  header.warnings.push(`The marker file ${common(header, 'MarkerFile')} is missing, so there are no events.`)
  return NO_MARKERS
}

/** The file that the header names or, where files were renamed without it, the one that has the header's own name. */
function siblingOf(header: Header, key: 'DataFile' | 'MarkerFile', endings: string[]): string | undefined {
  const named = common(header, key)
  if (!named) return undefined
  const base = basename(header.file).replace(/\.[^.]*$/, '')
  // `$b` stands for the header's own name.
  const path = join(dirname(header.file), named.replaceAll('$b', base))
  if (existsSync(path)) return path
  const own = endings.map((ending) => join(dirname(header.file), `${base}${ending}`)).find(existsSync)
  if (own === undefined) return path
  header.warnings.push(`${key} ${named} is missing; ${basename(own)} was read instead.`)
  return own
}

const common = ({ sections }: Header, key: string) => sections.get('common infos')?.get(key.toLowerCase())

const numberOf = (header: Header, key: string) => numberIn(header, header.sections.get('common infos'), key)

function numberIn(
  header: Header,
  entries: ReadonlyMap<string, string> | undefined,
  key: string,
  absent?: number,
): number {
  const text = entries?.get(key.toLowerCase()) ?? ''
  if (text === '' && absent !== undefined) return absent
  const value = Number(text)
  if (text !== '' && Number.isFinite(value) && value >= 0) return value
  throw invalid(header.file, `${key} is not a number`, 'a number of 0 or more', JSON.stringify(text))
}
