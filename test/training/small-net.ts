import { EegWindows, type Model, manualSeed, models, Random } from 'eegtorch'

const [channels, samples] = [4, 64]

/** Windows of noise in which class 1 has a stronger first channel. */
export function makeWindows(count: number, seed = 0): EegWindows {
  const random = new Random(seed)
  const data = Float32Array.from({ length: count * channels * samples }, () => random.normal())
  for (let i = 1; i < count; i += 2) {
    for (let t = 0; t < samples; t++) data[i * channels * samples + t]! *= 3
  }
  return new EegWindows({
    data,
    origins: Array.from({ length: count }, (_, i) => ({
      recording: 0,
      trial: i + 1,
      onset: i,
      start: i * samples,
      label: i % 2,
    })),
    recordings: [{ name: 'noise', identity: 'noise', subject: undefined, session: undefined, run: undefined }],
    classNames: ['weak', 'strong'],
    channelNames: ['C3', 'Cz', 'C4', 'Pz'],
    nSamples: samples,
    samplingRate: 64,
  })
}

/** A small EEGNet for them, the same every time. */
export function makeNet(options: { nOutputs?: number } = {}): Model<'eegnet'> {
  manualSeed(0)
  return models.eegnet({
    nChans: channels,
    nOutputs: 2,
    nTimes: samples,
    kernelLength: 16,
    F1: 4,
    batchNormMomentum: 0.1,
    ...options,
  })
}
