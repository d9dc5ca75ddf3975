import * as library from '@huggingface/tokenizers'
import type { Pieces } from '../files/in-pieces.ts'
import { type BytePairs, isPause } from './byte-pairs.ts'
import type { TokenizerDefinition } from './definitions.ts'

/** What is used of the library's class: its own declarations name files without extensions, which TypeScript does not find. */
export interface Splitter {
  encode(text: string, options: { add_special_tokens: boolean }): { ids: number[] }
  decode(ids: number[], options: { skip_special_tokens: boolean; clean_up_tokenization_spaces: boolean }): string
  token_to_id(token: string): number | undefined
  id_to_token(id: number): string | undefined
  readonly model: BytePairModel
}

/** The library's byte-pair encoding. */
interface BytePairModel {
  tokens_to_ids: Map<string, number>
  vocab: string[]
  /** By the JSON of a pair, its place in the order of merges. */
  bpe_ranks: Map<string, number>
  unk_token: string | null
  unk_token_id: number | undefined
}

/** The library makes its tables of a vocabulary at once, in a tenth of a second and more. So it gets an empty one, and its tables a piece at a time. */
export function* makeSplitter(definition: TokenizerDefinition, pairs: BytePairs): Pieces<Splitter> {
  const { Tokenizer } = library as unknown as { Tokenizer: new (definition: object, config: object) => Splitter }
  const splitter = new Tokenizer({ ...definition, model: { ...definition.model, vocab: {}, merges: [] } }, {})
  const { model } = splitter
  model.tokens_to_ids = new Map()
  model.vocab = new Array<string>(pairs.vocab.size)
  for (const [token, id] of pairs.vocab) {
    model.tokens_to_ids.set(token, id)
    model.vocab[id] = token
    if (isPause(model.tokens_to_ids.size)) yield
  }
  model.unk_token_id = model.tokens_to_ids.get(model.unk_token ?? '')
  for (const [rank, pair] of pairs.merges.entries()) {
    model.bpe_ranks.set(JSON.stringify(pair), rank)
    if (isPause(rank)) yield
  }
  for (const { content, id } of definition.added_tokens) {
    model.tokens_to_ids.set(content, id)
    model.vocab[id] = content
  }
  return splitter
}
