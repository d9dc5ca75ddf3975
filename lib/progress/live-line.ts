import type { EventEmitter } from 'node:events'

/** What a line of progress needs of a stream; `process.stderr` is one. */
export interface ProgressStream {
  isTTY?: boolean
  columns?: number
  write(text: string): unknown
}

export interface LiveLineOptions {
  /** `process.stderr` by default, which keeps standard output for results. */
  stream?: ProgressStream
  /** Clock in milliseconds, for tests. */
  now?: () => number
  /** Milliseconds between lines where they cannot be overwritten: in a log or a pipe. Default 15 s. */
  sparse?: number
}

const REDRAW_MS = 80
const SPARSE_MS = 15_000
/** Characters of a line in a log. */
const LOG_WIDTH = 120

/**
 * One line that changes on a terminal, and a line now and then anywhere else (log files, CI). A stream that fails is left alone: showing progress
 * never ends a run.
 */
export class LiveLine implements Disposable {
  readonly #stream: ProgressStream
  readonly #now: () => number
  readonly #live: boolean
  readonly #wait: number
  readonly #onError = () => this.#stop()
  #stopped = false
  #drawnAt = Number.NEGATIVE_INFINITY
  #shown = ''

  constructor({ stream = process.stderr, now = () => performance.now(), sparse = SPARSE_MS }: LiveLineOptions = {}) {
    this.#stream = stream
    this.#now = now
    this.#live = stream.isTTY === true
    this.#wait = this.#live ? REDRAW_MS : sparse
    emitter(stream)?.on('error', this.#onError)
  }

  /**
   * Shows a line when it is time to, or `must` be; the same line is shown once.
   *
   * @param line of at most `width` characters
   */
  show(line: (width: number) => string, must = false): void {
    const now = this.#now()
    if (now - this.#drawnAt < this.#wait && !must) return
    const width = this.#live ? Math.max(1, (this.#stream.columns ?? 80) - 1) : LOG_WIDTH
    const text = line(width)
    if (text === this.#shown) return
    this.#drawnAt = now
    this.#shown = text
    this.#write(this.#live ? `\r${text}\u001b[K` : `${text}\n`)
  }

  /** Prints a line that stays, above the live one. */
  print(line: string): void {
    this.#write(this.#live ? `\r\u001b[K${line}\n${this.#shown}` : `${line}\n`)
  }

  /** Removes the live line and lets the stream go. */
  close(): void {
    if (this.#live && this.#shown !== '') this.#write('\r\u001b[K')
    this.#stop()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #write(text: string): void {
    if (this.#stopped) return
    try {
      this.#stream.write(text)
    } catch {
      this.#stop()
    }
  }

  #stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    // A stream reports what went wrong after the call, so the listener has to outlive the last write.
    setImmediate(() => emitter(this.#stream)?.off('error', this.#onError))
  }
}

/** A bar in eighths of a character. */
export function drawBar(share: number, width: number): string {
  const eighths = Math.round(Math.max(0, Math.min(1, share || 0)) * width * 8)
  const part = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths % 8]!
  return ('█'.repeat(Math.floor(eighths / 8)) + part).padEnd(width)
}

function emitter(stream: ProgressStream): EventEmitter | undefined {
  return 'on' in stream && 'off' in stream ? (stream as unknown as EventEmitter) : undefined
}
