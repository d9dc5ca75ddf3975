import { defined } from '../defined.ts'
import { drawBar, LiveLine, type LiveLineOptions } from './live-line.ts'

export type { ProgressStream } from './live-line.ts'

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

/** Where {@link ProgressBar} draws, and by which clock. */
export type ProgressOptions = Pick<LiveLineOptions, 'stream' | 'now'>

/** Shows the course of a training: one live line on a terminal, a line now and then anywhere else (log files, CI). */
export class ProgressBar implements Disposable {
  readonly #totals: ProgressTotals
  readonly #now: () => number
  readonly #line: LiveLine
  readonly #pace: Pace

  constructor(totals: ProgressTotals, { stream, now = () => performance.now() }: ProgressOptions = {}) {
    this.#totals = totals
    this.#now = now
    this.#line = new LiveLine({ now, ...defined({ stream }) })
    this.#pace = new Pace(totals)
  }

  /** Takes the new state and redraws when it is time to. */
  update(state: ProgressState): void {
    this.#pace.update(state, this.#now())
    const line = (width: number) => formatProgress(state, this.#totals, this.#pace.read(), width)
    this.#line.show(line, state.epoch >= this.#totals.epochs)
  }

  /** Prints a line that stays, above the live one. */
  print(line: string): void {
    this.#line.print(line)
  }

  /** Removes the live line and lets the stream go. */
  close(): void {
    this.#line.close()
  }

  [Symbol.dispose](): void {
    this.close()
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
