import { EegTorchError } from '../errors.ts'
import type { ChannelType } from '../recordings/recording.ts'
import type { FittedStatistic } from './fitted.ts'

/** Where one window comes from. */
export interface WindowOrigin {
  /** Which recording: position in {@link EegWindows.recordings}. */
  readonly recording: number
  /** Position of the trial's event in its recording, from 1; windows cut from one event share it. */
  readonly trial: number
  /** Seconds of the window's first sample since the start of the recording. */
  readonly onset: number
  /** The window's first stored sample. */
  readonly start: number
  /** Class: position in {@link EegWindows.classNames}. */
  readonly label: number
  /** What was shown or heard, where the recording tells it: windows of one stimulus have the same. */
  readonly stimulus?: string
}

/** A recording that windows were cut from. */
export interface WindowRecording {
  readonly name: string
  /** Equal for two entries exactly if they are the same recording: the file's full path, or the name. */
  readonly identity: string
  readonly subject: string | undefined
  readonly session: string | undefined
  readonly run: string | undefined
  /** Name of the data set, where it is known. */
  readonly dataset?: string | undefined
}

/** Samples of windows that are not in memory, such as those of a store. Immutable. */
export interface WindowSource {
  /** Number of windows. */
  readonly length: number
  /** Samples of one window, (channels, samples), in an array of its own. */
  read(index: number): Float32Array
  /** Some windows, in the order given. */
  subset(indices: ArrayLike<number>): WindowSource
  /** The windows with `(sample - mean) * factor` of each channel in place of its samples. */
  scaled(mean: Float64Array, factor: Float64Array): WindowSource
  /** Samples of some windows, (windows, channels, samples), read while the event loop goes on. Absent: they are read one by one. */
  load?(indices: ArrayLike<number>): Promise<Float32Array>
  /** A number that is equal for windows with equal samples, known without reading them. Absent: it is not known. */
  fingerprint?(index: number): number
}

/** What {@link EegWindows} is made of. */
export interface WindowParts {
  /** Volts, (windows, channels, samples); or where they are read from. */
  data: Float32Array | WindowSource
  origins: readonly WindowOrigin[]
  recordings: readonly WindowRecording[]
  classNames: readonly string[]
  channelNames: readonly string[]
  /** What each channel measures, where it is known. */
  channelTypes?: readonly ChannelType[] | undefined
  nSamples: number
  /** Hertz. */
  samplingRate: number
  /** Samples between the starts of two windows of a trial; `nSamples` where each trial gives one window. */
  step?: number
  simulated?: boolean
  /** Events that gave no window because the recording ends, or has a gap, inside it. */
  skipped?: number
  /** What was learned from recordings and shaped these windows. */
  fitted?: readonly FittedStatistic[]
  /** Hash of the preprocessing that made them: see `Pipeline.hash`. */
  pipeline?: string | undefined
  /** How the store that they come from keeps samples: `float16` and `int16` round them. Default `float32`. */
  sampleType?: string | undefined
}

/** Windows of one batch. */
export interface WindowBatch {
  /** (windows, channels, samples). */
  data: Float32Array
  /** Class of each window, in the type that losses expect. */
  labels: BigInt64Array
  shape: [windows: number, channels: number, samples: number]
}

/**
 * Labelled windows of EEG with everything that a splitter needs to know about them: subject, session, run, trial and time.
 * Immutable; `data` is volts unless it was standardised.
 */
export class EegWindows {
  /** Where samples are read from; undefined for windows in memory. */
  readonly source: WindowSource | undefined
  readonly origins: readonly WindowOrigin[]
  readonly recordings: readonly WindowRecording[]
  readonly classNames: readonly string[]
  readonly channelNames: readonly string[]
  /** What each channel measures; undefined where nothing but its name is known. */
  readonly channelTypes: readonly ChannelType[] | undefined
  /** Samples of a window. */
  readonly nSamples: number
  readonly samplingRate: number
  readonly step: number
  readonly simulated: boolean
  readonly skipped: number
  /** What was learned from recordings and shaped these windows: splitters refuse to test on what it was learned from. */
  readonly fitted: readonly FittedStatistic[]
  /** Hash of the preprocessing that made them, where a pipeline did. */
  readonly pipeline: string | undefined
  /** How the store that they come from keeps samples: `float16` and `int16` have rounded them. */
  readonly sampleType: string
  /** Class of each window. */
  readonly labels: Int32Array
  readonly #data: Float32Array | undefined

  /** @throws EegTorchError `SHAPE_MISMATCH` if the data do not fit the shape, `INVALID_OPTION` for a label without class or an origin without recording */
  constructor(parts: WindowParts) {
    const { data } = parts
    this.source = 'read' in data ? data : undefined
    this.#data = 'read' in data ? undefined : data
    this.origins = parts.origins
    this.recordings = parts.recordings
    this.classNames = parts.classNames
    this.channelNames = parts.channelNames
    this.channelTypes = parts.channelTypes
    this.nSamples = parts.nSamples
    this.samplingRate = parts.samplingRate
    this.step = parts.step ?? parts.nSamples
    this.simulated = parts.simulated ?? false
    this.skipped = parts.skipped ?? 0
    this.fitted = parts.fitted ?? []
    this.pipeline = parts.pipeline
    this.sampleType = parts.sampleType ?? 'float32'
    this.labels = Int32Array.from(parts.origins, ({ label }) => label)
    this.#check()
  }

