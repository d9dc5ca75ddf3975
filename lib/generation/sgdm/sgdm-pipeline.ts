import { z } from 'zod'
import { noGrad } from '../../autograd.ts'
import { ones, zeros } from '../../creation.ts'
import { type Arena, scope } from '../../memory.ts'
import type { Model } from '../../models/model.ts'
import { type Placement, placementOf } from '../../models/placement.ts'
import { ops } from '../../ops/index.ts'
import type { Tensor } from '../../tensor.ts'
import { presets } from '../../training/presets.ts'
import {
  checkStructureSpan,
  guidedByStructure,
  requireControlNetFits,
  type StructureGuide,
  structureFields,
  structureGuide,
} from '../controlnet/structure-guide.ts'
import { type Guide, guideFree, LatentDiffusionRun, startFromLatents, startFromNoise } from '../latent-diffusion.ts'
import { drawNoise, pictureGenerators } from '../noise.ts'
import {
  type GenerationHooks,
  generationFields,
  pictureNumbers,
  pictureSize,
  readGenerationOptions,
} from '../options.ts'
import { type PictureCodec, requireSameLatents } from '../picture-codec.ts'
import { Generation, holding } from '../pipeline.ts'
import type { Scheduler } from '../schedulers/index.ts'
import { StepNetwork } from '../step-network.ts'
import { structurePictures } from './fit-sgdm-controlnet.ts'
import { classifierGuide, type NoisedClassifier } from './noised-classifier.ts'
import type { EegReading, Sgdm } from './sgdm.ts'

const share = z.number().min(0).max(1)
const schema = z
  .object({
    ...generationFields,
    steps: generationFields.steps.default(presets.sgdm_pictures.options.steps),
    guidance: generationFields.guidance.default(presets.sgdm_pictures.options.guidance),
    /** How hard the class that is read from the EEG pulls, where there is a classifier of latents; 0: not at all. */
    classGuidance: z.number().min(0).finite().default(1),
    /** Share of the steps that are taken from the rough structure that is read from the EEG; 1: from noise alone. */
    strength: share.gt(0).default(0.8),
    /** Of a ControlNet that sees the rough structure's picture. */
    ...structureFields,
  })
  .superRefine(checkStructureSpan)

/** How to draw pictures of EEG. */
export interface SgdmOptions extends z.input<typeof schema>, GenerationHooks {}

/** What a {@link SgdmPipeline} is made of. It owns them. */
export interface SgdmParts {
  networks: Sgdm
  codec: PictureCodec
  scheduler: Scheduler
  classifier?: NoisedClassifier | undefined
  controlNet?: Model<'controlnet'> | undefined
}

type Conditions = Record<'latent' | 'semantic' | 'hasSemantic', Tensor>

/**
 * Pictures from EEG by structure-guided diffusion (after arXiv 2604.22649, design document sgdm), from coarse to fine: a rough structure that is read
 * from the EEG starts the sampling under noise; the UNet takes the noise away under the EEG's latent and the semantic vector that is read from it,
 * further than it would without (classifier-free guidance), and towards the class that is read (classifier guidance).
 */
export class SgdmPipeline implements Disposable {
  readonly parts: Readonly<SgdmParts>
  readonly #place: Placement
  readonly #step: StepNetwork<'sgdm_unet'>

  /** @throws EegTorchError `CHECKPOINT_MISMATCH` for parts that do not fit each other */
  constructor(parts: SgdmParts) {
    this.parts = parts
    parts.networks.eval()
    parts.classifier?.eval()
    parts.controlNet?.eval()
    this.#place = placementOf(parts.networks.unet)
    this.#step = new StepNetwork(parts.networks.unet, ({ sample }) => sample)
    const { networks, codec, controlNet } = parts
    requireSameLatents(networks.unet, codec)
    if (controlNet !== undefined) requireControlNetFits(controlNet, networks.unet, codec.factor)
  }

