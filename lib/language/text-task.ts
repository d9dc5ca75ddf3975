import { cat, full } from '../creation.ts'
import { EegTorchError } from '../errors.ts'
import type { Model } from '../models/model.ts'
import { Module } from '../nn/module.ts'
import { Random } from '../random.ts'
import type { Tensor } from '../tensor.ts'
import { ADAPTER_PREFIX } from './adapter.ts'
import type { PrefixPlace } from './decoding.ts'
import { behindPrompt } from './eeg-to-text.ts'
import { integers, type LanguageModel } from './language-model.ts'
import type { TextVocabulary } from './vocabularies.ts'

/** What no word is to be said at. */
const NO_LABEL = -100

/** The parts of a network that learn beside the projection: what belongs to nobody else is a part of the training. */
class Adapter extends Module {
  constructor(language: LanguageModel) {
    super()
    for (const [name, tensor] of Object.entries(language.model.parameters())) {
      if (name.startsWith(ADAPTER_PREFIX)) (this as Record<string, unknown>)[nameOf(name)] = tensor
      else tensor.dispose()
    }
  }

  override forward(): Tensor {
    throw new EegTorchError('INTERNAL', 'an adapter is computed by its language model')
  }
}

/** Names of properties have no dots, as names of parts end there. */
function nameOf(parameter: string): string {
  return parameter.slice(ADAPTER_PREFIX.length).replaceAll('.', '_')
}

/** The loss of sentences behind EEG. The language model is no part of it: only its adapter learns. */
export class TextTask extends Module {
  readonly projection: Model<'eeg_projection'>
  readonly adapter: Adapter
  readonly #language: LanguageModel
  readonly #prompt: readonly number[]
  readonly #place: PrefixPlace

  constructor(
    projection: Model<'eeg_projection'>,
    language: LanguageModel,
    prompt: readonly number[],
    place: PrefixPlace,
  ) {
    super()
    this.projection = projection
    this.adapter = new Adapter(language)
    this.#language = language
    this.#prompt = prompt
    this.#place = place
  }

  /** tokens (batch, tokens, width), sentences (batch, words), -100 where one is shorter. Gives the mean loss of a word. */
  override forward(tokens: Tensor, sentences: Tensor): Tensor[] {
    const projected = this.projection.forward(tokens)
    const words = sentences.clamp_min(0)
    const language = this.#language.model.train(this.training)
    const first = this.#place === 'before-prompt'
    const prompt = integers([this.#prompt]).to(this.#language.device).expand([tokens.shape[0]!, -1])
    const silent = full([tokens.shape[0]!, this.#prompt.length], NO_LABEL, { dtype: 'int64' }).to(this.#language.device)
    const prefixEmbeds = first ? projected : behindPrompt(this.#language, this.#prompt, projected)
    const inputIds = first ? cat([prompt, words], 1) : words
    const labels = first ? cat([silent, sentences], 1) : sentences
    const length = prefixEmbeds.shape[1]! + inputIds.shape[1]!
    // The words end at different places, and nothing looks ahead: padding behind them needs no mask.
    const attentionMask = full([tokens.shape[0]!, length], 1, { dtype: 'int64' }).to(this.#language.device)
    return [language.run({ prefixEmbeds, inputIds, attentionMask, labels }).loss]
  }

  override dispose(): void {
    // projection and adapter belong to the caller
  }
}

/** A sentence for each trial, drawn by the seed, with the token that ends it: (trials, words), -100 behind shorter ones. */
export async function encodeSentences(
  { tokenizer, stopTokens, device }: LanguageModel,
  { sentences }: TextVocabulary,
  labels: readonly number[],
  seed: number,
): Promise<Tensor> {
  const random = new Random(seed, 1)
  const rows = labels.map((label) => {
    const choices = sentences[label]!
    const sentence = choices[Math.floor(random.uniform() * choices.length)]!
    return [...tokenizer.encode(sentence, { specialTokens: false }), stopTokens[0]!]
  })
  const longest = Math.max(...rows.map((row) => row.length))
  return integers(rows.map((row) => [...row, ...new Array<number>(longest - row.length).fill(NO_LABEL)])).to(device)
}
