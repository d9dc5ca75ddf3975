import { join } from 'node:path'
import type { Model, ModelPlacement } from '../../models/model.ts'
import type { Tensor } from '../../tensor.ts'
import { generatePictures, type PictureSource, type PictureWork } from '../generate-pictures.ts'
import { GenerationFolder } from '../pictures/generation-folder.ts'
import { StableDiffusion } from '../stable-diffusion/stable-diffusion.ts'
import { type EegPrompts, promptsOfRows, promptsOfTokens, tensorsOfPrompts } from './eeg-prompter.ts'

/** What is drawn while a mapper learns. */
export interface EpochPictureOptions extends ModelPlacement {
  /** A folder of Stable Diffusion in diffusers' layout. */
  diffusion: string
  /** Epochs between pictures. */
  every: number
  /** Where each drawn epoch gets a folder. */
  folder: string
  /** What the token reader gave of the trials, those of `work` first: (trials, tokens, width). */
  tokens: Tensor
  work: readonly PictureWork[]
  classNames: readonly string[]
  drawing: { steps: number; guidance: number; seed: number; height?: number | undefined; width?: number | undefined }
}

/**
 * Pictures of some trials after every so many epochs of a mapper's training, from the same noise each time, so that they show what it learnt. The
 * diffusion model is loaded when it is first needed.
 */
export class EpochPictures implements AsyncDisposable {
  readonly #options: EpochPictureOptions
  #diffusion: StableDiffusion | undefined

  constructor(options: EpochPictureOptions) {
    this.#options = options
  }

  /**
   * Draws if it is this epoch's turn, into `epoch_N/`; what is there is not made again.
   *
   * @throws EegTorchError of the pipeline or the folder
   */
  async draw(mapper: Model<'eeg_clip_mapper'>, epoch: number, signal?: AbortSignal): Promise<void> {
    const { every, folder, work, drawing, diffusion } = this.#options
    if (epoch % every !== 0) return
    await using opened = await GenerationFolder.open(join(folder, `epoch_${epoch}`), {
      settings: { ...drawing, diffusion, epoch },
    })
    using source = await this.#source(mapper)
    await generatePictures(source, work, opened, { seed: drawing.seed, batch: 1, signal })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#diffusion?.dispose()
    this.#diffusion = undefined
  }

  async #source(mapper: Model<'eeg_clip_mapper'>): Promise<PictureSource> {
    const { diffusion: path, device, dtype, tokens, work, classNames, drawing } = this.#options
    const placement = { ...(device && { device }), ...(dtype && { dtype }) }
    this.#diffusion ??= await StableDiffusion.load(path, placement)
    const diffusion = this.#diffusion
    let prompts: EegPrompts | undefined
    return {
      async prepare(_, signal) {
        using rows = tokens.narrow(0, 0, work.length)
        prompts = await promptsOfTokens(mapper, rows, { signal })
      },
      async draw(indices, numbers, signal) {
        const rows = promptsOfRows(prompts!, indices)
        return {
          generation: diffusion.generate(
            { embeddings: rows.embeddings },
            { ...drawing, numbers: [...numbers], signal },
          ),
          inputs: tensorsOfPrompts(rows),
          words: rows.labels.map((label) => ({
            ...{ predicted: classNames[label] ?? String(label), prompt: null, mode: 'eeg-tokens' },
          })),
        }
      },
      [Symbol.dispose]() {
        for (const tensor of prompts === undefined ? [] : tensorsOfPrompts(prompts)) tensor.dispose()
      },
    }
  }
}
