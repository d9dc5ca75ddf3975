import type { Tensor } from '../tensor.ts'
import type { GenerationFolder } from './pictures/generation-folder.ts'
import { picturesOf } from './pictures/picture.ts'
import type { Generation } from './pipeline.ts'

/** One picture that is to be made. */
export interface PictureWork {
  /** What tells the trial from all others. */
  trial: string
  /** Its number, from which its noise is drawn. */
  number: number
  /** Class of what was seen; absent where nobody knows. */
  true?: string | undefined
  /** The file that was seen. */
  stimulus?: string | undefined
}

/** A batch that is being drawn, and what is told of each of its pictures. */
export interface DrawnBatch {
  generation: Generation
  /** Class that was read. */
  predicted: readonly string[]
  /** What the model was told in words; null where it saw what was read from the EEG. */
  prompts: readonly (string | null)[]
  /** How the pictures are made; it stands in every output. */
  mode: string
}

/** Draws the pictures of some of the work. */
export interface PictureSource extends Disposable {
  /** Told once which work is still to be done, before the first batch. */
  prepare(indices: readonly number[], signal?: AbortSignal): Promise<void>
  draw(indices: readonly number[], numbers: readonly number[], signal?: AbortSignal): Promise<DrawnBatch>
}

/** How to go through the work. */
export interface GeneratePicturesOptions {
  seed: number
  /** Pictures at a time. */
  batch: number
  signal?: AbortSignal | undefined
  onProgress?: ((progress: { done: number; total: number; step: number; steps: number }) => void) | undefined
}

/**
 * Makes the pictures that a folder does not have yet, batch by batch, and its grid. What was written stays whatever happens later.
 *
 * @returns how many were made
 * @throws EegTorchError of the pipeline or the folder
 */
export async function generatePictures(
  source: PictureSource,
  work: readonly PictureWork[],
  folder: GenerationFolder,
  { seed, batch, signal, onProgress }: GeneratePicturesOptions,
): Promise<number> {
  const left = [...work.keys()].filter((i) => !folder.has({ trial: work[i]!.trial, seed }))
  if (left.length > 0) await source.prepare(left, signal)
  for (let from = 0; from < left.length; from += batch) {
    const indices = left.slice(from, from + batch)
    const drawn = await source.draw(
      indices,
      indices.map((i) => work[i]!.number),
      signal,
    )
    for await (const { step, steps, preview } of drawn.generation) {
      preview?.dispose()
      onProgress?.({ done: from, total: left.length, step, steps })
    }
    const images = await drawn.generation.images()
    await write(
      folder,
      indices.map((i) => work[i]!),
      drawn,
      images,
      seed,
    )
    images.dispose()
  }
  await folder.writeGrid()
  return left.length
}

async function write(
  folder: GenerationFolder,
  work: readonly PictureWork[],
  { predicted, prompts, mode }: DrawnBatch,
  images: Tensor,
  seed: number,
): Promise<void> {
  for (const [i, picture] of (await picturesOf(images)).entries()) {
    const { trial, stimulus, true: truth } = work[i]!
    await folder.add({
      trial,
      seed,
      mode,
      picture,
      stimulus,
      true: truth,
      predicted: predicted[i]!,
      prompt: prompts[i]!,
    })
  }
}
