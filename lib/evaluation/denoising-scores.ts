/** Decibels gained over held-out windows: the mean of all, and the deviation between folds. */
export interface Gain {
  mean: number
  deviation: number
}

/** What one way of denoising gains. */
export interface DenoiseScore {
  name: string
  /** In images: log power. */
  images: Gain
  /** In signals; images keep the phase of the noisy signal. */
  signals: Gain
  /** Share of the variance of clean held-out windows, about the training mean, that the estimate explains. */
  explained: { images: number; signals: number }
}

/** What a fold's first test window looks like: volts (channels, samples), and images (channels, rows, columns), in rows one after the other. */
export interface DenoisedExample {
  name: string
  signals: Record<'clean' | 'noisy' | 'denoised', number[]>
  images: Record<'clean' | 'noisy' | 'denoised', number[]>
}

/** What denoising held-out windows came to. */
export interface DenoiseResult {
  /** Decibels of the noisy signal. */
  snr: number
  windows: number
  folds: string[]
  /** Of the images. */
  size: readonly [rows: number, columns: number]
  scores: DenoiseScore[]
  examples: DenoisedExample[]
}
