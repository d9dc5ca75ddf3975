import { z } from 'zod'
import { EegTorchError } from '../errors.ts'
import { readOptions } from '../read-options.ts'

const size = z.number().int().positive().max(16_384)

/** What every pipeline may be told; each adds its own fields and defaults. */
export const generationFields = {
  /** Steps from noise to picture. */
  steps: z.number().int().positive(),
  /** How far to go from what is drawn without the condition towards what is drawn with it; 1 or less: the condition alone. */
  guidance: z.number().min(0).finite(),
  /** Together with a picture's number it decides its noise, whatever batch it is drawn in. */
  seed: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
  /** Numbers of the pictures, such as those of their trials; default 0, 1, …. */
  numbers: z.array(z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)).optional(),
  /** Pixels; default: what the networks were trained on. */
  height: size.optional(),
  width: size.optional(),
  /** A picture of how things stand after every so many steps; 0: none. */
  previewEvery: z.number().int().min(0).default(0),
  /** On a GPU, launch the network of each step as one CUDA graph, captured once for a size of batch and picture. */
  cudaGraph: z.boolean().default(false),
}

/** What the fields above leave to functions: both are told nothing but numbers, so that a run depends on the options alone. */
export interface GenerationHooks {
  /** Aborted between two steps, or while a step waits, it ends the run with `CANCELLED`. */
  signal?: AbortSignal | undefined
  onProgress?: ((progress: GenerationProgress) => void) | undefined
}

/** How far a run is. */
export interface GenerationProgress {
  /** Steps taken, from 1. */
  step: number
  /** All there are: solvers may take more than were asked for. */
  steps: number
}

/**
 * Reads options that people write.
 *
 * @throws EegTorchError `INVALID_OPTION` naming the field
 */
export function readGenerationOptions<S extends z.ZodObject>(schema: S, given: object): z.infer<S> {
  const { signal: _, onProgress: __, ...options } = given as GenerationHooks & Record<string, unknown>
  return readOptions(schema, options)
}

/**
 * The numbers of the pictures of a batch.
 *
 * @throws EegTorchError `INVALID_OPTION` unless there is one for each
 */
export function pictureNumbers(count: number, numbers?: readonly number[]): readonly number[] {
  if (numbers === undefined) return Array.from({ length: count }, (_, i) => i)
  if (numbers.length === count) return numbers
  throw new EegTorchError('INVALID_OPTION', 'there is not one number for each picture', {
    option: 'numbers',
    expected: `${count} numbers`,
    received: String(numbers.length),
  })
}

/**
 * The size of the pictures, which latents divide.
 *
 * @param usual what the networks were trained on
 * @param factor pixels along a side of one latent
 * @throws EegTorchError `INVALID_OPTION`
 */
export function pictureSize(
  { height, width }: { height?: number | undefined; width?: number | undefined },
  usual: readonly [height: number, width: number],
  factor: number,
): [height: number, width: number] {
  const sizes: [number, number] = [height ?? usual[0], width ?? usual[1]]
  for (const [i, option] of ['height', 'width'].entries()) {
    if (sizes[i]! % factor === 0) continue
    throw new EegTorchError('INVALID_OPTION', `${option} does not fit the networks`, {
      option,
      expected: `a multiple of ${factor}`,
      received: String(sizes[i]),
    })
  }
  return sizes
}
