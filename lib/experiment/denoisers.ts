import { cat } from '../creation.ts'
import { defined } from '../defined.ts'
import { scope } from '../memory.ts'
import { models } from '../models/models.ts'
import { ops } from '../ops/index.ts'
import { fitAdversarial, reconstructImages } from '../regimes/adversarial.ts'
import type { EegImages } from '../regimes/eeg-images.ts'
import { fitVariational, reconstructWindows } from '../regimes/variational.ts'
import { manualSeed } from '../runtime.ts'
import type { Tensor } from '../tensor.ts'
import type { LoopOptions } from '../training/fit.ts'
import { optim } from '../training/options.ts'

/** Signals of the training part: (windows, channels, samples); `noisy` may hold several copies of all windows, one after the other. */
export interface TrainingSignals {
  clean: Tensor
  noisy: Tensor
}

/** How a denoiser that is trained is made and trained. */
export interface DenoiserOptions extends LoopOptions {
  lr?: number | undefined
  /** How much fooling the discriminator of `aae` counts. */
  adversarialWeight?: number | undefined
  latentDim?: number | undefined
  /** Filters of the first convolution of `aae`. */
  width?: number | undefined
  /** Width of the hidden layers of `vae`. */
  hiddenDim?: number | undefined
}

/** What a denoiser makes of signals: of which kind its estimate is, the other kind follows. */
export interface Estimate {
  images?: Tensor
  signals?: Tensor
}

/** Learned; gives the estimate of clean EEG from signals. */
export type Denoiser = (signals: Tensor) => Promise<Estimate>

/** Learns to give clean EEG for noisy EEG. */
export type LearnDenoiser = (
  training: TrainingSignals,
  images: EegImages,
  options: DenoiserOptions,
) => Promise<Denoiser>

/** Each training pair: the clean windows again for every copy. */
function pairs({ clean, noisy }: TrainingSignals): { inputs: Tensor; targets: Tensor } {
  const copies = noisy.shape[0]! / clean.shape[0]!
  return { inputs: noisy, targets: cat(new Array<Tensor>(copies).fill(clean), 0) }
}

/** The adversarial autoencoder, on images. */
const adversarial: LearnDenoiser = async (training, images, { hiddenDim: _, ...options }) => {
  const { lr, adversarialWeight, latentDim, width, ...loop } = options
  manualSeed(loop.seed ?? 0)
  const shared = defined({ imageSize: images.size, latentDim, width })
  const nets = {
    encoder: models.aaeEncoder({ ...shared, inChans: training.clean.shape[1]! }),
    decoder: models.aaeDecoder({ ...shared, outChans: training.clean.shape[1]! }),
    discriminator: models.aaeDiscriminator(defined({ latentDim })),
  }
  const { inputs, targets } = pairs(training)
  const set = { inputs: images.draw(inputs), targets: images.draw(targets) }
  await fitAdversarial(nets, set, { ...loop, ...defined({ lr, adversarialWeight }) })
  return async (signals) => ({ images: await reconstructImages(nets, images.draw(signals)) })
}

/** The variational autoencoder, on signals in units of each channel's deviation. */
const variational: LearnDenoiser = async (training, _, { width: __, adversarialWeight: ___, ...options }) => {
  const { lr = 1e-3, latentDim, hiddenDim, ...loop } = options
  manualSeed(loop.seed ?? 0)
  const [, nChans, nTimes] = training.clean.shape as [number, number, number]
  const vae = models.vae({ nChans, nTimes, ...defined({ latentDim, hiddenDim }) })
  const scale = deviations(training.clean)
  const { inputs, targets } = pairs(training)
  await fitVariational(
    vae,
    { inputs: inputs.div(scale), targets: targets.div(scale) },
    { ...loop, optimizer: optim.adam({ lr }) },
  )
  return async (signals) => ({ signals: (await reconstructWindows(vae, signals.div(scale))).mul(scale) })
}

/** Deviations up to this part of the largest value are what float32 makes of a constant. */
const FLOAT32_ROUNDING = 1e-6

/** Of each channel (1, channels, 1); 1 for one that does not vary. */
function deviations(signals: Tensor): Tensor {
  return scope(() => {
    const found = ops.aten.std(signals, [0, 2], { keepdim: true })
    const rounding = signals.abs().amax([0, 2], true).mul(FLOAT32_ROUNDING)
    return ops.aten.where(found.le(rounding), found.new_ones([]), found)
  })
}

/** For each frequency of each channel, a straight line from noisy to clean by least squares: what needs no network. */
const regression: LearnDenoiser = async (training, images) => {
  const { inputs, targets } = pairs(training)
  const [slope, offset] = scope(() => {
    const [noisy, clean] = [images.draw(inputs), images.draw(targets)]
    const mean = (x: Tensor) => x.mean([0, 3], true)
    const [noisyMean, cleanMean] = [mean(noisy), mean(clean)]
    const covariance = mean(noisy.sub(noisyMean).mul(clean.sub(cleanMean)))
    const slope = covariance.div(mean(noisy.sub(noisyMean).square()).clamp_min(1e-12))
    return [slope, cleanMean.sub(slope.mul(noisyMean))] as const
  })
  return async (signals) => ({ images: scope(() => images.draw(signals).mul(slope).add(offset)) })
}

/** The mean image of the training part, whatever comes in: what is gained without looking. */
const average: LearnDenoiser = async ({ clean }, images) => {
  const mean = scope(() => images.draw(clean).mean([0], true))
  return async (signals) => ({ images: mean.expand([signals.shape[0]!, -1, -1, -1]) })
}

/** Denoisers that are trained, by the name of their network. */
export const denoisers: Readonly<Record<'aae' | 'vae', LearnDenoiser>> = { aae: adversarial, vae: variational }

/** Beside them, on the same folds: what needs no network, and what does not look at the EEG. */
export const untrainedDenoisers: Readonly<Record<string, LearnDenoiser>> = {
  'regression per frequency': regression,
  'mean training image': average,
}