  /** Number of windows. */
  get length(): number {
    return this.origins.length
  }

  /**
   * Samples of all windows, (windows, channels, samples). Windows of a store are read into memory, each time that this is asked for.
   *
   * @throws EegTorchError `OUT_OF_MEMORY` where they do not fit
   */
  get data(): Float32Array {
    return this.#data ?? this.#copy(this.labels.map((_, i) => i))
  }

  get nChannels(): number {
    return this.channelNames.length
  }

  /** Seconds of one window. */
  get duration(): number {
    return this.nSamples / this.samplingRate
  }

  /** The recording a window was cut from. */
  recordingOf(index: number): WindowRecording {
    return this.recordings[this.#origin(index).recording]!
  }

  subject(index: number): string | undefined {
    return this.recordingOf(index).subject
  }

  session(index: number): string | undefined {
    return this.recordingOf(index).session
  }

  run(index: number): string | undefined {
    return this.recordingOf(index).run
  }

  /** What was shown or heard in a window, where it is known. */
  stimulus(index: number): string | undefined {
    return this.#origin(index).stimulus
  }

  trial(index: number): number {
    return this.#origin(index).trial
  }

  /** Samples of one window, (channels, samples): a view and not a copy, where they are in memory. */
  window(index: number): Float32Array {
    this.#origin(index)
    if (this.#data === undefined) return this.source!.read(index)
    const size = this.nChannels * this.nSamples
    return this.#data.subarray(index * size, (index + 1) * size)
  }

  /** Some windows, in the order given, copied for a network. */
  batch(indices: ArrayLike<number>): WindowBatch {
    const n = indices.length
    return {
      data: this.#copy(indices),
      labels: BigInt64Array.from({ length: n }, (_, i) => BigInt(this.#origin(indices[i]!).label)),
      shape: [n, this.nChannels, this.nSamples],
    }
  }

  /** Some windows, in the order given, as windows of their own. */
  subset(indices: ArrayLike<number>): EegWindows {
    const origins = Array.from(indices, (index) => this.#origin(index))
    return this.with({ data: this.source?.subset(indices) ?? this.#copy(indices), origins })
  }

  /** The same windows with some parts replaced: standardised data, permuted labels. */
  with(change: Partial<WindowParts>): EegWindows {
    return new EegWindows({ ...this, data: this.#data ?? this.source!, ...change })
  }

  /** Number of windows of each class, of all windows or some. */
  countClasses(indices: ArrayLike<number> = this.labels.map((_, i) => i)): number[] {
    const counts = new Array<number>(this.classNames.length).fill(0)
    for (let i = 0; i < indices.length; i++) counts[this.#origin(indices[i]!).label]!++
    return counts
  }

  #copy(indices: ArrayLike<number>): Float32Array {
    const size = this.nChannels * this.nSamples
    const out = allocate(indices.length * size)
    for (let i = 0; i < indices.length; i++) out.set(this.window(indices[i]!), i * size)
    return out
  }

  #origin(index: number): WindowOrigin {
    const origin = this.origins[index]
    if (origin !== undefined) return origin
    throw new EegTorchError('INVALID_OPTION', 'there is no such window', {
      expected: `a whole number from 0 to ${this.length - 1}`,
      received: String(index),
    })
  }

  #check(): void {
    const shape = [this.length, this.nChannels, this.nSamples]
    const values = this.#data?.length ?? this.source!.length * this.nChannels * this.nSamples
    if (values !== shape.reduce((a, b) => a * b)) {
      throw new EegTorchError('SHAPE_MISMATCH', 'the data of the windows do not fit their shape', {
        expected: `(${shape.join(', ')})`,
        received: `${values} values`,
      })
    }
    const types = this.channelTypes?.length ?? this.nChannels
    if (types !== this.nChannels) {
      throw new EegTorchError('SHAPE_MISMATCH', 'the types of the channels do not fit their names', {
        option: 'channelTypes',
        expected: `${this.nChannels}`,
        received: `${types}`,
      })
    }
    for (const [i, { label, recording }] of this.origins.entries()) {
      if (label in this.classNames && recording in this.recordings) continue
      throw new EegTorchError('INVALID_OPTION', `window ${i} has no class or no recording`, {
        expected: `a class below ${this.classNames.length}, a recording below ${this.recordings.length}`,
        received: `class ${label}, recording ${recording}`,
      })
    }
  }
}

/** A zeroed array, or one clear error where the memory is not there. */
export function allocate(length: number): Float32Array {
  try {
    return new Float32Array(length)
  } catch (cause) {
    const received = `${(length * 4).toLocaleString('en-US')} bytes`
    throw new EegTorchError('OUT_OF_MEMORY', 'the windows do not fit into memory', { received, cause })
  }
}
