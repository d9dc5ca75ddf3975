import { basename, resolve } from 'node:path'
import type { Position } from '../electrodes.ts'
import { EegTorchError } from '../errors.ts'
import type { BandPassOptions } from '../signal/band-pass.ts'
import { FilteredSource } from './filtered-source.ts'
import { contiguous, type Segment, sampleAt, storedSample, timeOfSample } from './segments.ts'
import { type ChannelRange, readAsync, type SignalSource, type View, viewOf, wholeRanges } from './source.ts'

/** What a channel measures. */
export type ChannelType = 'eeg' | 'eog' | 'ecg' | 'emg' | 'stim' | 'misc'

/** One channel of a recording. */
export interface Channel {
  /** Electrode name: the 10-10 spelling where it is one (`FC5`), else the label as the file has it, unique in the recording. */
  readonly name: string
  /** The label as the file has it, without padding. */
  readonly label: string
  readonly type: ChannelType
  /** Unit of the samples that {@link Recording.read} gives: `V` for everything electric, else the file's own (`degC`), `''` if it names none. */
  readonly unit: string
  /** Hertz; channels of one file may differ. */
  readonly samplingRate: number
  /** What the file says about filters, as it says it. */
  readonly prefilter?: string
  /** Where the file says the sensor is: metres, x to the right ear, y to the nose, z to the vertex. */
  readonly position?: Position
  /** True where the file marks the channel as bad. */
  readonly isBad?: boolean
}

/** Something that happened during a recording. */
export interface RecordingEvent {
  /** Seconds since the first sample. */
  readonly onset: number
  /** Seconds; 0 for a moment. */
  readonly duration: number
  readonly label: string
  /** Sample number at {@link Recording.samplingRate}; -1 where nothing was recorded (before, after, or in a gap). */
  readonly sample: number
  /** What the label stands for, where the data set is known: `both fists`. */
  readonly meaning?: string
  /** What was shown or heard, where it is known and may come again: a picture, a film. */
  readonly stimulus?: string
}

/** Whose recording it is. Anything unknown is absent. */
export interface RecordingMetadata {
  readonly subject?: string
  readonly session?: string
  readonly run?: string
  /** Name of the data set that it belongs to, as {@link openDataset} knows it. */
  readonly dataset?: string
}

/** Which part of a recording to read. */
export interface ReadOptions {
  /** Channel names; default all. */
  channels?: readonly string[]
  /** Seconds since the first sample, included. */
  from?: number
  /** Seconds since the first sample, excluded. */
  to?: number
}

/** Everything a reader (or the simulator) must know to make a {@link Recording}. */
export interface RecordingParts extends RecordingMetadata {
  /** Display name, unique among the recordings of one study: a file's base name. */
  name: string
  file?: string
  /** Files that samples come from, besides `file`; default what the source says. */
  files?: readonly string[]
  /** What tells it from others of the same file, where a file holds several. */
  part?: string
  /** `EDF+C`, ... */
  format: string
  channels: readonly Channel[]
  /** Hertz: the rate of {@link Recording.nSamples} and of event samples. */
  samplingRate: number
  nSamples: number
  events: readonly Omit<RecordingEvent, 'sample'>[]
  source: SignalSource
  /** Gap-free stretches, in order; default one from 0 to the end. */
  segments?: readonly Segment[]
  startTime?: Date
  simulated?: boolean
  /** What a reader had to assume, repair or leave out, one sentence each. */
  warnings?: readonly string[]
}

/**
 * An EEG recording: channels, events and samples. Immutable; samples stay in the file until they are read.
 *
 * Times are seconds since the first sample. A discontinuous recording has several {@link Recording.segments}; nothing is stored
 * in the gaps between them, so `duration * samplingRate` may be more than `nSamples`.
 */
export class Recording {
  readonly name: string
  readonly file: string | undefined
  readonly format: string
  readonly channels: readonly Channel[]
  /** Hertz: the rate that most EEG channels have. */
  readonly samplingRate: number
  /** Stored samples of a channel at {@link samplingRate}. */
  readonly nSamples: number
  /** Seconds from the first sample to the end, gaps included. */
  readonly duration: number
  /** In order of onset. */
  readonly events: readonly RecordingEvent[]
  readonly segments: readonly Segment[]
  readonly subject: string | undefined
  readonly session: string | undefined
  readonly run: string | undefined
  readonly dataset: string | undefined
  readonly startTime: Date | undefined
  /** True for recordings of the simulator and everything derived from them. */
  readonly simulated: boolean
  /** What the reader had to assume, repair or leave out, one sentence each. */
  readonly warnings: readonly string[]
  readonly #source: SignalSource
  readonly #parts: RecordingParts

