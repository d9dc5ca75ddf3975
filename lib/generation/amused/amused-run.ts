import { noGrad } from '../../autograd.ts'
import { cat, empty, rand } from '../../creation.ts'
import type { Device } from '../../dtype.ts'
import type { Generator } from '../../generator.ts'
import { Arena, scope } from '../../memory.ts'
import { asyncOps } from '../../ops/index.ts'
import type { Tensor } from '../../tensor.ts'
import type { PictureRun } from '../pipeline.ts'
import type { MaskedTokensSampling, TokenDraws } from '../schedulers/masked-tokens.ts'

/** What one run is made of. */
export interface MaskedTokenDrawing {
  sampling: MaskedTokensSampling
  /** (batch, rows, columns), all masked, or with some tokens that are to stay. */
  tokens: Tensor
  /** Logits (batch, codes, rows, columns) of tokens. On the compute thread. */
  predict: (tokens: Tensor) => Promise<Tensor>
  /** Draws of a step, from 0. */
  draw: (step: number) => Promise<TokenDraws>
  /** Tokens of which none is masked -> pictures (batch, height, width, 3) in 0 to 1, float32. */
  decode: (tokens: Tensor) => Promise<Tensor>
  /** What the run draws from: freed with it. */
  held: Disposable
}

/** From masked tokens to pictures. */
export class MaskedTokenRun implements PictureRun {
  readonly steps: number
  readonly #parts: MaskedTokenDrawing
  #step = 0
  #tokens: Tensor
  /** None of them masked. */
  #filled: Tensor
  /** Of each token; NaN where a logit was none. */
  #probabilities: Tensor

  constructor(parts: MaskedTokenDrawing) {
    this.#parts = parts
    this.steps = parts.sampling.timesteps.length
    this.#tokens = parts.tokens
    this.#filled = parts.tokens
    this.#probabilities = parts.tokens
  }

  /** The tokens as they stand, some of them masked. */
  get tokens(): Tensor {
    return this.#tokens
  }

  get state(): Tensor {
    return this.#probabilities
  }

  async step(): Promise<void> {
    const { sampling, predict, draw } = this.#parts
    using made = new Arena()
    const draws = made.own(await draw(this.#step))
    const logits = made.own(await predict(this.#tokens))
    const next = await noGrad(() => sampling.stepAsync(logits, this.#tokens, draws))
    this.#free()
    this.#tokens = next.tokens
    this.#filled = next.filled
    this.#probabilities = next.chosen
    this.#step++
  }

  decode(): Promise<Tensor> {
    return this.#parts.decode(this.#filled)
  }

  [Symbol.dispose](): void {
    this.#free()
    this.#parts.held[Symbol.dispose]()
  }

  #free(): void {
    for (const tensor of new Set([this.#tokens, this.#filled, this.#probabilities])) tensor.dispose()
  }
}

/** Draws of one step, each picture's from its own source, as the sampler wants them. */
export async function drawTokens(
  generators: readonly Generator[],
  count: number,
  codes: number,
  device: Device,
): Promise<TokenDraws> {
  const exponentials: Tensor[] = []
  const uniforms: Tensor[] = []
  for (const generator of generators) {
    const numbers = empty([count, codes])
    await asyncOps.aten.exponential_(numbers, { generator })
    exponentials.push(numbers)
    uniforms.push(rand([1, count], { generator }))
  }
  const draws = noGrad(() =>
    scope((keep) => ({
      exponential: keep(cat(exponentials, 0).to(device)),
      uniform: keep(cat(uniforms, 0).to(device)),
    })),
  )
  for (const part of [...exponentials, ...uniforms]) part.dispose()
  return draws
}

/** Classifier-free guidance of logits (without the condition, then with it) -> (batch, ...), on the compute thread. */
export async function guideLogits(both: Tensor, guidance: number): Promise<Tensor> {
  const [without, given] = noGrad(() => both.chunk(2, 0)) as [Tensor, Tensor]
  const apart = await noGrad(() => asyncOps.aten.sub(given, without))
  const guided = await noGrad(() => asyncOps.aten.add(without, apart, { alpha: guidance }))
  for (const tensor of [without, given, apart]) tensor.dispose()
  return guided
}