  /** What the EEG (batch, channels, samples) tells, before any diffusion. The tensors are the caller's to dispose of. */
  async read(eeg: Tensor): Promise<EegReading> {
    const { networks } = this.parts
    using given = noGrad(() => scope(() => eeg.to(this.#place.device).to(this.#place.dtype)))
    const [latent, semantic, structure, logits] = await noGrad(() => networks.runAsync(given))
    return { latent: latent!, semantic: semantic!, structure: structure!, logits }
  }

  /**
   * Draws pictures of windows of EEG.
   *
   * @param eeg (batch, channels, samples)
   * @throws EegTorchError `INVALID_OPTION`, `SHAPE_MISMATCH`; while it runs `CANCELLED`, `DIVERGED`
   */
  generate(eeg: Tensor, options: SgdmOptions = {}): Generation {
    return this.#generation(async (held) => held.own(await this.read(eeg)), options)
  }

  /**
   * Draws pictures of what was read before, or of what somebody claims to have read: a control without EEG.
   *
   * @throws EegTorchError as {@link SgdmPipeline.generate}
   */
  draw(reading: EegReading, options: SgdmOptions = {}): Generation {
    return this.#generation(async () => reading, options)
  }

  #generation(read: (held: Arena) => Promise<EegReading>, options: SgdmOptions): Generation {
    const settings = readGenerationOptions(schema, options)
    const hooks = { signal: options.signal, onProgress: options.onProgress, previewEvery: settings.previewEvery }
    const start = async (held: Arena) => this.#start(held, await read(held), settings, options.signal)
    return new Generation(() => holding(start), hooks)
  }

  dispose(): void {
    for (const part of [
      this.#step,
      this.parts.networks,
      this.parts.codec,
      this.parts.classifier,
      this.parts.controlNet,
    ])
      part?.[Symbol.dispose]()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  async #start(
    held: Arena,
    reading: EegReading,
    settings: z.infer<typeof schema>,
    signal: AbortSignal | undefined,
  ): Promise<LatentDiffusionRun> {
    const { codec, scheduler } = this.parts
    const batch = reading.latent.shape[0]!
    const generators = pictureGenerators(settings.seed, pictureNumbers(batch, settings.numbers))
    const size = this.#latentSize(settings)
    const noise = held.own(drawNoise(generators, [codec.channels, ...size], this.#place))
    const sampling = scheduler.steps(settings.steps)
    const rough = held.run(() => noGrad(() => ops.aten.upsample_bilinear2d(reading.structure, size, false)))
    const residuals = await this.#controlNet(held, rough, settings, signal)
    const predict = guidedByStructure(this.#step, residuals, { cudaGraph: settings.cudaGraph, signal })
    return held.run(
      () =>
        new LatentDiffusionRun({
          sampling,
          start:
            settings.strength < 1
              ? startFromLatents(sampling, rough, noise, settings.strength)
              : startFromNoise(sampling, noise),
          denoise: guideFree(predict, this.#conditions(reading), settings.guidance),
          guide: this.#guide(reading, settings.classGuidance),
          decode: (latents) => codec.decode(latents, { signal }),
          ...{ generators, held },
        }),
    )
  }

  #conditions({ latent, semantic }: EegReading): { given: Conditions; without: Conditions } {
    return noGrad(() => {
      const place = { device: latent.device }
      const batch = [latent.shape[0]!]
      const nothing = this.parts.networks.nullLatent.expand([...latent.shape])
      return {
        given: { latent, semantic, hasSemantic: ones(batch, place).to('bool') },
        without: { latent: nothing, semantic, hasSemantic: zeros(batch, place).to('bool') },
      }
    })
  }

  #guide({ logits }: EegReading, scale: number): Guide | undefined {
    const { classifier, scheduler } = this.parts
    if (classifier === undefined || logits === undefined || scale === 0) return undefined
    const classes = noGrad(() => logits.argmax(1))
    return classifierGuide(classifier, classes, scale, scheduler)
  }

  /** What a ControlNet adds to the UNet, from the rough structure's picture; undefined without one. */
  async #controlNet(
    held: Arena,
    rough: Tensor,
    settings: z.infer<typeof schema>,
    signal: AbortSignal | undefined,
  ): Promise<StructureGuide<Conditions> | undefined> {
    const { controlNet, codec } = this.parts
    if (controlNet === undefined || settings.structureWeight === 0) return undefined
    using pictures = await structurePictures(codec, rough, [rough.shape[2]!, rough.shape[3]!], signal)
    const once = held.run(() => noGrad(() => pictures.to(this.#place.device).to(this.#place.dtype)))
    const residuals = structureGuide(controlNet, once, settings, { signal })
    return async (sample, timestep, { latent, semantic }, at) => {
      using encoderHiddenStates = noGrad(() => scope(() => ops.aten.cat([latent, semantic], 1).unsqueeze(1)))
      return await residuals(sample, timestep, { encoderHiddenStates }, at)
    }
  }

  #latentSize(settings: z.infer<typeof schema>): [number, number] {
    const { networks, codec } = this.parts
    const { factor } = codec
    const trained = networks.unet.config.sampleSize as number | readonly number[] | null
    const side = trained === null ? [64, 64] : typeof trained === 'number' ? [trained, trained] : trained
    const [height, width] = pictureSize(settings, [side[0]! * factor, side[1]! * factor], factor)
    return [height / factor, width / factor]
  }
}