  constructor(parts: RecordingParts) {
    this.#parts = parts
    this.#source = parts.source
    this.name = parts.name
    this.file = parts.file
    this.format = parts.format
    this.channels = parts.channels
    this.samplingRate = parts.samplingRate
    this.nSamples = parts.nSamples
    this.segments = parts.segments ?? [{ onset: 0, sample: 0, nSamples: parts.nSamples }]
    this.duration = timeOfSample(this.segments, parts.samplingRate, parts.nSamples)
    this.subject = parts.subject
    this.session = parts.session
    this.run = parts.run
    this.dataset = parts.dataset
    this.startTime = parts.startTime
    this.simulated = parts.simulated ?? false
    this.warnings = parts.warnings ?? []
    this.events = locateEvents(parts.events, this.segments, parts.samplingRate)
  }

  /** What tells this recording from every other: the file's full path (and the part of it), or the name where there is no file. */
  get identity(): string {
    const { part } = this.#parts
    return (this.file === undefined ? this.name : resolve(this.file)) + (part === undefined ? '' : `#${part}`)
  }

  /** {@link Recording.file}, and the others that samples come from: the `.eeg` of a BrainVision header, what a FIF file goes on in. */
  get files(): readonly string[] {
    const { file, files, source } = this.#parts
    return [...new Set([...(file === undefined ? [] : [file]), ...(files ?? source.files ?? [])])]
  }

