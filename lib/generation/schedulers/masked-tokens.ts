import { z } from 'zod'
import { scope } from '../../memory.ts'
import { asyncOps, ops } from '../../ops/index.ts'
import type { Tensor } from '../../tensor.ts'
import { checkSteps, readConfig } from './config.ts'
import { Counter } from './sampling.ts'

const schema = z.object({
  maskTokenId: z.number().int().min(0),
  maskingSchedule: z.enum(['cosine', 'linear']).default('cosine'),
  /** Of the draws that decide what is masked again: first and last, or first alone, which falls to 0.01. */
  temperature: z.union([z.number().min(0), z.tuple([z.number().min(0), z.number().min(0)])]).default([2, 0]),
})

/** What {@link MaskedTokens} is made with, in our spelling. */
export type MaskedTokensConfig = z.input<typeof schema>

/** Draws of one step. */
export interface TokenDraws {
  /** Exponential, (tokens, codebook): a token is the code with the largest probability over draw. */
  exponential: Tensor
  /** Uniform from 0 to 1, (batch, tokens). */
  uniform: Tensor
}

/** What a step leaves. */
export interface TokenStep {
  /** (batch, height, width), those that are still to be drawn `maskTokenId`. */
  tokens: Tensor
  /** The same with every token as it was drawn. */
  filled: Tensor
  /** The probability of each of these, (batch, tokens). */
  chosen: Tensor
}

const LEAST = 1e-20
const { fround } = Math

/** aMUSEd's sampler: all masked tokens are drawn, then the least certain are masked again (Patil et al. 2024). Reference: diffusers `AmusedScheduler`. */
export class MaskedTokens {
  readonly config: z.infer<typeof schema>

  constructor(config: MaskedTokensConfig) {
    this.config = readConfig(schema, config)
  }

  /** @throws EegTorchError `INVALID_OPTION` for a number of steps that is none */
  steps(count: number): MaskedTokensSampling {
    checkSteps(count, Number.MAX_SAFE_INTEGER)
    return new MaskedTokensSampling(this.config, count)
  }
}

/** One run from masked to drawn tokens; it counts its steps. See {@link MaskedTokens}. */
export class MaskedTokensSampling {
  readonly timesteps: readonly number[]
  readonly temperatures: readonly number[]
  private readonly config: MaskedTokens['config']
  private readonly counter: Counter

  constructor(config: MaskedTokens['config'], count: number) {
    this.config = config
    const [first, last] = typeof config.temperature === 'number' ? [config.temperature, 0.01] : config.temperature
    this.timesteps = Array.from({ length: count }, (_, i) => count - 1 - i)
    this.temperatures = this.timesteps.map((_, i) => first + ((last - first) * i) / Math.max(count - 1, 1))
    this.counter = new Counter(count)
  }

  /**
   * @param logits (batch, codebook, height, width)
   * @param tokens (batch, height, width), int64, masked ones `maskTokenId`
   * @returns the tokens after the present step, of the same shape
   */
  step(logits: Tensor, tokens: Tensor, draws: TokenDraws): Tensor {
    return scope((keep) => {
      const probabilities = widened(logits).flatten(2).transpose(1, 2).softmax(-1)
      const drawn = probabilities.div(draws.exponential.reshape(probabilities.shape)).argmax(-1)
      return keep(this.#next(probabilities, drawn, tokens, draws.uniform).tokens)
    })
  }

  /**
   * The same with what is large on the compute thread.
   *
   * @returns besides, all tokens as drawn, none masked, and the probabilities they were drawn with (batch, tokens)
   */
  async stepAsync(logits: Tensor, tokens: Tensor, draws: TokenDraws): Promise<TokenStep> {
    const rows = scope(() => widened(logits).flatten(2).transpose(1, 2))
    const probabilities = await asyncOps.aten.softmax(rows, -1)
    const drawing = draws.exponential.reshape(probabilities.shape)
    const ratios = await asyncOps.aten.div(probabilities, drawing)
    const drawn = await asyncOps.aten.argmax(ratios, -1)
    const step = this.#next(probabilities, drawn, tokens, draws.uniform)
    for (const tensor of [rows, probabilities, drawing, ratios, drawn]) tensor.dispose()
    return step
  }

  #next(probabilities: Tensor, drawn: Tensor, tokens: Tensor, uniform: Tensor): TokenStep {
    const index = this.counter.next()
    const isLast = index === this.timesteps.length - 1
    return scope((keep) => {
      const flat = tokens.flatten(1)
      const unknown = flat.eq(this.config.maskTokenId)
      const filled = ops.aten.where(unknown, drawn, flat)
      const chosen = keep(probabilities.gather(-1, filled.unsqueeze(-1)).squeeze(-1))
      const next = isLast ? filled : this.#maskAgain(index, filled, unknown, chosen, uniform)
      return { tokens: keep(next.reshape(tokens.shape)), filled: keep(filled.reshape(tokens.shape)), chosen }
    })
  }

  /** In float32 as the reference, since a share just below a whole number of tokens masks one less. */
  private shareMasked(index: number): number {
    const done = fround((index + 1) / this.timesteps.length)
    if (this.config.maskingSchedule === 'linear') return fround(1 - done)
    return fround(Math.cos(fround(done * fround(Math.PI)) / 2))
  }

  #maskAgain(index: number, filled: Tensor, unknown: Tensor, chosen: Tensor, uniform: Tensor): Tensor {
    const most = Math.floor(fround(filled.shape[1]! * this.shareMasked(index)))
    const count = unknown.sum(-1, true).sub(1).clamp_max(most).clamp_min(1)
    const sure = chosen.masked_fill(unknown.logical_not(), 3.4028234663852886e38)
    const gumbel = uniform.reshape(sure.shape).clamp_min(LEAST).log().neg().clamp_min(LEAST).log().neg()
    const confidence = sure.clamp_min(LEAST).log().add(gumbel, { alpha: this.temperatures[index]! })
    const cut = confidence.sort(-1)[0].gather(1, count)
    return filled.masked_fill(confidence.lt(cut), this.config.maskTokenId)
  }
}

/** Half precision has neither numbers as large nor as small as the draws need. */
function widened(logits: Tensor): Tensor {
  return logits.dtype === 'float16' || logits.dtype === 'bfloat16' ? logits.to('float32') : logits
}
