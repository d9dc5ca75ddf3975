import { z } from 'zod'

/** The course of one training. */
export interface LearningCurve {
  fold: number
  seed: number
  epochs: EpochFigures[]
  /** The epoch whose weights were kept. */
  bestEpoch?: number
}

/** Losses are means over the windows of the part; accuracies are shares of 1. */
export interface EpochFigures {
  /** From 1. */
  epoch: number
  trainLoss: number
  trainAccuracy?: number
  validationLoss?: number
  validationAccuracy?: number
}

/** A count, or a number of something, as files hold it. */
export const whole = z.int().nonnegative()

/** A figure as files hold it: JSON writes null for what is no number. */
export const figure = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN)

/** {@link EpochFigures} in a file. */
export const epochFigures = z.object({
  epoch: z.int().positive(),
  trainLoss: figure,
  trainAccuracy: figure.optional(),
  validationLoss: figure.optional(),
  validationAccuracy: figure.optional(),
})

/** {@link LearningCurve} in a file. */
export const learningCurve = z.object({
  fold: whole,
  seed: whole,
  epochs: z.array(epochFigures),
  bestEpoch: z.int().positive().optional(),
})
