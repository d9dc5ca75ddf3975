import { EegTorchError } from '../errors.ts'
import { areFinite } from '../finite.ts'
import { Arena } from '../memory.ts'
import type { Tensor } from '../tensor.ts'
import type { GenerationHooks, GenerationProgress } from './options.ts'

/** What is yielded after each step. */
export interface GenerationStep extends GenerationProgress {
  /** Pictures of how things stand (batch, height, width, 3) in 0 to 1, where `previewEvery` asks for them and the last step is still to come; the taker's to dispose of. */
  preview?: Tensor
}

/** One batch on its way from noise to pictures: what a pipeline gives to {@link Generation}. */
export interface PictureRun extends Disposable {
  /** How often {@link PictureRun.step} is to be called. */
  readonly steps: number
  /** What the next step starts from; it must be finite throughout. */
  readonly state: Tensor
  /** Takes the next step. Heavy work goes to the compute thread. */
  step(): Promise<void>
  /** Pictures of how things stand: (batch, height, width, 3) in 0 to 1. */
  decode(): Promise<Tensor>
}

/**
 * Makes a run of tensors that are freed with it, or at once where it cannot be made.
 *
 * @internal
 */
export async function holding<R extends PictureRun>(make: (held: Arena) => Promise<R>): Promise<R> {
  const held = new Arena()
  try {
    return await make(held)
  } catch (error) {
    held[Symbol.dispose]()
    throw error
  }
}

/** @internal How to walk through a run. */
export interface GenerationSettings extends GenerationHooks {
  previewEvery: number
}

/**
 * A batch of pictures that is being made: `for await (const { step, preview } of generation)`. Its end is in {@link Generation.images}, which also
 * walks the rest of the way. A loop that is left early frees what the run held.
 */
export class Generation implements AsyncIterable<GenerationStep> {
  readonly #walk: AsyncGenerator<GenerationStep, void, undefined>
  #images: Tensor | undefined

  /** @internal @param start makes the run: at the first step, not before */
  constructor(start: () => Promise<PictureRun>, settings: GenerationSettings) {
    this.#walk = this.#steps(start, settings)
  }

  [Symbol.asyncIterator](): AsyncGenerator<GenerationStep, void, undefined> {
    return this.#walk
  }

  /**
   * The pictures (batch, height, width, 3) in 0 to 1, on the pipeline's device, float32; the caller's to dispose of.
   *
   * @throws EegTorchError `CANCELLED` by the signal, or where the loop over the steps was left; `DIVERGED`
   */
  async images(): Promise<Tensor> {
    for await (const { preview } of this.#walk) preview?.dispose()
    if (this.#images !== undefined) return this.#images
    throw new EegTorchError('CANCELLED', 'the pictures were left before their last step')
  }

  async *#steps(
    start: () => Promise<PictureRun>,
    { signal, onProgress, previewEvery }: GenerationSettings,
  ): AsyncGenerator<GenerationStep, void, undefined> {
    requireLife(signal)
    using run = await start()
    const { steps } = run
    for (let step = 1; step <= steps; step++) {
      requireLife(signal)
      await run.step()
      await requireFinite(run.state, `after step ${step} of ${steps}`)
      onProgress?.({ step, steps })
      const isShown = step < steps && previewEvery > 0 && step % previewEvery === 0
      if (step === steps) this.#images = await finishedImages(run)
      yield { step, steps, ...(isShown && { preview: await finishedImages(run) }) }
    }
  }
}

async function finishedImages(run: PictureRun): Promise<Tensor> {
  const images = await run.decode()
  try {
    await requireFinite(images, 'in a picture')
    return images
  } catch (error) {
    images.dispose()
    throw error
  }
}

function requireLife(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new EegTorchError('CANCELLED', 'the pictures were cancelled', { cause: signal.reason })
}

async function requireFinite(values: Tensor, where: string): Promise<void> {
  if (values.dtype === 'int64' || (await areFinite(values))) return
  throw new EegTorchError('DIVERGED', `there are values ${where} that are no numbers`, {
    expected:
      values.dtype === 'float16'
        ? 'finite values: half precision overflows in this model, so take bfloat16 or float32'
        : 'finite values: look at the weights and the conditions',
    received: `NaN or infinity in ${values.dtype}`,
  })
}
