import { EegTorchError } from '../../errors.ts'
import { BufferSource } from '../binary/buffer-source.ts'
import { StridedSource } from '../binary/strided-source.ts'
import { channelNames, channelType } from '../channels.ts'
import type { FileOptions } from '../file-options.ts'
import { Hdf5Source } from '../hdf5/source.ts'
import { FASTEST, SLOWEST } from '../main-rate.ts'
import { metadataFromName } from '../metadata.ts'
import { type Channel, type ChannelType, Recording, recordingName } from '../recording.ts'
import type { Segment } from '../segments.ts'
import { segmentsAt } from '../segments-at.ts'
import type { SignalSource } from '../source.ts'
import { voltsPer } from '../units.ts'
import { eventsOf } from './array-events.ts'
import { type Axes, axesOf } from './axes.ts'
import { flatNumbers, type NamedArrays, type NumberArray } from './named-arrays.ts'

/** Names under which files keep what a recording is made of. */
const SIGNAL = ['data', 'X', 'x', 'eeg', 'EEG', 'signals', 'signal', 'samples', 'arr_0']
const RATE = ['sfreq', 'fs', 'srate', 'sampling_rate', 'samplingRate', 'fsample', 'sample_rate', 'Fs']
const NAMES = ['ch_names', 'channels', 'channel_names', 'channelNames', 'labels', 'label']
const TYPES: ReadonlySet<string> = new Set(['eeg', 'eog', 'ecg', 'emg', 'stim', 'misc'] satisfies ChannelType[])

/**
 * A recording of arrays by name: samples (`data`, `X`, ...), rate (`sfreq`, `fs`, ...), names (`ch_names`, ...), `unit` or `units`,
 * events. Options stand in for what the file does not say. Trials follow one another, each a segment.
 *
 * @throws EegTorchError `INVALID_OPTION` if nothing says the sampling rate, `FILE_UNSUPPORTED` if no array holds samples
 */
export function recordingOfArrays(arrays: NamedArrays, options: FileOptions): Recording {
  const { file, texts } = arrays
  const signal = signalOf(arrays)
  const samplingRate = rateOf(arrays, options)
  const labels = options.channelNames ?? firstOf(texts, NAMES)
  const axes = axesOf(signal, labels?.length, file)
  const nChannels = axes.channels === undefined ? 1 : signal.dims[axes.channels]!
  const perTrial = signal.dims[axes.samples]!
  const nTrials = axes.trials === undefined ? 1 : signal.dims[axes.trials]!
  const nSamples = perTrial * nTrials
  const units = texts.get('units') ?? texts.get('unit') ?? []
  const warnings = [...(arrays.warnings ?? [])]
  if (units.length === 0 && options.unit === undefined) {
    warnings.push("The file names no unit: numbers are given as they are; say unit: 'uV' to read volts.")
  }
  const channels = describeChannels(
    arrays,
    labels,
    nChannels,
    samplingRate,
    (i) => units[i] ?? units[0] ?? options.unit ?? '',
  )
  const gains = channels.map((_, i) => voltsPer(units[i] ?? units[0] ?? options.unit ?? '') ?? 1)
  const starts = Array.from({ length: nTrials }, (_, i) => i * perTrial)
  return new Recording({
    ...metadataFromName(file),
    name: recordingName(file),
    file,
    format: arrays.format,
    channels,
    samplingRate,
    nSamples,
    segments: storedSegments(arrays, nSamples, samplingRate) ?? segmentsAt(starts, nSamples, samplingRate),
    events: eventsOf(arrays, { samplingRate, nTrials, perTrial, nSamples, warnings }),
    source: sourceOf(arrays, signal, axes, gains),
    warnings,
  })
}

function describeChannels(
  { texts }: NamedArrays,
  labels: readonly string[] | undefined,
  nChannels: number,
  samplingRate: number,
  unitOf: (channel: number) => string,
): Channel[] {
  const named = labels ?? Array.from({ length: nChannels }, (_, i) => `channel ${i + 1}`)
  const names = channelNames(named)
  const types = texts.get('ch_types')
  return named.map((label, i) => {
    const unit = unitOf(i)
    const isElectric = voltsPer(unit) !== undefined
    const type = types?.[i] ?? ''
    return {
      name: names[i]!,
      label,
      type: TYPES.has(type) ? (type as ChannelType) : channelType(label, isElectric || unit === ''),
      unit: isElectric ? 'V' : unit,
      samplingRate,
    }
  })
}

