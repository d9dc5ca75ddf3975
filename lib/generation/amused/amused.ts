import { z } from 'zod'
import { noGrad } from '../../autograd.ts'
import { cat, full, tensor } from '../../creation.ts'
import { EegTorchError } from '../../errors.ts'
import { type Arena, scope } from '../../memory.ts'
import type { Model } from '../../models/model.ts'
import { asyncOps } from '../../ops/index.ts'
import type { Tensor } from '../../tensor.ts'
import type { Tokenizer } from '../../tokenizers/tokenizer.ts'
import { presets } from '../../training/presets.ts'
import { pictureGenerators } from '../noise.ts'
import {
  type GenerationHooks,
  generationFields,
  pictureNumbers,
  pictureSize,
  readGenerationOptions,
} from '../options.ts'
import { Generation, holding } from '../pipeline.ts'
import { MaskedTokens, type TokenDraws } from '../schedulers/masked-tokens.ts'
import { StepNetwork } from '../step-network.ts'
import { type EncodePromptsOptions, isTexts, TextPipeline } from '../text-pipeline.ts'
import { drawTokens, guideLogits, MaskedTokenRun } from './amused-run.ts'
import { type AmusedLoadOptions, loadAmused } from './load.ts'

const temperature = z.number().min(0).finite()
/** @internal */
export const amusedOptions = z.object({
  ...generationFields,
  steps: generationFields.steps.default(presets.eeg2image_amused.options.steps),
  guidance: generationFields.guidance.default(presets.eeg2image_amused.options.guidance),
  /** What the pictures are kept away from; one for all of them. */
  negativePrompt: z.string().default(''),
  /** Cut prompts of more than the encoder's 77 tokens; else they are an error. */
  truncate: z.boolean().default(false),
  /** Of the draws that decide which tokens are masked again, at the first step and at the last. */
  temperature: z.tuple([temperature, temperature]).default([2, 0]),
  /** How beautiful the network is told that the picture is, about 1 to 10. */
  aestheticScore: z.number().finite().default(6),
  /** Where the network is told that the picture was cut out of a larger one, in pixels. */
  crop: z.tuple([z.number().finite(), z.number().finite()]).default([0, 0]),
})
type Settings = z.infer<typeof amusedOptions>

/** How to draw pictures. */
export interface AmusedOptions extends z.input<typeof amusedOptions>, GenerationHooks {
  /** Draws of every step, in place of those that the seed gives. */
  draws?: readonly TokenDraws[] | undefined
}

interface Given extends Pick<AmusedOptions, 'draws' | 'signal'> {
  /** Is shown the guided logits of each step, which are the run's. */
  onLogits?: (logits: Tensor) => void
}

/** A text as the transformer is told of it, or what EEG gives in its place. */
export interface AmusedCondition {
  /** (batch, tokens, width): what the text encoder's last layer is given. */
  tokens: Tensor
  /** (batch, width): all of the text, projected. */
  pooled: Tensor
}

/** Conditions in the place of prompts. */
export interface AmusedEmbeddings extends AmusedCondition {
  /** What stands for no condition, one for all; default: the encoding of the negative prompt. */
  negative?: AmusedCondition | undefined
}

/** What an {@link Amused} is made of. It owns the networks. */
export interface AmusedParts {
  tokenizer: Tokenizer
  textEncoder: Model<'clip_text_with_projection'>
  transformer: Model<'uvit2d'>
  codes: Model<'vq_model'>
  scheduler: MaskedTokens['config']
}

/**
 * Pictures from a text by filling in masked tokens in a few steps (Patil et al. 2024, arXiv 2401.01808): aMUSEd-256 and aMUSEd-512. Reference:
 * diffusers `AmusedPipeline`.
 */
export class Amused extends TextPipeline {
  readonly parts: Readonly<AmusedParts>
  /** Pixels along a side of one token. */
  readonly #factor: number
  readonly #step: StepNetwork<'uvit2d'>

  /** @internal use {@link Amused.load} */
  constructor(parts: AmusedParts) {
    const { tokenizer, textEncoder, transformer, codes } = parts
    const step = new StepNetwork(transformer, ({ logits }) => logits)
    super(tokenizer, [transformer.eval(), step, textEncoder.eval(), codes.eval()])
    this.parts = parts
    this.#step = step
    this.#factor = 2 ** (parts.codes.config.blockOutChannels.length - 1)
  }

  /**
   * Reads a folder in diffusers' layout: `model_index.json`, `transformer`, `vqvae`, `text_encoder`, `tokenizer` and `scheduler`.
   *
   * @throws EegTorchError `FILE_NOT_FOUND`, `CHECKPOINT_MISMATCH` for a part of another class or with other weights
   */
  static async load(folder: string, options: AmusedLoadOptions = {}): Promise<Amused> {
    return new Amused(await loadAmused(folder, options))
  }

  /**
   * What the transformer is told of texts.
   *
   * @throws EegTorchError `INVALID_OPTION` for a text of more than 77 tokens, unless `truncate`
   */
  async encodePrompts(texts: readonly string[], options: EncodePromptsOptions = {}): Promise<AmusedCondition> {
    const wanted = ['penultimate', 'textEmbeds'] as const
    const { penultimate, textEmbeds } = await this.encodeTexts(this.parts.textEncoder, texts, options, wanted)
    return { tokens: penultimate, pooled: textEmbeds }
  }

