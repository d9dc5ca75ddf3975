import type { Recording } from '../recordings/recording.ts'
import type { BandPassOptions } from '../signal/band-pass.ts'
import { cutWindows, type WindowOptions } from './cut-windows.ts'
import type { EegWindows } from './windows.ts'

/** Several recordings, treated alike. Immutable. */
export class Recordings implements Iterable<Recording> {
  readonly #list: readonly Recording[]

  constructor(recordings: Iterable<Recording>) {
    this.#list = [...recordings]
  }

  get length(): number {
    return this.#list.length
  }

  /** One recording by position; negative positions count from the end. */
  at(index: number): Recording | undefined {
    return this.#list.at(index)
  }

  [Symbol.iterator](): Iterator<Recording> {
    return this.#list[Symbol.iterator]()
  }

  /** True if any of them comes from the simulator. */
  get simulated(): boolean {
    return this.#list.some(({ simulated }) => simulated)
  }

  map(change: (recording: Recording) => Recording): Recordings {
    return new Recordings(this.#list.map(change))
  }

  /** The recordings for which `keep` is true. */
  where(keep: (recording: Recording) => boolean): Recordings {
    return new Recordings(this.#list.filter(keep))
  }

  /** Every recording through a zero-phase band-pass: see {@link Recording.filter}. */
  filter(options: BandPassOptions): Recordings {
    return this.map((recording) => recording.filter(options))
  }

  /** Every recording with some of the channels, in the order given. */
  pick(channels: readonly string[]): Recordings {
    return this.map((recording) => recording.pick(channels))
  }

  /** Labelled windows around events: see {@link cutWindows}. */
  windows(options: WindowOptions): Promise<EegWindows> {
    return cutWindows(this.#list, options)
  }
}
