/** Epochs of a phase, and its learning rate. */
export interface Phase {
  epochs: number
  lr: number
}

/** The two phases of a training, of numbers as configurations and presets tell them: `epochs` are all of them. */
export function phasesOf({
  warmupEpochs,
  warmupLr,
  epochs,
  lr,
}: Record<'warmupEpochs' | 'warmupLr' | 'epochs' | 'lr', number>): { warmUp: Phase; joint: Phase } {
  return { warmUp: { epochs: warmupEpochs, lr: warmupLr }, joint: { epochs: epochs - warmupEpochs, lr } }
}
