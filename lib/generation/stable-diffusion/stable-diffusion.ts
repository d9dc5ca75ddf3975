import { z } from 'zod'
import { noGrad } from '../../autograd.ts'
import { EegTorchError } from '../../errors.ts'
import type { Arena } from '../../memory.ts'
import type { Model } from '../../models/model.ts'
import { Tensor } from '../../tensor.ts'
import type { Tokenizer } from '../../tokenizers/tokenizer.ts'
import { presets } from '../../training/presets.ts'
import {
  checkStructureSpan,
  guidedByStructure,
  readStructures,
  requireControlNetFits,
  type StructureGuide,
  type Structures,
  structureFields,
  structureGuide,
} from '../controlnet/structure-guide.ts'
import { type Guide, guideFree, LatentDiffusionRun, startFromNoise } from '../latent-diffusion.ts'
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
import { type EncodePromptsOptions, isTexts, TextPipeline } from '../text-pipeline.ts'
import { loadStableDiffusion, type StableDiffusionLoadOptions } from './load.ts'

/** @internal */
export const stableDiffusionOptions = z
  .object({
    ...generationFields,
    steps: generationFields.steps.default(presets.eeg2image_stable_diffusion.options.steps),
    guidance: generationFields.guidance.default(presets.eeg2image_stable_diffusion.options.guidance),
    /** What the pictures are kept away from; one for all of them. */
    negativePrompt: z.string().default(''),
    /** Cut prompts of more than the encoder's 77 tokens; else they are an error. */
    truncate: z.boolean().default(false),
    ...structureFields,
  })
  .superRefine(checkStructureSpan)

/** How to draw pictures. */
export interface StableDiffusionOptions extends z.input<typeof stableDiffusionOptions>, GenerationHooks, GivenTensors {}

/** What is drawn from beside prompts and numbers. */
interface GivenTensors {
  /** The first noise (batch, channels, height / factor, width / factor), in place of what the seed gives. */
  noise?: Tensor | undefined
  /** What the ControlNet sees, where there is one. */
  structures?: Structures | undefined
}

type Settings = z.infer<typeof stableDiffusionOptions> & GivenTensors & Pick<GenerationHooks, 'signal'>

/** Conditions in the place of prompts, as text encoders or EEG give them. */
export interface PromptEmbeddings {
  /** (batch, tokens, width of the UNet's context) */
  embeddings: Tensor
  /** What stands for no condition, of the same shape or (1, tokens, width); default: the encoding of the negative prompt. */
  negative?: Tensor | undefined
}

/** What a {@link StableDiffusion} is made of. It owns them. */
export interface StableDiffusionParts {
  tokenizer: Tokenizer
  textEncoder: Model<'clip_text'>
  unet: Model<'unet2d_condition'>
  codec: PictureCodec
  scheduler: Scheduler
  controlNet?: Model<'controlnet'> | undefined
}

/**
 * Latent diffusion under a text (Rombach et al. 2022, CVPR): Stable Diffusion 1.5 and 2.1, and models of their layout. Reference: diffusers
 * `StableDiffusionPipeline`, without its safety checker.
 */
export class StableDiffusion extends TextPipeline {
  readonly parts: Readonly<StableDiffusionParts>
  readonly #step: StepNetwork<'unet2d_condition'>

  /** @internal use {@link StableDiffusion.load}; @throws EegTorchError `CHECKPOINT_MISMATCH` for parts that do not fit each other */
  constructor(parts: StableDiffusionParts) {
    const { tokenizer, textEncoder, unet, codec, controlNet } = parts
    const step = new StepNetwork(unet, ({ sample }) => sample)
    super(tokenizer, [unet.eval(), step, textEncoder.eval(), codec, ...(controlNet ? [controlNet.eval()] : [])])
    requireSameLatents(unet, codec)
    if (controlNet !== undefined) requireControlNetFits(controlNet, unet, codec.factor)
    this.parts = parts
    this.#step = step
  }

