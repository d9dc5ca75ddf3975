import type { EventEmitter } from 'node:events'

/** Where training stands. Counts are from 1; what a run has only one of is left out of the line. */
export interface ProgressState {
  fold?: number
  seed?: number
  /** Epochs done in the present training. */
  epoch: number
  /** Steps done of the epoch under way, with `steps` in all; they move the bar between epochs. */
  step?: number
  steps?: number
  loss?: number
  /** Validation accuracy, 0 .. 1. */
  validation?: number
}

/** How much a run has to do. */
export interface ProgressTotals {
  folds?: number
  seeds?: number
  epochs: number
}

/** What a progress bar needs of a stream; `process.stderr` is one. */
export interface ProgressStream {
  isTTY?: boolean
  columns?: number
  write(text: string): unknown
}

export interface ProgressOptions {
  /** `process.stderr` by default, which keeps standard output for results. */
  stream?: ProgressStream
  /** Clock in milliseconds, for tests. */
  now?: () => number
}

const REDRAW_MS = 80
const SPARSE_MS = 15_000

/**
 * Shows the course of a training: one live line on a terminal, a line now and then anywhere else (log files, CI). A stream
 * that fails is left alone: showing progress never ends a run.
 */
export class ProgressBar {
  readonly #totals: ProgressTotals
  readonly #stream: ProgressStream
  readonly #now: () => number
  readonly #live: boolean
  readonly #onError = () => this.#stop()
  readonly #pace: Pace
  #stopped = false
  #drawnAt = Number.NEGATIVE_INFINITY
  #shown = ''

  constructor(
    totals: ProgressTotals,
    { stream = process.stderr, now = () => performance.now() }: ProgressOptions = {},
  ) {
    this.#totals = totals
    this.#stream = stream
    this.#now = now
    this.#live = stream.isTTY === true
    this.#pace = new Pace(totals)
    emitter(stream)?.on('error', this.#onError)
  }

  /** Takes the new state and redraws when it is time to. */
  update(state: ProgressState): void {
    const now = this.#now()
    this.#pace.update(state, now)
    const trainingEnds = state.epoch >= this.#totals.epochs
    const wait = this.#live ? REDRAW_MS : SPARSE_MS
    if (now - this.#drawnAt < wait && !trainingEnds) return
    const width = this.#live ? Math.max(1, (this.#stream.columns ?? 80) - 1) : 120
    const line = formatProgress(state, this.#totals, this.#pace.read(), width)
    if (line === this.#shown) return
    this.#drawnAt = now
    this.#shown = line
    this.#write(this.#live ? `\r${line}\u001b[K` : `${line}\n`)
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

/** Measured speed. */
export interface ProgressPace {
  secondsPerEpoch?: number
  secondsLeft?: number
}

/** Follows how long epochs take; recent ones weigh more, so that a machine which slows down is noticed. */
class Pace {
  readonly #totals: ProgressTotals
  #done = 0
  #epochs = 0
  #since: number | undefined
  #seconds: number | undefined

  constructor(totals: ProgressTotals) {
    this.#totals = totals
  }

  update({ fold = 1, seed = 1, epoch }: ProgressState, now: number): void {
    const { folds = 1, seeds = 1, epochs } = this.#totals
    const training = (fold - 1) * seeds + (seed - 1)
    const done = training * epochs + epoch
    if (done !== this.#done && this.#since !== undefined) {
      const before = Math.floor(this.#done / epochs) === training ? this.#done - training * epochs : 0
      const seconds = (now - this.#since) / 1000 / Math.max(1, epoch - before)
      this.#seconds = this.#seconds === undefined ? seconds : 0.7 * this.#seconds + 0.3 * seconds
    }
    if (done !== this.#done || this.#since === undefined) this.#since = now
    this.#done = done
    this.#epochs = folds * seeds * epochs
  }

  read(): ProgressPace {
    if (this.#seconds === undefined) return {}
    return { secondsPerEpoch: this.#seconds, secondsLeft: this.#seconds * (this.#epochs - this.#done) }
  }
}

/** The line, at most `width` characters: the bar shrinks first, then what matters least goes, from the right. */
export function formatProgress(
  state: ProgressState,
  totals: ProgressTotals,
  { secondsPerEpoch, secondsLeft }: ProgressPace,
  width: number,
): string {
  const head = [
    count('fold', state.fold, totals.folds),
    count('seed', state.seed, totals.seeds),
    `epoch ${state.epoch}/${totals.epochs}`,
  ].filter((part) => part !== undefined)
  const tail = [
    state.loss !== undefined && `loss ${state.loss.toFixed(3)}`,
    state.validation !== undefined && `val ${state.validation.toFixed(2)}`,
    secondsPerEpoch !== undefined && `${formatSeconds(secondsPerEpoch)}/epoch`,
    secondsLeft !== undefined && `eta ${formatClock(secondsLeft)}`,
  ].filter((part) => part !== false)
  const started = Math.min(state.epoch + (state.step ?? 0) / (state.steps ?? 1), totals.epochs)
  for (const bar of [20, 14, 8, 0]) {
    const line = [...head, ...(bar > 0 ? [drawBar(started / totals.epochs, bar)] : []), ...tail].join('  ')
    if (line.length <= width) return line
  }
  while (tail.length > 0 && [...head, ...tail].join('  ').length > width) tail.pop()
  return [...head, ...tail].join('  ').slice(0, width)
}

/** A bar in eighths of a character. */
function drawBar(share: number, width: number): string {
  const eighths = Math.round(Math.max(0, Math.min(1, share || 0)) * width * 8)
  const part = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths % 8]!
  return ('█'.repeat(Math.floor(eighths / 8)) + part).padEnd(width)
}

function count(name: string, value: number | undefined, total = 1): string | undefined {
  return value === undefined || total === 1 ? undefined : `${name} ${value}/${total}`
}

function formatSeconds(seconds: number): string {
  if (seconds < 0.0995) return `${Math.round(seconds * 1000)} ms`
  return `${seconds.toFixed(seconds < 9.95 ? 1 : 0)} s`
}

/** `1:12`, or `2:01:12` from an hour on. */
export function formatClock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  const [hours, minutes, rest] = [
    Math.floor(whole / 3600),
    Math.floor(whole / 60) % 60,
    String(whole % 60).padStart(2, '0'),
  ]
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`
}

function emitter(stream: ProgressStream): EventEmitter | undefined {
  return 'on' in stream && 'off' in stream ? (stream as unknown as EventEmitter) : undefined
}
