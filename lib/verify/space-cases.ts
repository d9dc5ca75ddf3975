import { tensor } from '../creation.ts'
import type { NamedTensors } from '../models/model.ts'
import { fixedLengthEvents } from '../signal/epochs.ts'
import { asyncSignal } from '../signal/index.ts'
import type { Tensor } from '../tensor.ts'
import type { SignalCase } from './signal-case.ts'

const numbers = (values: Iterable<number>): Tensor => tensor(Float64Array.from(values))

async function findBad(x: Tensor, samplingRate: number): Promise<NamedTensors> {
  const { flat, measures } = await asyncSignal.badChannels(x, { samplingRate })
  return {
    flat: numbers(measures.deviation.map((_, i) => Number(flat.includes(i)))),
    deviation: numbers(measures.deviation),
    noise: numbers(measures.noise),
    uncorrelated: numbers(measures.uncorrelated),
    dropout: numbers(measures.dropout),
  }
}

/** What answers the cases of operations across channels and on epochs. */
export const spaceCases: Record<string, SignalCase> = {
  rereference: async (x, { channels }) => ({ y: await asyncSignal.rereference(x, channels) }),
  bipolar: async (x, { pairs }) => ({ y: await asyncSignal.bipolar(x, pairs) }),
  current_source_density: async (x, { positions, sphere, lambda2, stiffness, n_legendre_terms }) => ({
    y: await asyncSignal.currentSourceDensity(x, positions, {
      ...{ origin: sphere.slice(0, 3), radius: sphere[3], regularization: lambda2, stiffness, terms: n_legendre_terms },
    }),
  }),
  interpolate_bads: async (x, { positions, bads, origin }) => ({
    y: await asyncSignal.interpolateChannels(x, bads, positions, { origin }),
  }),
  topography: async (x, { positions, rows, columns, outside }) => ({
    images: await asyncSignal.topography(x.t(), positions, { size: [rows, columns], outside }),
  }),
  ssp: async (x, { fs, duration, n_eeg }) => {
    const epoch = Math.round(duration * fs)
    const whole = Math.floor(x.shape[1]! / epoch) * epoch
    const { directions, shares } = await asyncSignal.powerDirections(x.narrow(1, 0, whole), n_eeg)
    return { vectors: directions, explained: shares, y: await asyncSignal.projectOut(x, directions) }
  },
  euclidean_alignment: async (x) => {
    const { aligned, reference } = await asyncSignal.euclideanAlignment(x)
    return { y: aligned, reference }
  },
  euclidean_causal: async (x, { calibration }) => {
    const mode = calibration === 0 ? 'running' : 'calibration'
    const { aligned, reference } = await asyncSignal.euclideanAlignment(x, { mode, calibration })
    return { y: aligned, reference }
  },
  mne_epochs: async (x, { fs, events, tmin, tmax, baseline }) => {
    const { data, kept } = await asyncSignal.mneEpochs(x, events, { samplingRate: fs, tmin, tmax, baseline })
    return { y: data, kept: numbers(kept) }
  },
  mne_fixed_length: async (x, { fs, start, stop, duration, overlap }) => ({
    samples: numbers(
      fixedLengthEvents(x.shape[1]!, { samplingRate: fs, start, stop: stop ?? undefined, duration, overlap }),
    ),
  }),
  bad_channels: async (x, { fs }) => findBad(x, fs),
  reject_peak_to_peak: async (x, { folds }) => {
    const threshold = await asyncSignal.peakToPeakThreshold(x, { folds })
    return { threshold: numbers([threshold]), kept: numbers(await asyncSignal.keepQuiet(x, threshold)) }
  },
}
