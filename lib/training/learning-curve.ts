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
