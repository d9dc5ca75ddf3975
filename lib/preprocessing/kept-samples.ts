import { rowOf, type SignalBlock } from './block.ts'

/** The last samples of a stream, by their numbers. Adding a sample copies nothing most of the time. */
export class KeptSamples {
  readonly #channels: number
  #rows: Float64Array[]
  /** Where in the rows the first kept sample is, and the place after the last. */
  #head = 0
  #tail = 0
  #dropped = 0

  constructor(channels: number) {
    this.#channels = channels
    this.#rows = this.#allocate(256)
  }

  /** Number of the first sample that is kept. */
  get start(): number {
    return this.#dropped
  }

  /** Number of the sample after the last. */
  get end(): number {
    return this.#dropped + this.#tail - this.#head
  }

  add(block: SignalBlock): void {
    if (this.#tail + block.samples > this.#rows[0]!.length) this.#makeRoom(block.samples)
    for (const [channel, row] of this.#rows.entries()) row.set(rowOf(block, 0, channel), this.#tail)
    this.#tail += block.samples
  }

  /** Forgets the samples before a number. */
  dropBefore(number: number): void {
    const count = Math.min(number - this.#dropped, this.#tail - this.#head)
    if (count <= 0) return
    this.#head += count
    this.#dropped += count
  }

  copy(channel: number): Float64Array {
    return this.#rows[channel]!.slice(this.#head, this.#tail)
  }

  /** Moves what is kept to the front, of larger rows where half of them is full. */
  #makeRoom(more: number): void {
    const kept = this.#tail - this.#head
    const rows = this.#allocate(Math.max(this.#rows[0]!.length, 2 * (kept + more)))
    for (const [channel, row] of rows.entries()) row.set(this.copy(channel))
    this.#rows = rows
    this.#head = 0
    this.#tail = kept
  }

  #allocate(length: number): Float64Array[] {
    return Array.from({ length: this.#channels }, () => new Float64Array(length))
  }
}
