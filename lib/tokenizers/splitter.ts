import * as library from '@huggingface/tokenizers'
import type { TokenizerDefinition } from './definitions.ts'

/** What is used of the library's class: its own declarations name files without extensions, which TypeScript does not find. */
export interface Splitter {
  encode(text: string, options: { add_special_tokens: boolean }): { ids: number[] }
  decode(ids: number[], options: { skip_special_tokens: boolean; clean_up_tokenization_spaces: boolean }): string
  token_to_id(token: string): number | undefined
  id_to_token(id: number): string | undefined
  get_vocab(): Map<string, number>
}

export function makeSplitter(definition: TokenizerDefinition): Splitter {
  const { Tokenizer } = library as unknown as { Tokenizer: new (definition: object, config: object) => Splitter }
  return new Tokenizer(definition, {})
}
