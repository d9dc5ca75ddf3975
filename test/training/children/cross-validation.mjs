// Cross-validates a small network in a run folder, saving its state at every step; says each step on standard output.
const [, , entry, folder] = process.argv
const { augment, crossValidate, models, RunFolder, setNumThreads, simulateMotorImagery } = await import(entry)

await setNumThreads(1)
const windows = await simulateMotorImagery({ subjects: 1, runs: 2, trials: 6, samplingRate: 64 }).windows({
  from: 0,
  to: 1,
})
const store = await RunFolder.create(folder, { everySteps: 1 })
await crossValidate(models.eegnet, windows, {
  leaveOut: 'run',
  seeds: 2,
  validation: 0.25,
  epochs: 4,
  batchSize: 4,
  model: { kernelLength: 16, F1: 4 },
  earlyStopping: { patience: 3 },
  augmentations: [
    augment.timeReverse(),
    augment.ftSurrogate(),
    augment.bandstopFilter(),
    augment.mixup({ alpha: 0.4 }),
  ],
  ema: 0.9,
  baselines: false,
  store,
  onProgress: (place, { figures, epoch, step }) => {
    if (figures) store.logEpoch(place, figures)
    process.stdout.write(`training ${place.index} epoch ${epoch} step ${step}\n`)
  },
})
store.close()
process.stdout.write('finished\n')