  /**
   * Samples of channels between two times, one array per channel: volts for electric channels (see {@link Channel.unit}).
   * Each channel keeps its own rate. Times outside the recording are cut off; a gap contributes no samples.
   *
   * @throws EegTorchError `UNKNOWN_NAME` for a channel that is not there, `FILE_NOT_FOUND` or `FILE_TRUNCATED` when the file has changed
   */
  read({ channels, from = 0, to = this.duration }: ReadOptions = {}): Float64Array[] {
    if (!(from <= to)) {
      throw new EegTorchError('INVALID_OPTION', 'the time range of read() is empty', {
        option: 'from',
        expected: 'from <= to in seconds',
        received: `${from}..${to}`,
      })
    }
    const indices = channels === undefined ? this.channels.keys() : channels.map((name) => this.channelIndex(name))
    return this.#source.read(
      [...indices].map((channel) => {
        const rate = this.channels[channel]!.samplingRate
        const place = (seconds: number) => storedSample(this.segments, this.samplingRate, rate, seconds)
        return { channel, start: place(from), stop: place(to) }
      }),
    )
  }

  /**
   * Stored samples `start` to `stop` (excluded) of channels that all have the recording's sampling rate: what windows are cut from.
   *
   * @throws EegTorchError `INVALID_OPTION` for a range outside the recording or a channel of another rate
   */
  readSamples(start: number, stop: number, channels: readonly number[] = [...this.channels.keys()]): Float64Array[] {
    if (!(Number.isInteger(start) && Number.isInteger(stop) && start >= 0 && start <= stop && stop <= this.nSamples)) {
      throw new EegTorchError('INVALID_OPTION', `${this.name} has no such samples`, {
        expected: `whole numbers within 0..${this.nSamples}`,
        received: `${start}..${stop}`,
      })
    }
    for (const channel of channels) this.#requireMainRate(channel)
    return this.#source.read(channels.map((channel) => ({ channel, start, stop })))
  }

  /** True if reading a part needs the whole signal first (after a zero-phase filter): {@link load} before many reads. */
  get readsWhole(): boolean {
    return this.#source.compute !== undefined
  }

  /**
   * The recording as the source of another one.
   *
   * @param view with `seek`, the other's ranges are counted at this recording's sampling rate, and channels of another are refused
   * @internal
   */
  asSource({ seek, ...view }: View): SignalSource {
    if (seek === undefined) return viewOf(this.#source, view)
    const checked = (range: ChannelRange) => {
      const found = seek(range)
      this.#requireMainRate(found.channel)
      return found
    }
    return viewOf(this.#source, { ...view, seek: checked })
  }

  /** True if the stored samples `start..stop` lie in one gap-free stretch. */
  isContiguous(start: number, stop: number): boolean {
    return contiguous(this.segments, start, stop)
  }

  /** Position of a channel by its name, or by its label in the file. */
  channelIndex(name: string): number {
    const byName = this.channels.findIndex((channel) => channel.name === name)
    const index = byName >= 0 ? byName : this.channels.findIndex((channel) => channel.label === name)
    if (index >= 0) return index
    throw new EegTorchError('UNKNOWN_NAME', `${this.name} has no channel '${name}'`, {
      expected: `one of ${listNames(this.channels)}`,
      received: name,
    })
  }

  /** A recording of some of the channels, each once, in the order given. */
  pick(channels: readonly string[]): Recording {
    if (channels.length === 0) throw new EegTorchError('INVALID_OPTION', 'pick() needs at least one channel')
    const indices = channels.map((name) => this.channelIndex(name))
    const twice = channels.find((_, i) => indices.indexOf(indices[i]!) < i)
    if (twice !== undefined) {
      const details = { option: 'channels', expected: 'each channel once', received: `${twice} again` }
      throw new EegTorchError('INVALID_OPTION', `${this.name}: a channel cannot be picked twice`, details)
    }
    return this.#with({
      channels: indices.map((index) => this.channels[index]!),
      source: viewOf(this.#source, { seek: (range) => ({ ...range, channel: indices[range.channel]! }) }),
    })
  }

  /**
   * The recording through a zero-phase Butterworth band-pass (see {@link BandPassOptions}) of electric channels; stimulus and other channels
   * pass untouched. A discontinuous recording is filtered stretch by stretch. Nothing is computed yet: {@link load}, windows and pipelines filter on the
   * compute thread. {@link read} of what was not loaded filters whole channels where it is called, in JavaScript, to the same numbers: for a glance
   * at a short recording, or without LibTorch.
   *
   * @throws EegTorchError `INVALID_OPTION` if the band does not fit a channel's sampling rate
   */
  filter(options: BandPassOptions): Recording {
    const source = new FilteredSource(this.#source, this.channels, this.segments, this.samplingRate, options)
    return this.#with({ source })
  }

  /** The same recording with other events; samples are found anew. */
  withEvents(events: readonly Omit<RecordingEvent, 'sample'>[]): Recording {
    return this.#with({ events })
  }

  /** The same recording told whose it is. */
  withMetadata(metadata: RecordingMetadata): Recording {
    return this.#with(metadata)
  }

  /** The same recording with what a table beside the file says about channels, their units and events; number and order of samples stay. */
  describedBy(
    change: Partial<Pick<RecordingParts, 'name' | 'channels' | 'events' | 'warnings' | 'source'>>,
  ): Recording {
    return this.#with(change)
  }

  /** A recording of other samples: whose it is and what happened stay, what is named is replaced. Events are located anew. */
  derive(change: Pick<RecordingParts, 'source' | 'nSamples'> & Partial<RecordingParts>): Recording {
    return this.#with(change)
  }

  /**
   * The whole recording in memory, read while the event loop goes on: the file may go away. What {@link filter} left to do is done, on the
   * compute thread, so that any number of reads costs nothing more.
   *
   * @throws EegTorchError those of {@link read}; for a filtered recording, those of LibTorch where it is missing
   */
  async load(): Promise<Recording> {
    const data = await readAsync(this.#source, wholeRanges(this.channels, this.segments, this.samplingRate))
    return this.#with({
      source: {
        read: (r) => r.map(({ channel, start, stop }) => data[channel]!.slice(start, stop)),
      },
    })
  }

  /** The recording itself, or {@link load}ed where that is what reading piece by piece needs. */
  async ready(): Promise<Recording> {
    return this.readsWhole ? this.load() : this
  }

  #with(change: Partial<RecordingParts>): Recording {
    return new Recording({ ...this.#parts, files: this.files, ...change })
  }

  #requireMainRate(index: number): void {
    const channel = this.channels[index]
    if (channel !== undefined && channel.samplingRate === this.samplingRate) return
    throw new EegTorchError(
      'INVALID_OPTION',
      `${this.name}: channel ${channel?.name ?? index} cannot be read with the others`,
      {
        expected: `${this.samplingRate} Hz`,
        received: channel === undefined ? 'no such channel' : `${channel.samplingRate} Hz`,
      },
    )
  }
}

/** The name by which a file's recording is known: its base name without extension. */
export function recordingName(file: string): string {
  const base = basename(file)
  return base.replace(/\.[^.]+(\.gz)?$/i, '') || base
}

function locateEvents(
  events: RecordingParts['events'],
  segments: readonly Segment[],
  rate: number,
): readonly RecordingEvent[] {
  return events
    .map((event) => ({ ...event, sample: sampleAt(segments, rate, event.onset) }))
    .sort((a, b) => a.onset - b.onset)
}

function listNames(channels: readonly Channel[]): string {
  const names = channels.map((channel) => channel.name)
  return names.length <= 8 ? names.join(', ') : `${names.slice(0, 8).join(', ')} and ${names.length - 8} more`
}
