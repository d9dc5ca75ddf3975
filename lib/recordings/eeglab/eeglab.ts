import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { EegTorchError } from '../../errors.ts'
import { sizeOf } from '../../files/read-at.ts'
import { BufferSource } from '../binary/buffer-source.ts'
import { SAMPLE_BYTES } from '../binary/sample-types.ts'
import { StridedSource } from '../binary/strided-source.ts'
import { channelNames } from '../channels.ts'
import type { FileOptions } from '../file-options.ts'
import { Hdf5Source } from '../hdf5/source.ts'
import { invalid } from '../invalid.ts'
import { requireRate, roundRate } from '../main-rate.ts'
import { type MatValue, numberIn, textIn } from '../matlab/values.ts'
import { metadataFromName } from '../metadata.ts'
import { type Channel, Recording, type RecordingMetadata, recordingName } from '../recording.ts'
import { segmentsAt } from '../segments-at.ts'
import type { SignalSource } from '../source.ts'
import { describeLocations } from './locations.ts'
import { readEvents } from './set-events.ts'

/** EEGLAB keeps microvolts. */
const VOLTS = 1e-6

/** Fields of an EEGLAB structure, and what was noticed about them. */
export interface EegSet {
  readonly file: string
  readonly fields: ReadonlyMap<string, MatValue>
  readonly warnings: string[]
}

/** The fields of an EEGLAB set among the variables of a MATLAB file: in a structure `EEG`, or side by side. Undefined for another file. */
export function eegSetOf(variables: ReadonlyMap<string, MatValue>, file: string): EegSet | undefined {
  const inside = variables.get('EEG')
  const fields = inside?.kind === 'structs' ? inside.items[0] : variables
  const isSet = fields !== undefined && ['nbchan', 'srate', 'pnts', 'data'].every((name) => fields.has(name))
  return isSet ? { file, fields, warnings: [] } : undefined
}

/**
 * The recording of an EEGLAB set, continuous or epoched; samples in the set itself or in the `.fdt` file that it names. Events called
 * `boundary` begin a segment. Epochs follow one another in time as EEGLAB counts them, each a segment of its own.
 *
 * @throws EegTorchError `FILE_NOT_FOUND` for a missing `.fdt`, `FILE_TRUNCATED`, `FILE_INVALID`
 */
export function readEegSet(set: EegSet, options: FileOptions): Recording {
  const { file, fields, warnings } = set
  const samplingRate = roundRate(required(set, 'srate'))
  requireRate(samplingRate, file)
  const nChannels = wholeNumber(set, 'nbchan')
  const perEpoch = wholeNumber(set, 'pnts')
  const nEpochs = fields.has('trials') ? wholeNumber(set, 'trials') : 1
  const { source, nSamples } = openSamples(set, nChannels, perEpoch * nEpochs, options)
  const events = readEvents(set, samplingRate)
  const starts = Array.from({ length: Math.ceil(nSamples / perEpoch) }, (_, i) => i * perEpoch)
  return new Recording({
    ...metadataOf(set),
    name: recordingName(file),
    file,
    format: nEpochs > 1 ? 'EEGLAB epochs' : 'EEGLAB',
    channels: describeChannels(set, nChannels, samplingRate),
    samplingRate,
    nSamples,
    segments: segmentsAt([...starts, ...events.boundaries], nSamples, samplingRate),
    events: events.events,
    source,
    warnings,
  })
}

function describeChannels(set: EegSet, nChannels: number, samplingRate: number): Channel[] {
  const locations = describeLocations(set, nChannels)
  const names = channelNames(locations.map(({ label }) => label))
  return locations.map((location, i) => ({ ...location, name: names[i]!, unit: 'V', samplingRate }))
}

