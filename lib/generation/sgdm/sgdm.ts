import { z } from 'zod'
import { openCheckpoint } from '../../checkpoints/checkpoint.ts'
import { writeSafetensors } from '../../checkpoints/safetensors.ts'
import { ones, tensor, zeros } from '../../creation.ts'
import { defined } from '../../defined.ts'
import { EegTorchError } from '../../errors.ts'
import { Model, type ModelPlacement } from '../../models/model.ts'
import type { ModelOptions } from '../../models/models.ts'
import { Linear, parameter } from '../../nn/layers.ts'
import { Module } from '../../nn/module.ts'
import { Sequential } from '../../nn/sequential.ts'
import { ops } from '../../ops/index.ts'
import { packageVersion } from '../../setup/paths.ts'
import type { Tensor } from '../../tensor.ts'
import { loadModule, requireWithin } from './load-module.ts'

const options = z.record(z.string(), z.unknown())
const schema = z.strictObject({
  /** Options of `sgdm_eeg_encoder`: channels, samples, width of the latent. */
  encoder: options,
  /** Options of `sgdm_unet`, without the widths of its vectors. */
  unet: options,
  /** Width of the semantic vector, such as that of CLIP's embeddings. */
  semanticDim: z.number().int().positive(),
  /** Classes that the EEG may tell; 0: none. */
  nClasses: z.number().int().min(0),
  /** Latents along a side of the rough picture that is read from the EEG before the diffusion. */
  structureSize: z.number().int().positive().max(256),
})

/** What a {@link Sgdm} is built of. */
export interface SgdmConfig {
  encoder: Omit<ModelOptions<'sgdm_eeg_encoder'>, 'latentDim'> & { latentDim: number }
  unet: Omit<ModelOptions<'sgdm_unet'>, 'latentDim' | 'semanticDim'>
  semanticDim: number
  nClasses: number
  structureSize: number
}

/** What is read from EEG before the diffusion begins. */
export interface EegReading {
  /** (batch, latentDim) */
  latent: Tensor
  /** The semantic vector of the picture as it is read from the EEG, of length 1 (batch, semanticDim). */
  semantic: Tensor
  /** Rough latents (batch, channels, structureSize, structureSize). */
  structure: Tensor
  /** Scores of the classes (batch, nClasses); undefined without classes. */
  logits: Tensor | undefined
}

const KEY = 'sgdm'
const HIDDEN = 256

/**
 * The networks of structure-guided diffusion from EEG (after arXiv 2604.22649, design document sgdm), trained together: an EEG encoder; small heads
 * that read the picture's semantic vector, its class and its rough structure from the latent; and a UNet that is told latent and semantic vector as
 * one token of context and, at several scales, inside its residual blocks.
 */
export class Sgdm extends Module {
  readonly config: SgdmConfig
  readonly encoder: Model<'sgdm_eeg_encoder'>
  readonly unet: Model<'sgdm_unet'>
  readonly semanticHead: Sequential
  readonly structureHead: Sequential
  readonly classHead: Linear | null
  /** What stands for the latent of no EEG. */
  readonly nullLatent: Tensor
  /** Scale of the EEG's channels, learned from the training windows (1, channels, 1). */
  readonly eegMean: Tensor
  readonly eegStd: Tensor

  /**
   * @param budget @internal bytes that the weights may take, where the options come from a file
   * @throws EegTorchError `INVALID_OPTION`
   */
  constructor(given: SgdmConfig, budget?: number) {
    super()
    const config = readConfig(given)
    const { latentDim } = config.encoder
    this.config = config
    this.encoder = new Model('sgdm_eeg_encoder', config.encoder, budget)
    this.unet = new Model('sgdm_unet', { ...config.unet, latentDim, semanticDim: config.semanticDim }, budget)
    const gelu = (x: Tensor) => ops.aten.gelu(x)
    const structure = this.unet.config.inChannels * config.structureSize ** 2
    requireWithin(budget, HIDDEN * (2 * latentDim + structure + config.semanticDim) + latentDim * config.nClasses)
    this.semanticHead = new Sequential(new Linear(latentDim, HIDDEN), gelu, new Linear(HIDDEN, config.semanticDim))
    this.structureHead = new Sequential(new Linear(latentDim, HIDDEN), gelu, new Linear(HIDDEN, structure))
    this.classHead = config.nClasses === 0 ? null : new Linear(latentDim, config.nClasses)
    this.nullLatent = parameter(zeros([latentDim]))
    this.eegMean = zeros([1, this.encoder.config.nChans, 1])
    this.eegStd = ones([1, this.encoder.config.nChans, 1])
  }

