import { noGrad } from '../autograd.ts'
import { scope } from '../memory.ts'
import type { Tensor } from '../tensor.ts'
import type { GeneratedPicture, GenerationFolder } from './pictures/generation-folder.ts'
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
  /** Whether the networks learned from this trial, or were chosen by it; absent where some of their files do not say. */
  trained?: boolean | undefined
  /** The file that was seen. */
  stimulus?: string | undefined
  /** The picture whose structure a ControlNet was told. */
  structure?: string | undefined
}

/** What is told of a picture. */
export type PictureWords = Pick<GeneratedPicture, 'predicted' | 'prompt' | 'mode' | 'sentence' | 'keyword'>

/** A batch that is being drawn, and what is told of each of its pictures. */
export interface DrawnBatch {
  generation: Generation
  words: readonly PictureWords[]
  /** What the generation draws from; freed when the pictures are written. */
  inputs?: readonly Tensor[]
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
    try {
      for await (const { step, steps, preview } of drawn.generation) {
        if (preview !== undefined) await showPreview(folder, preview)
        onProgress?.({ done: from, total: left.length, step, steps })
      }
      using images = await drawn.generation.images()
      const some = indices.map((i) => work[i]!)
      await write(folder, some, drawn.words, images, seed)
    } finally {
      for (const tensor of drawn.inputs ?? []) tensor.dispose()
    }
  }
  await folder.writePreview()
  await folder.writeGrid()
  return left.length
}

async function write(
  folder: GenerationFolder,
  work: readonly PictureWork[],
  words: readonly PictureWords[],
  images: Tensor,
  seed: number,
): Promise<void> {
  for (const [i, picture] of (await picturesOf(images)).entries()) {
    const { trial, stimulus, structure, trained, true: truth } = work[i]!
    await folder.add({ trial, seed, picture, stimulus, structure, trained, true: truth, ...words[i]! })
  }
}

/** The pictures of a batch (pictures, height, width, 3) side by side. It frees them. */
async function showPreview(folder: GenerationFolder, preview: Tensor): Promise<void> {
  const [count, height, width] = preview.shape as [number, number, number]
  using row = noGrad(() => scope(() => preview.permute([1, 0, 2, 3]).reshape([1, height, count * width, 3])))
  preview.dispose()
  const [picture] = await picturesOf(row)
  await folder.writePreview(picture)
}
