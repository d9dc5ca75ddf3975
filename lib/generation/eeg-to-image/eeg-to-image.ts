import type { Montage } from '../../datasets/montages.ts'
import { defined } from '../../defined.ts'
import { EegTorchError } from '../../errors.ts'
import { releaseMemory } from '../../memory.ts'
import type { LoadProgress } from '../../models/load-weights.ts'
import type { ModelPlacement } from '../../models/model.ts'
import type { Tensor } from '../../tensor.ts'
import { promptOfClass } from '../clip/targets.ts'
import type { Generation } from '../pipeline.ts'
import type { StableDiffusionLoadOptions } from '../stable-diffusion/load.ts'
import { StableDiffusion, type StableDiffusionOptions } from '../stable-diffusion/stable-diffusion.ts'
import { EegPrompter, type EegPrompts, tensorsOfPrompts } from './eeg-prompter.ts'

/** How a picture comes from EEG. It is told with every picture. */
export const EEG_TO_IMAGE_MODES = ['eeg-tokens', 'label-prompt'] as const

/** One of {@link EEG_TO_IMAGE_MODES}. */
export type EegToImageMode = (typeof EEG_TO_IMAGE_MODES)[number]

/** Where the networks lie. */
export interface EegToImageFiles {
  /** CSBrain, in any of its layouts. */
  encoder: string
  /** `eeg_clip_mapper`. */
  mapper: string
  /** A folder of Stable Diffusion in diffusers' layout. */
  diffusion: string
}

/** How to hold the networks. */
export interface EegToImageLoadOptions extends ModelPlacement {
  /** Hold either the EEG's networks or the diffusion model, never both. */
  lowMemory?: boolean
  /** Names of the recorded channels, for CSBrain's regions of the brain. */
  channels?: readonly string[] | undefined
  /** Regions of the channels, where their names do not tell those that the mapper was trained with. */
  montage?: Montage | undefined
  /** Names of the classes, in the order of the mapper's scores: they make the prompts of `label-prompt`. */
  classNames?: readonly string[] | undefined
  /** diffusers' name of the scheduler class that reads the folder's file; default: the class that it names. */
  scheduler?: string | undefined
  /** What its UNet predicts, in place of what the folder says or is assumed of a single file. */
  predictionType?: StableDiffusionLoadOptions['predictionType']
  /** A folder with the diffusion model's tokenizer, where a single file holds none. */
  tokenizer?: string | undefined
  /** A folder of a ControlNet of the diffusion model in diffusers' layout; `structures` then tell it what to keep to. */
  controlNet?: string | undefined
  /** One prompt for each class; default: `a photo of a NAME`. */
  prompts?: readonly string[] | undefined
  /** Of the diffusion model's networks, one after the other. */
  onProgress?: ((progress: LoadProgress) => void) | undefined
  signal?: AbortSignal | undefined
}

/** How to draw. */
export interface EegToImageOptions extends StableDiffusionOptions {
  /**
   * `eeg-tokens` (default): the UNet sees the 77 tokens that were read from the EEG. `label-prompt`: it sees a text about the class that was read,
   * as the design document does: then the EEG decides the class and nothing else.
   */
  mode?: EegToImageMode
}

/** Pictures that are being drawn, and what was read from the EEG. */
export interface EegGeneration {
  readonly mode: EegToImageMode
  readonly generation: Generation
  /** Class that was read, of each trial. */
  readonly labels: readonly number[]
  /** What the diffusion model was told in words; null where it saw the EEG's tokens. */
  readonly prompts: readonly (string | null)[]
}

/** From EEG to pictures through Stable Diffusion 1.5, without words between (design document eeg2image, third pipeline). */
export class EegToImage implements Disposable {
  readonly #files: EegToImageFiles
  readonly #options: EegToImageLoadOptions
  #prompter: EegPrompter | undefined
  #diffusion: StableDiffusion | undefined

  private constructor(files: EegToImageFiles, options: EegToImageLoadOptions) {
    this.#files = files
    this.#options = options
  }