/** The array with a known name or, where there is none, the only one with two or three axes that are longer than 1. */
function signalOf({ file, numbers }: NamedArrays): NumberArray {
  const named = firstOf(numbers, SIGNAL)
  const wide = [...numbers.values()].filter(({ dims }) => dims.length < 4 && dims.filter((dim) => dim > 1).length > 1)
  const signal = named ?? (wide.length === 1 ? wide[0] : undefined)
  if (signal !== undefined) return signal
  throw new EegTorchError('FILE_UNSUPPORTED', 'no array of the file is known to hold samples', {
    file,
    expected: `one of ${SIGNAL.join(', ')}`,
    received: [...numbers.keys()].slice(0, 12).join(', ') || 'no numbers',
  })
}

function rateOf({ file, numbers }: NamedArrays, { samplingRate }: FileOptions): number {
  const found = firstOf(numbers, RATE)
  const rate = samplingRate ?? (found === undefined ? undefined : flatNumbers(found)?.[0])
  if (rate !== undefined && rate >= SLOWEST && rate <= FASTEST) return rate
  throw new EegTorchError('INVALID_OPTION', 'the sampling rate of the file is not known', {
    file,
    option: 'samplingRate',
    expected: `the option samplingRate, or a number called ${RATE.slice(0, 3).join(', ')}`,
    received: rate === undefined ? 'neither' : `${rate} Hz`,
  })
}

function sourceOf({ file }: NamedArrays, signal: NumberArray, axes: Axes, gains: readonly number[]): SignalSource {
  const { dims, strides, type, littleEndian, at } = signal
  const channels = gains.map((gain, slot) => ({ slot, gain }))
  if ('stored' in at) return new Hdf5Source(at.stored, axes, channels)
  const sampleStride = strides[axes.samples]!
  const channelStride = axes.channels === undefined ? 0 : strides[axes.channels]!
  const perPiece = dims[axes.samples]!
  const pieceStride = axes.trials === undefined ? 0 : strides[axes.trials]!
  const layout = { type, littleEndian, sampleStride, channelStride }
  if ('bytes' in at) return new BufferSource({ ...layout, bytes: at.bytes, perPiece, pieceStride }, channels)
  const nTrials = axes.trials === undefined ? 1 : dims[axes.trials]!
  const pieces = Array.from({ length: nTrials }, (_, i) => ({
    ...layout,
    file,
    position: at.position + i * pieceStride,
    first: i * perPiece,
    nSamples: perPiece,
  }))
  return new StridedSource(pieces, channels)
}

/** Stretches as `segment_sample` and `segment_onset` (seconds) tell them; undefined where they do not, or not soundly. */
function storedSegments({ numbers }: NamedArrays, nSamples: number, rate: number): Segment[] | undefined {
  const [samples, onsets] = ['segment_sample', 'segment_onset'].map((name) => {
    const found = numbers.get(name)
    return found === undefined ? undefined : flatNumbers(found)
  })
  if (samples === undefined || onsets === undefined || samples.length !== onsets.length || samples[0] !== 0)
    return undefined
  const segments = Array.from(samples, (sample, i) => ({
    onset: onsets[i]!,
    sample,
    nSamples: (samples[i + 1] ?? nSamples) - sample,
  }))
  const isSound = segments.every(({ onset, sample, nSamples: n }, i) => {
    const next = onsets[i + 1] ?? Number.POSITIVE_INFINITY
    return Number.isInteger(sample) && n > 0 && next >= onset + (n - 0.5) / rate
  })
  return isSound ? segments : undefined
}

function firstOf<T>(values: ReadonlyMap<string, T>, names: readonly string[]): T | undefined {
  const name = names.find((candidate) => values.has(candidate))
  return name === undefined ? undefined : values.get(name)
}
