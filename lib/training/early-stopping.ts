import { EegTorchError } from '../errors.ts'
import type { EpochFigures } from './learning-curve.ts'

/** When to stop before the last epoch. Decided on validation data only. */
export interface EarlyStoppingOptions {
  /** Epochs without improvement (see {@link BestEpochOptions}) after which training stops. */
  patience: number
}

/** What makes an epoch better than those before it: of the best one the weights are kept, and early stopping waits for a better one. */
export interface BestEpochOptions {
  /** The figure of the validation data that must improve; default `loss`. */
  monitor?: 'loss' | 'accuracy'
  /** By how much, at least; default 0. */
  minDelta?: number
}

/** The best epoch so far; plain data, part of a training's state. */
export interface BestEpoch {
  /** From 1. */
  epoch: number
  /** Greater is better. */
  score: number
}

/** Validation score of an epoch, greater is better. */
export function scoreEpoch(figures: EpochFigures, monitor: 'loss' | 'accuracy' = 'loss'): number {
  const value = monitor === 'accuracy' ? figures.validationAccuracy : figures.validationLoss
  if (value === undefined) {
    throw new EegTorchError('INVALID_OPTION', `there is no validation ${monitor} to choose an epoch by`, {
      option: 'monitor',
      expected: 'validation data and a loss that gives this figure',
      received: 'none',
    })
  }
  return monitor === 'accuracy' ? value : -value
}

/** Whether an epoch is better than the best before it. */
export function improves(score: number, best: BestEpoch | undefined, minDelta = 0): boolean {
  return best === undefined ? !Number.isNaN(score) : score > best.score + minDelta
}

/** Whether training has gone on for too long without improvement. */
export function isStale(epoch: number, best: BestEpoch | undefined, { patience }: EarlyStoppingOptions): boolean {
  return epoch - (best?.epoch ?? 0) >= patience
}

/** @throws EegTorchError `INVALID_OPTION` */
export function checkBestEpoch(
  { monitor, minDelta = 0, earlyStopping }: BestEpochOptions & { earlyStopping?: EarlyStoppingOptions | undefined },
  hasValidation: boolean,
): void {
  if (earlyStopping && !hasValidation) throw nothingToDecideBy('earlyStopping', 'early stopping')
  if (monitor === 'accuracy' && !hasValidation) throw nothingToDecideBy('monitor', 'the choice of an epoch')
  if (!(minDelta >= 0)) throw unusable('minDelta', '0 or more', minDelta)
  if (earlyStopping === undefined) return
  const { patience, ...others } = earlyStopping
  if (!(Number.isInteger(patience) && patience >= 1)) {
    throw unusable('earlyStopping', 'a patience of 1 or more epochs', `patience ${patience}`)
  }
  const [misplaced] = Object.entries(others).find(([, value]) => value !== undefined) ?? []
  if (misplaced !== undefined) throw unusable('earlyStopping', `${misplaced} beside it, not in it`, misplaced)
}

function nothingToDecideBy(option: string, what: string): EegTorchError {
  return new EegTorchError('INVALID_OPTION', `${what} has nothing to decide by`, {
    option,
    expected: 'validation data beside it',
    received: 'none',
  })
}

function unusable(option: string, expected: string, received: unknown): EegTorchError {
  return new EegTorchError('INVALID_OPTION', `${option} is not usable`, {
    option,
    expected,
    received: String(received),
  })
}
