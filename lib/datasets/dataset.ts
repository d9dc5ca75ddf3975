import type { RemoteFile } from '../files/download/options.ts'
import type { Recording } from '../recordings/recording.ts'
import type { DatasetCard } from './card.ts'
import type { WindowOptions } from './cut-windows.ts'
import type { Recordings } from './recordings.ts'
import type { Task } from './task.ts'
import type { EegWindows } from './windows.ts'

/** A range of seconds, or of hertz. */
export type Range = readonly [from: number, to: number]

/** What a reader of a data set may be asked for. */
export interface OpenOptions {
  /** Subjects as their recordings name them; default all that are there. */
  subjects?: readonly string[]
}

/** Which subjects to open. */
export interface Wanted {
  /** True where nobody named any: all of them, but those that are left out by custom. */
  readonly isAll: boolean
  has(subject: string): boolean
}

/** A data set that the package knows by name. */
export interface KnownDataset {
  readonly card: DatasetCard
  /** What may be decoded; the first is the usual one. */
  readonly tasks: readonly Task[]
  /** Seconds about the cue that its documents take. */
  readonly window: Range
  /** Hertz that its documents keep. */
  readonly band?: Range
  /** Opens what is in a folder. @throws EegTorchError `FILE_NOT_FOUND` where nothing of it is there */
  open(folder: string, wanted: Wanted): Promise<Recording[]>
  /** Where its files are, by the official host's own lists; absent where no program may fetch them. */
  readonly remote?: RemoteDataset
}

/** Files of a data set on the official host. */
export interface RemoteDataset {
  /** Names of its subjects on the host. */
  readonly subjects: readonly string[]
  /** Bytes in all, about, to show while the host has not been asked. */
  readonly bytes: number
  /** How a wrong file is known: `SHA-256 published by the host`. */
  readonly checksums: string
  /**
   * Files of some subjects. `read` fetches a small text of the host, for hosts that publish lists.
   */
  files(subjects: readonly string[], read: (url: string) => Promise<string>): Promise<RemoteFile[]>
}

/** An opened data set. */
export class Dataset {
  readonly name: string
  readonly card: DatasetCard
  readonly recordings: Recordings
  readonly tasks: readonly Task[]
  /** Seconds about the cue that {@link windows} takes by default. */
  readonly window: Range
  /** Hertz that the data set's documents keep; recordings come unfiltered. */
  readonly band: Range | undefined

  constructor(known: Pick<KnownDataset, 'card' | 'tasks' | 'window' | 'band'>, recordings: Recordings) {
    this.name = known.card.name
    this.card = known.card
    this.tasks = known.tasks
    this.window = known.window
    this.band = known.band
    this.recordings = recordings
  }

  /** What readers had to assume, or miss, one sentence each. */
  get warnings(): string[] {
    return [...new Set([...this.recordings].flatMap(({ warnings }) => warnings))]
  }

  /** Labelled windows; what is not said is as the data set's documents have it. See {@link cutWindows}. */
  windows(options: Partial<WindowOptions> = {}): Promise<EegWindows> {
    return this.recordings.windows({ from: this.window[0], to: this.window[1], ...options })
  }
}