  /**
   * Reads a folder in diffusers' layout: `model_index.json`, `unet`, `vae`, `text_encoder`, `tokenizer` and `scheduler`.
   *
   * @throws EegTorchError `FILE_NOT_FOUND`, `CHECKPOINT_MISMATCH`, `UNKNOWN_NAME` for a scheduler that is not there
   */
  static async load(folder: string, options: StableDiffusionLoadOptions = {}): Promise<StableDiffusion> {
    const parts = await loadStableDiffusion(folder, options)
    try {
      return new StableDiffusion(parts)
    } catch (error) {
      for (const part of [parts.textEncoder, parts.unet, parts.codec, parts.controlNet]) part?.[Symbol.dispose]()
      throw error
    }
  }

  /**
   * What the UNet is told of texts: (texts, 77, width), the text encoder's last hidden states.
   *
   * @throws EegTorchError `INVALID_OPTION` for a text of more than 77 tokens, unless `truncate`
   */
  async encodePrompts(texts: readonly string[], options: EncodePromptsOptions = {}): Promise<Tensor> {
    const { textEncoder } = this.parts
    return (await this.encodeTexts(textEncoder, texts, options, ['lastHiddenState'])).lastHiddenState
  }

  /**
   * Draws pictures of texts, or of conditions that stand in their place.
   *
   * @throws EegTorchError `INVALID_OPTION`; while it runs `CANCELLED`, `DIVERGED`
   */
  generate(prompts: readonly string[] | PromptEmbeddings, options: StableDiffusionOptions = {}): Generation {
    const { noise, structures, ...rest } = options
    const settings = readGenerationOptions(stableDiffusionOptions, rest)
    const hooks = { signal: options.signal, onProgress: options.onProgress, previewEvery: settings.previewEvery }
    const given = { signal: options.signal, noise, structures }
    return new Generation(() => this.start(prompts, { ...settings, ...given }), hooks)
  }

