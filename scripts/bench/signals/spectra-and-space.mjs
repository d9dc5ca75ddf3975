// Spectra and operations across channels, as the benchmark times them; spectra_and_space.py does the same with MNE and SciPy.

/** 64 places on the upper half of a head of 0.095 m, by the golden angle. */
const positions = Array.from({ length: 64 }, (_, i) => {
  const height = 1 - i / 64
  const [angle, radius] = [i * Math.PI * (3 - Math.sqrt(5)), Math.sqrt(1 - height * height)]
  return [0.095 * radius * Math.cos(angle), 0.095 * radius * Math.sin(angle), 0.095 * height]
})

export const actions = [
  ...['welch', 'band power', 'multitaper', 'morlet power', 'stft', 'average reference', 'current source density'],
  ...['interpolate bad channels', 'topography', 'signal-space projection', 'bad channels', 'euclidean alignment'],
  ...['epochs with baseline', 'peak-to-peak rejection'],
]

const everyTenth = { frequencies: [8, 12, 20, 30], decimation: 10 }
const bands = [
  [4, 8],
  [8, 13],
  [13, 30],
]

/** Actions on `x`, (64, samples) in volts, by name. Each gives what it made, which the caller disposes of. */
export function spectraAndSpace({ asyncSignal, fixedLengthEvents }, x, samplingRate) {
  const segments = { samplingRate, segment: 2048 }
  const seconds = fixedLengthEvents(x.shape[1], { samplingRate })
  const epochs = { samplingRate, tmin: 0, tmax: 1 - 1 / samplingRate, baseline: [0, 0.2] }
  const trials = () => x.view([64, seconds.length, samplingRate]).transpose(0, 1)
  return {
    welch: async () => (await asyncSignal.welch(x, segments)).power,
    'band power': () => asyncSignal.bandPower(x, { ...segments, bands }),
    multitaper: async () => (await asyncSignal.mneMultitaper(x, { samplingRate, range: [0, 100] })).power,
    'morlet power': () => asyncSignal.mneMorlet(x, { samplingRate, ...everyTenth }),
    stft: async () => (await asyncSignal.stft(x, { ...segments, overlap: 0 })).spectrum,
    'average reference': () => asyncSignal.rereference(x),
    'current source density': () => asyncSignal.currentSourceDensity(x, positions),
    'interpolate bad channels': () => asyncSignal.interpolateChannels(x, [5, 40], positions),
    topography: () => asyncSignal.topography(x.narrow(1, 0, 600).t(), positions),
    'signal-space projection': async () => {
      const { directions } = await asyncSignal.powerDirections(x, 2)
      return asyncSignal.projectOut(x, directions)
    },
    'bad channels': () => asyncSignal.badChannels(x, { samplingRate }),
    'euclidean alignment': async () => (await asyncSignal.euclideanAlignment(trials())).aligned,
    'epochs with baseline': async () => (await asyncSignal.mneEpochs(x, seconds, epochs)).data,
    'peak-to-peak rejection': () => asyncSignal.keepQuiet(trials(), 1),
  }
}