  /** Sets the scale of the channels, as a `Standardiser` of the training windows has it. */
  scaleEeg({ mean, std }: { mean: ArrayLike<number>; std: ArrayLike<number> }): this {
    const shape = [1, this.encoder.config.nChans, 1]
    const positive = Array.from(std, (value) => (value > 0 ? value : 1))
    this.eegMean.copy_(tensor(Array.from(mean)).reshape(shape))
    this.eegStd.copy_(tensor(positive).reshape(shape))
    return this
  }

  /** eeg (batch, channels, samples) */
  override forward(eeg: Tensor): Tensor[] {
    const { latent, semantic, structure, logits } = this.read(eeg)
    return logits === undefined ? [latent, semantic, structure] : [latent, semantic, structure, logits]
  }

  /** The latent (batch, latentDim) of EEG (batch, channels, samples), of which all else is read. */
  latentOf(eeg: Tensor): Tensor {
    return this.encoder.forward(eeg.sub(this.eegMean).div(this.eegStd))
  }

  /** What the EEG (batch, channels, samples) tells. */
  read(eeg: Tensor): EegReading {
    const latent = this.latentOf(eeg)
    const raw = this.semanticHead.forward(latent)
    const { structureSize: side } = this.config
    return {
      latent,
      semantic: raw.div(raw.norm(2, [1], true).clamp_min(1e-8)),
      structure: this.structureHead.forward(latent).reshape([eeg.shape[0]!, -1, side, side]),
      logits: this.classHead?.forward(latent),
    }
  }

  /**
   * Writes all networks in one safetensors file, with what they are built of.
   *
   * @param metadata told along: scheduler, classes, split
   * @throws EegTorchError `FILE_WRITE_FAILED`
   */
  async save(path: string, metadata: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const state = this.stateDict()
    const told = { ...metadata, ...this.description(), version: packageVersion() }
    try {
      await writeSafetensors(path, new Map(Object.entries(state)), { format: 'pt', eegtorch: JSON.stringify(told) })
    } finally {
      for (const weight of Object.values(state)) weight.dispose()
    }
  }

  /** What a weights file tells of the networks. */
  description(): { sgdm: SgdmConfig } {
    return { [KEY]: this.config }
  }

  /**
   * Reads what {@link Sgdm.save} wrote, or a weights file of {@link fitSgdm}'s checkpoints.
   *
   * @throws EegTorchError `FILE_NOT_FOUND`, `FILE_INVALID` for a file of something else, `CHECKPOINT_MISMATCH`
   */
  static async load(path: string, { device, dtype }: ModelPlacement = {}): Promise<Sgdm> {
    const checkpoint = openCheckpoint(path)
    const { metadata } = checkpoint
    if (metadata[KEY] === undefined) {
      throw new EegTorchError('FILE_INVALID', 'holds no networks of structure-guided diffusion', {
        file: path,
        expected: 'a file that Sgdm.save or eegtorch train-diffusion wrote',
      })
    }
    const make = (budget: number) => new Sgdm(metadata[KEY] as SgdmConfig, budget)
    return loadModule(checkpoint, make, {
      rename: (name) => name.replace(/^networks\./, ''),
      ...defined({ device, dtype }),
    })
  }
}

function readConfig(given: SgdmConfig): SgdmConfig {
  const result = schema.safeParse(given)
  if (result.success && Number.isInteger(given.encoder.latentDim)) return result.data as unknown as SgdmConfig
  const issue = result.error?.issues[0]
  const option = issue === undefined ? 'encoder.latentDim' : issue.path.join('.')
  throw new EegTorchError('INVALID_OPTION', `${option} of these networks is not usable`, {
    option,
    expected: issue?.message ?? 'a whole number',
    received: JSON.stringify(given.encoder?.latentDim),
  })
}