/** Samples are stored channel by channel at each moment, as 32-bit floats in a file of their own or as numbers in the set. */
function openSamples(
  set: EegSet,
  nChannels: number,
  nSamples: number,
  { truncated }: FileOptions,
): { source: SignalSource; nSamples: number } {
  const data = set.fields.get('data')!
  // Made when the number of channels is known to be true.
  const channels = () => Array.from({ length: nChannels }, (_, slot) => ({ slot, gain: VOLTS }))
  if (data.kind === 'numbers' || data.kind === 'stored') {
    const [rows = 0, ...rest] = data.dims
    const columns = rest.reduce((product, dim) => product * dim, 1)
    if (rows !== nChannels || columns !== nSamples) {
      throw invalid(
        set.file,
        'its data do not fit its sizes',
        `${nChannels} x ${nSamples} numbers`,
        data.dims.join(' x '),
      )
    }
    if (data.kind === 'stored') {
      const axes = { channels: 0, samples: 1, trials: rest.length > 1 ? 2 : undefined }
      return { source: new Hdf5Source(data, axes, channels()), nSamples }
    }
    const size = SAMPLE_BYTES[data.type]
    return {
      source: new BufferSource({ ...data, sampleStride: size * nChannels, channelStride: size }, channels()),
      nSamples,
    }
  }
  const file = samplesFile(set)
  const frame = 4 * nChannels
  const complete = Math.floor(sizeOf(file) / frame)
  if (complete === 0 || (sizeOf(file) < frame * nSamples && truncated !== 'read')) {
    throw new EegTorchError('FILE_TRUNCATED', `the samples of ${basename(set.file)} are cut off`, {
      file,
      expected: `${frame * nSamples} bytes`,
      received: `${sizeOf(file)}`,
    })
  }
  if (sizeOf(file) > frame * nSamples) {
    const what = `the file of samples is longer than ${basename(set.file)} says`
    throw invalid(file, what, `${frame * nSamples} bytes`, `${sizeOf(file)}`)
  }
  if (complete < nSamples) set.warnings.push(`The file of samples is cut off: ${complete} complete samples were read.`)
  const piece = {
    file,
    position: 0,
    first: 0,
    nSamples: complete,
    type: 'float32' as const,
    littleEndian: true,
    sampleStride: frame,
    channelStride: 4,
  }
  return { source: new StridedSource([piece], channels()), nSamples: complete }
}

/** The `.fdt` that the set names or, where it was renamed without it, the one with the set's own name. */
function samplesFile(set: EegSet): string {
  const named = textIn(set.fields.get('data'))?.trim() ?? ''
  if (!/\.fdt$/i.test(named)) {
    throw new EegTorchError('FILE_UNSUPPORTED', 'its samples are stored in a way that is not known', {
      file: set.file,
      expected: 'numbers, or the name of an .fdt file',
      received: JSON.stringify(named.slice(0, 60)),
    })
  }
  const file = join(dirname(set.file), basename(named.replaceAll('\\', '/')))
  const own = set.file.replace(/\.[^.]*$/, '.fdt')
  if (existsSync(file) || file === own || !existsSync(own)) return file
  set.warnings.push(`${basename(file)} is missing; ${basename(own)} was read instead.`)
  return own
}

/** Whose it is: what the set says, where its file's name says nothing. */
function metadataOf({ fields, file }: EegSet): RecordingMetadata {
  const named = metadataFromName(file)
  const text = (key: 'subject' | 'session' | 'run') => {
    const value = textIn(fields.get(key)) ?? numberIn(fields.get(key))?.toString() ?? ''
    return value === '' || named.subject !== undefined ? {} : { [key]: value }
  }
  return { ...named, ...text('subject'), ...text('session'), ...text('run') }
}

function wholeNumber(set: EegSet, name: string): number {
  const value = required(set, name)
  if (Number.isInteger(value) && value >= 1 && value <= 2 ** 40) return value
  throw invalid(set.file, `its field ${name} is not usable`, 'a whole number of 1 or more', `${value}`)
}

function required(set: EegSet, name: string): number {
  const value = numberIn(set.fields.get(name))
  if (value !== undefined) return value
  throw invalid(set.file, `its field ${name} is no number`, 'a number', set.fields.get(name)?.kind ?? 'nothing')
}