  /**
   * Reads the networks; with `lowMemory` those of the EEG only, and the diffusion model in their place when pictures are drawn.
   *
   * @throws EegTorchError as {@link EegPrompter.load} and {@link StableDiffusion.load}
   */
  static async load(files: EegToImageFiles, options: EegToImageLoadOptions = {}): Promise<EegToImage> {
    const pipeline = new EegToImage(files, options)
    try {
      await pipeline.#holdPrompter()
      if (!options.lowMemory) await pipeline.#holdDiffusion()
      return pipeline
    } catch (error) {
      pipeline.dispose()
      throw error
    }
  }

  /** What the EEG tells, before any diffusion: (trials, channels, patches, samples of a patch), or (trials, channels, samples). */
  async read(trials: Tensor, options: { signal?: AbortSignal | undefined } = {}): Promise<EegPrompts> {
    return (await this.#holdPrompter()).read(trials, options)
  }

  /**
   * Draws a picture of each trial: `for await (const { step, preview } of pipeline.generate(trials, …))`.
   *
   * @throws EegTorchError `SHAPE_MISMATCH`, `INVALID_OPTION`; while it runs `CANCELLED`, `DIVERGED`
   */
  async *generate(
    trials: Tensor,
    options: EegToImageOptions = {},
  ): AsyncGenerator<{ step: number; steps: number; preview?: Tensor; images?: Tensor }> {
    const prompts = await this.read(trials, { signal: options.signal })
    try {
      const { generation } = await this.draw(prompts, options)
      for await (const progress of generation) {
        const isLast = progress.step === progress.steps
        yield { ...progress, ...(isLast && { images: await generation.images() }) }
      }
    } finally {
      for (const tensor of tensorsOfPrompts(prompts)) tensor.dispose()
    }
  }

  /** Draws pictures of what was read before. */
  async draw(read: EegPrompts, { mode = 'eeg-tokens', ...options }: EegToImageOptions = {}): Promise<EegGeneration> {
    requireMode(mode)
    const { labels } = read
    const prompts = mode === 'label-prompt' ? labels.map((label) => this.promptOf(label)) : labels.map(() => null)
    const diffusion = await this.#holdDiffusion()
    const told = mode === 'label-prompt' ? (prompts as string[]) : { embeddings: read.embeddings }
    return { mode, labels, prompts, generation: diffusion.generate(told, options) }
  }

  /** The text about a class. @throws EegTorchError `INVALID_OPTION` where nothing says what the class is called */
  promptOf(label: number): string {
    const { prompts, classNames } = this.#options
    const name = classNames?.[label]
    const prompt = prompts?.[label] ?? (name === undefined ? undefined : promptOfClass(name))
    if (prompt !== undefined) return prompt
    throw new EegTorchError('INVALID_OPTION', `there is no prompt for class ${label}`, {
      option: 'prompts',
      expected: 'one prompt, or one of classNames, for each class of the mapper',
    })
  }

  dispose(): void {
    this.#prompter?.dispose()
    this.#diffusion?.dispose()
    this.#prompter = undefined
    this.#diffusion = undefined
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  async #holdPrompter(): Promise<EegPrompter> {
    if (this.#prompter !== undefined) return this.#prompter
    if (this.#options.lowMemory) {
      this.#diffusion?.dispose()
      this.#diffusion = undefined
      releaseMemory()
    }
    const { channels, montage, device, dtype } = this.#options
    this.#prompter = await EegPrompter.load(this.#files, defined({ channels, montage, device, dtype }))
    return this.#prompter
  }

  async #holdDiffusion(): Promise<StableDiffusion> {
    if (this.#diffusion !== undefined) return this.#diffusion
    const { lowMemory = false, device, dtype, scheduler, predictionType } = this.#options
    const { tokenizer, controlNet, onProgress, signal } = this.#options
    if (lowMemory) {
      this.#prompter?.dispose()
      this.#prompter = undefined
      releaseMemory()
    }
    const placement = { ...(device && { device }), ...(dtype && { dtype }) }
    this.#diffusion = await StableDiffusion.load(this.#files.diffusion, {
      ...{ ...placement, lowMemory, scheduler, predictionType, tokenizer, controlNet, onProgress, signal },
    })
    return this.#diffusion
  }
}

function requireMode(mode: string): void {
  if (EEG_TO_IMAGE_MODES.includes(mode as EegToImageMode)) return
  throw new EegTorchError('INVALID_OPTION', 'there is no such mode', {
    option: 'mode',
    expected: EEG_TO_IMAGE_MODES.join(' or '),
    received: mode,
  })
}
