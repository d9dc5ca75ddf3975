import { rand } from '../../creation.ts'
import { EegTorchError } from '../../errors.ts'
import { Module } from '../../nn/module.ts'
import { ops } from '../../ops/index.ts'
import type { Tensor } from '../../tensor.ts'
import { type FitOptions, type FitResult, fit as train } from '../../training/fit.ts'
import { losses } from '../../training/losses.ts'
import { loss, optim } from '../../training/options.ts'
import type { TensorSet } from '../../training/tensor-set.ts'
import type { Scheduler } from '../schedulers/index.ts'
import { DenoisingObjective, type DenoisingOptions } from '../training/denoising-objective.ts'
import type { Sgdm } from './sgdm.ts'

/** What was shown: one row per stimulus. */
export interface Stimuli {
  /** Latents of the pictures, of about unit variance (stimuli, channels, height, width). */
  latents: Tensor
  /** Their semantic vectors, such as CLIP's (stimuli, semanticDim). */
  semantics: Tensor
  /** Class of each, int64 (stimuli); needed where the networks know classes. */
  classes?: Tensor | undefined
}

/** Weights of what is learned beside the denoising. */
export interface SgdmLossWeights {
  /** Semantic vectors that are read from the EEG: cosine, and contrast with all stimuli; default 1. */
  semantic?: number
  /** Squared error of the rough structure; default 1. */
  structure?: number
  /** Cross entropy of the class; default 0.1. */
  classes?: number
}

/** How to train. The defaults are those of the design document; the rest is as for `fit`. */
export interface SgdmFitOptions extends Omit<FitOptions, 'loss'>, Omit<DenoisingOptions, 'predictionType'> {
  /** The process that adds noise, and what the UNet predicts. */
  scheduler: Scheduler
  /** Share of the examples whose condition is taken away, for guidance; default 0.1. */
  conditionDropout?: number
  weights?: SgdmLossWeights
  /** Of the contrast between semantic vectors; default 0.07. */
  temperature?: number
}

type TaskOptions = Required<Pick<SgdmFitOptions, 'conditionDropout' | 'temperature'>> & {
  weights: Required<SgdmLossWeights>
}

class SgdmTask extends Module {
  readonly networks: Sgdm
  readonly #stimuli: Stimuli
  /** What the structure head is to see in each picture. */
  readonly #structures: Tensor
  readonly #objective: DenoisingObjective
  readonly #options: TaskOptions

  constructor(networks: Sgdm, stimuli: Stimuli, objective: DenoisingObjective, options: TaskOptions) {
    super()
    const { structureSize: side } = networks.config
    this.networks = networks
    this.#stimuli = stimuli
    this.#structures = ops.aten.adaptive_avg_pool2d(stimuli.latents, [side, side])
    this.#objective = objective
    this.#options = options
  }

  /** eeg (batch, channels, samples), stimuli (batch): rows of the tables, int64. Gives the loss and what it is made of. */
  override forward(eeg: Tensor, stimuli: Tensor): Tensor[] {
    const reading = this.networks.read(eeg)
    const semantics = this.#stimuli.semantics.index_select(0, stimuli)
    const kept = this.#kept(eeg)
    const latent = ops.aten.where(kept.unsqueeze(1), reading.latent, this.networks.nullLatent)
    const clean = this.#stimuli.latents.index_select(0, stimuli)
    const denoising = this.#objective.loss(clean, this.training, (sample, timestep) => {
      const { unet } = this.networks
      return unet.run({ sample, timestep, latent, semantic: semantics, hasSemantic: kept }).sample
    })
    const { weights, temperature } = this.#options
    const contrast = losses.infoNce(reading.semantic, this.#stimuli.semantics, stimuli, { temperature })
    const semantic = losses.cosine(reading.semantic, semantics).add(contrast)
    const structure = reading.structure.sub(this.#structures.index_select(0, stimuli)).pow(2).mean()
    const sum = denoising.add(semantic, { alpha: weights.semantic }).add(structure, { alpha: weights.structure })
    if (reading.logits === undefined) return [sum]
    const classes = ops.aten.cross_entropy_loss(reading.logits, this.#stimuli.classes!.index_select(0, stimuli))
    return [sum.add(classes, { alpha: weights.classes })]
  }

  /** Which examples keep their condition: all of them in evaluation. */
  #kept(eeg: Tensor): Tensor {
    const draws = rand([eeg.shape[0]!], { device: eeg.device })
    return draws.ge(this.training ? this.#options.conditionDropout : 0)
  }
}

/**
 * Trains the networks of structure-guided diffusion together: the UNet's denoising of the stimuli's latents under the EEG (Ho et al. 2020), and what
 * the heads read from the EEG. In training the semantic vector is the stimulus's own; where a picture is drawn later it is read from the EEG.
 * By default AdamW at 1e-4, gradients clipped at norm 1, a running mean of the weights (0.999, after a warm-up), min-SNR weighting and 10 % of the
 * conditions taken away.
 *
 * @param eeg inputs (windows, channels, samples), targets the stimulus of each window: a row of `stimuli`, int64
 * @throws EegTorchError as `fit`; `SHAPE_MISMATCH` for stimuli that do not fit the networks
 */
export function fitSgdm(networks: Sgdm, eeg: TensorSet, stimuli: Stimuli, options: SgdmFitOptions): Promise<FitResult> {
  const { scheduler, snrGamma, conditionDropout = 0.1, temperature = 0.07, weights, ...rest } = options
  requireFit(networks, stimuli)
  const objective = new DenoisingObjective(
    scheduler.schedule,
    { predictionType: scheduler.config.predictionType, ...(snrGamma !== undefined && { snrGamma }) },
    stimuli.latents.device,
  )
  const weigh = { semantic: 1, structure: 1, classes: 0.1, ...weights }
  const task = new SgdmTask(networks, stimuli, objective, { conditionDropout, temperature, weights: weigh })
  return train(task, eeg, {
    optimizer: optim.adamW({ lr: 1e-4 }),
    clipNorm: 1,
    ema: 0.999,
    useEmaWarmup: rest.ema !== null,
    ...rest,
    loss: loss.output(),
  })
}

function requireFit(networks: Sgdm, { latents, semantics, classes }: Stimuli): void {
  const { semanticDim, nClasses } = networks.config
  const { inChannels } = networks.unet.config
  const [count = 0, channels] = latents.shape
  const fits = [
    latents.shape.length === 4 && channels === inChannels && count > 0,
    semantics.shape.join() === `${count},${semanticDim}`,
    nClasses === 0 || classes?.shape.join() === `${count}`,
  ]
  if (fits.every(Boolean)) return
  const received = [latents, semantics, classes].map((part) => (part ? `(${part.shape.join(', ')})` : 'none'))
  throw new EegTorchError('SHAPE_MISMATCH', 'the stimuli do not fit the networks', {
    option: 'stimuli',
    expected: `latents (stimuli, ${inChannels}, height, width), semantics (stimuli, ${semanticDim})${nClasses > 0 ? ', classes (stimuli)' : ''}`,
    received: received.join(', '),
  })
}