  /**
   * Draws pictures of texts, or of conditions that stand in their place.
   *
   * @throws EegTorchError `INVALID_OPTION`; while it runs `CANCELLED`, `DIVERGED`
   */
  generate(prompts: readonly string[] | AmusedEmbeddings, options: AmusedOptions = {}): Generation {
    const { draws, signal, onProgress, ...rest } = options
    const settings = readGenerationOptions(amusedOptions, rest)
    const hooks = { signal, onProgress, previewEvery: settings.previewEvery }
    return new Generation(() => this.start(prompts, settings, { draws, signal }), hooks)
  }

  /** @internal The run behind {@link Amused.generate}. */
  start(prompts: readonly string[] | AmusedEmbeddings, settings: Settings, given: Given = {}): Promise<MaskedTokenRun> {
    return holding((held) => this.#run(held, prompts, settings, given))
  }

  async #run(
    held: Arena,
    prompts: readonly string[] | AmusedEmbeddings,
    settings: Settings,
    { draws, signal, onLogits }: Given,
  ): Promise<MaskedTokenRun> {
    const { transformer, scheduler } = this.parts
    const condition = await this.#condition(held, prompts, settings, signal)
    const batch = condition.pooled.shape[0]! / (settings.guidance > 1 ? 2 : 1)
    const [height, width] = this.#size(settings)
    const microConds = held.own(this.#microConditions(condition.pooled.shape[0]!, [height, width], settings))
    const [rows, columns] = [height / this.#factor, width / this.#factor]
    const generators = pictureGenerators(settings.seed, pictureNumbers(batch, settings.numbers))
    const masked = full([batch, rows, columns], scheduler.maskTokenId, { dtype: 'int64', device: this.device })
    return new MaskedTokenRun({
      sampling: new MaskedTokens({ ...scheduler, temperature: settings.temperature }).steps(settings.steps),
      tokens: masked,
      predict: async (tokens) => {
        using inputIds = settings.guidance > 1 ? noGrad(() => cat([tokens, tokens], 0)) : tokens.alias()
        const inputs = { inputIds, microConds, encoderHiddenStates: condition.tokens, pooledTextEmb: condition.pooled }
        const logits = await this.#step.run(inputs, { cudaGraph: settings.cudaGraph, signal })
        if (settings.guidance <= 1) return logits
        const guided = await guideLogits(logits, settings.guidance)
        logits.dispose()
        onLogits?.(guided)
        return guided
      },
      draw: (step) =>
        this.#draws(step, draws, () =>
          drawTokens(generators, rows * columns, transformer.config.codebookSize, this.device),
        ),
      decode: (tokens) => this.#decode(tokens, signal),
      held,
    })
  }

  async #draws(step: number, given: AmusedOptions['draws'], draw: () => Promise<TokenDraws>): Promise<TokenDraws> {
    if (given === undefined) return draw()
    const draws = given[step]
    if (draws !== undefined) return { exponential: draws.exponential.alias(), uniform: draws.uniform.alias() }
    throw new EegTorchError('INVALID_OPTION', 'there are fewer draws than steps', {
      option: 'draws',
      expected: `more than ${step}`,
      received: String(given.length),
    })
  }

  /** With guidance, no condition in the first half of the batch and the condition in the second. */
  async #condition(
    held: Arena,
    prompts: readonly string[] | AmusedEmbeddings,
    { negativePrompt, truncate, guidance }: Settings,
    signal: AbortSignal | undefined,
  ): Promise<AmusedCondition> {
    const given = isTexts(prompts) ? held.own(await this.encodePrompts(prompts, { truncate, signal })) : prompts
    const place = (x: Tensor) => x.to(this.device).to(this.place.dtype)
    if (guidance <= 1)
      return held.run(() => noGrad(() => ({ tokens: place(given.tokens), pooled: place(given.pooled) })))
    const told = isTexts(prompts) ? undefined : prompts.negative
    const none = told ?? held.own(await this.encodePrompts([negativePrompt], { truncate, signal }))
    const batch = given.pooled.shape[0]!
    const both = (without: Tensor, x: Tensor) =>
      cat([place(without).expand([batch, ...without.shape.slice(1)]), place(x)], 0)
    return held.run(() =>
      noGrad(() => ({ tokens: both(none.tokens, given.tokens), pooled: both(none.pooled, given.pooled) })),
    )
  }

  #size(settings: Settings): [height: number, width: number] {
    const { sampleSize, downsample } = this.parts.transformer.config
    const usual = sampleSize * this.#factor
    // A network that halves the image needs even numbers of tokens.
    return pictureSize(settings, [usual, usual], this.#factor * (downsample ? 2 : 1))
  }

  /** Width first, as the network was trained. */
  #microConditions(batch: number, [height, width]: [number, number], { crop, aestheticScore }: Settings): Tensor {
    const { device, dtype } = this.place
    return noGrad(() =>
      scope(() =>
        tensor([[width, height, ...crop, aestheticScore]])
          .to(dtype)
          .to(device)
          .expand([batch, 5])
          .contiguous(),
      ),
    )
  }

  /** What the codes decode to is in 0 to 1 already. */
  async #decode(tokens: Tensor, signal: AbortSignal | undefined): Promise<Tensor> {
    const [decoded] = await noGrad(() => this.parts.codes.callAsync('decode', [tokens], { signal }))
    const wide = await noGrad(() => asyncOps.aten.to(decoded!, 'float32'))
    const clipped = await noGrad(() => asyncOps.aten.clamp(wide, 0, 1))
    const pictures = noGrad(() => clipped.permute([0, 2, 3, 1]))
    for (const part of [decoded!, wide, clipped]) part.dispose()
    return pictures
  }
}
