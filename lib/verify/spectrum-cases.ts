import { tensor } from '../creation.ts'
import { ops } from '../ops/index.ts'
import { asyncSignal } from '../signal/index.ts'
import type { PowerSpectrum, Spectrogram } from '../signal/spectra.ts'
import type { Tensor } from '../tensor.ts'
import type { SignalCase } from './signal-case.ts'

const spectrumOf = ({ power, frequencies }: PowerSpectrum) => ({ psd: power, f: tensor(frequencies) })
const spectrogramOf = ({ times, ...spectrum }: Spectrogram) => ({ ...spectrumOf(spectrum), t: tensor(times) })

/** What answers the cases of spectra. */
export const spectrumCases: Record<string, SignalCase> = {
  welch: async (x, { fs, nperseg }) => spectrumOf(await asyncSignal.welch(x, { samplingRate: fs, segment: nperseg })),
  mne_welch: async (x, { fs, n_fft, n_per_seg, n_overlap, average, fmin, fmax }) =>
    spectrumOf(
      await asyncSignal.mneWelch(x, {
        ...{ samplingRate: fs, segment: n_per_seg, overlap: n_overlap, nFft: n_fft, average, range: [fmin, fmax] },
      }),
    ),
  spectrogram: async (x, { fs, nperseg, noverlap }) =>
    spectrogramOf(await asyncSignal.spectrogram(x, { samplingRate: fs, segment: nperseg, overlap: noverlap })),
  stft: async (x, { fs, nperseg, noverlap }) => {
    const result = await asyncSignal.stft(x, { samplingRate: fs, segment: nperseg, overlap: noverlap })
    const { real, imag } = parts(result.spectrum)
    return { f: tensor(result.frequencies), t: tensor(result.times), 'z.real': real, 'z.imag': imag }
  },
  torch_stft: async (x, { n_fft, hop }) => {
    const { real, imag } = parts(await asyncSignal.torchStft(x, { nFft: n_fft, hop }))
    return { 'z.real': real, 'z.imag': imag }
  },
  mne_multitaper: async (x, { fs, bandwidth, adaptive, low_bias, normalization, fmin, fmax }) =>
    spectrumOf(
      await asyncSignal.mneMultitaper(x, {
        ...{ samplingRate: fs, bandwidth: bandwidth ?? undefined, adaptive, lowBias: low_bias },
        ...{ normalization, range: [fmin, fmax] },
      }),
    ),
  mne_morlet: async (x, { fs, freqs, n_cycles, zero_mean, decim, output }) => {
    const y = await asyncSignal.mneMorlet(x, {
      ...{ samplingRate: fs, frequencies: freqs, cycles: n_cycles, zeroMean: zero_mean, decimation: decim, output },
    })
    if (output === 'power') return { y }
    const { real, imag } = parts(y)
    return { 'y.real': real, 'y.imag': imag }
  },
  band_power: async (x, { fs, nperseg, bands, relative }) => ({
    power: await asyncSignal.bandPower(x, { samplingRate: fs, segment: nperseg, bands, relative }),
  }),
}

function parts(complex: Tensor): { real: Tensor; imag: Tensor } {
  const both = ops.aten.view_as_real(complex)
  return { real: both.select(-1, 0), imag: both.select(-1, 1) }
}