  /** @internal The run behind {@link StableDiffusion.generate}. */
  start(prompts: readonly string[] | PromptEmbeddings, settings: Settings, guide?: Guide): Promise<LatentDiffusionRun> {
    if (isTexts(prompts) && prompts.length === 0) throw new EegTorchError('INVALID_OPTION', 'there is no prompt')
    return holding((held) => this.#run(held, prompts, settings, guide))
  }

  async #run(
    held: Arena,
    prompts: readonly string[] | PromptEmbeddings,
    { noise, structures, signal, ...settings }: Settings,
    guide: Guide | undefined,
  ): Promise<LatentDiffusionRun> {
    const { codec, scheduler } = this.parts
    const { given, without } = await this.#conditions(held, prompts, settings, signal)
    const generators = pictureGenerators(settings.seed, pictureNumbers(given.shape[0]!, settings.numbers))
    const sampling = scheduler.steps(settings.steps)
    const first = held.run(() => this.#placed(noise ?? this.#noise(generators, settings)))
    const residuals = await this.#structureGuide(held, structures, first, { ...settings, signal })
    const conditions = { given: { encoderHiddenStates: given }, without: { encoderHiddenStates: without } }
    const predict = guidedByStructure(this.#step, residuals, { cudaGraph: settings.cudaGraph, signal })
    return held.run(
      () =>
        new LatentDiffusionRun({
          sampling,
          start: startFromNoise(sampling, first),
          denoise: guideFree(predict, conditions, settings.guidance),
          guide,
          decode: (latents) => codec.decode(latents, { signal }),
          ...{ generators, held },
        }),
    )
  }

  /** Undefined without a ControlNet. */
  async #structureGuide(
    held: Arena,
    structures: Structures | undefined,
    { shape }: Tensor,
    settings: Settings,
  ): Promise<StructureGuide | undefined> {
    const { controlNet, codec } = this.parts
    requireBoth(controlNet, structures)
    if (controlNet === undefined || structures === undefined) return undefined
    const [batch, , height, width] = shape as [number, number, number, number]
    const size = { height: height * codec.factor, width: width * codec.factor }
    using pictures = await readStructures(structures, batch, controlNet.config.conditioningChannels, size)
    const placed = held.run(() => this.#placed(pictures))
    return structureGuide(controlNet, placed, settings, { signal: settings.signal })
  }

  #noise(generators: ReturnType<typeof pictureGenerators>, settings: z.infer<typeof stableDiffusionOptions>): Tensor {
    const { unet, codec } = this.parts
    const { factor } = codec
    const size = unet.config.sampleSize as number | readonly number[] | null
    const usual = size === null ? [64, 64] : typeof size === 'number' ? [size, size] : size
    const [height, width] = pictureSize(settings, [usual[0]! * factor, usual[1]! * factor], factor)
    return drawNoise(generators, [unet.config.inChannels, height / factor, width / factor], this.place)
  }

  async #conditions(
    held: Arena,
    prompts: readonly string[] | PromptEmbeddings,
    { negativePrompt, truncate, guidance }: z.infer<typeof stableDiffusionOptions>,
    signal: AbortSignal | undefined,
  ): Promise<{ given: Tensor; without: Tensor }> {
    const { embeddings, negative } = isTexts(prompts)
      ? { embeddings: held.own(await this.encodePrompts(prompts, { truncate, signal })), negative: undefined }
      : prompts
    this.#checkEmbeddings(embeddings)
    const given = held.run(() => this.#placed(embeddings))
    if (guidance <= 1) return { given, without: given }
    const none = negative ?? held.own(await this.encodePrompts([negativePrompt], { truncate, signal }))
    const shape = [given.shape[0]!, none.shape[1]!, none.shape[2]!]
    if (none.shape[1] !== given.shape[1]) throw unequalTokens(none, given)
    return { given, without: held.run(() => noGrad(() => this.#placed(none).expand(shape))) }
  }

  /** The tensor where the UNet is, in its type. */
  #placed(tensor: Tensor): Tensor {
    return noGrad(() => tensor.to(this.place.device).to(this.place.dtype))
  }

  #checkEmbeddings(embeddings: Tensor): void {
    const width = this.parts.unet.config.crossAttentionDim
    const [batch = 0, tokens = 0, received] = embeddings instanceof Tensor ? embeddings.shape : []
    if (embeddings instanceof Tensor && embeddings.shape.length === 3 && batch > 0 && tokens > 0 && received === width)
      return
    throw new EegTorchError('SHAPE_MISMATCH', 'these conditions do not fit the UNet', {
      expected: `(batch, tokens, ${width}), one row at least`,
      received: embeddings instanceof Tensor ? `(${embeddings.shape.join(', ')})` : typeof embeddings,
    })
  }
}

/** @throws EegTorchError `INVALID_OPTION` where one of them is missing: the other would be ignored in silence */
function requireBoth(controlNet: Model<'controlnet'> | undefined, structures: Structures | undefined): void {
  const option = 'structures'
  if (controlNet === undefined && structures !== undefined) {
    const expected = 'a pipeline that was loaded with a controlNet'
    throw new EegTorchError('INVALID_OPTION', 'nothing reads the pictures of the structure', { option, expected })
  }
  if (controlNet !== undefined && structures === undefined) {
    const expected = 'one picture, or one for each that is drawn'
    throw new EegTorchError('INVALID_OPTION', 'the ControlNet needs pictures of the structure', { option, expected })
  }
}

function unequalTokens(negative: Tensor, given: Tensor): EegTorchError {
  return new EegTorchError('SHAPE_MISMATCH', 'the negative condition has another number of tokens', {
    option: 'negative',
    expected: String(given.shape[1]),
    received: String(negative.shape[1]),
  })
}
