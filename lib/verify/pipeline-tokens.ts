import { tensor } from '../creation.ts'
import type { NamedTensors } from '../models/model.ts'
import type { Tokenizer } from '../tokenizers/tokenizer.ts'

/** Ids of texts as CLIP's encoders want them, filled up and cut: (texts, 77). */
export function paddedIds(tokenizer: Tokenizer, texts: readonly string[]) {
  return tensor(tokenizer.encodeBatch(texts, { padTo: 'maxLength', truncate: true }).ids, { dtype: 'int64' })
}

/** What a folder's tokenizer makes of the sentences and prompts that were asked of it. */
export function tokensOf(
  tokenizer: Tokenizer,
  asked: { prompt: string; negative_prompt: string; sentences?: readonly string[] | undefined },
  expected: NamedTensors,
): NamedTensors {
  const { sentences } = asked
  return {
    // Folders of older tools do not say which sentences their tokens are of.
    'tokens.sentences': sentences === undefined ? expected['tokens.sentences']! : paddedIds(tokenizer, sentences),
    'tokens.prompt': paddedIds(tokenizer, [asked.prompt]),
    'tokens.negative': paddedIds(tokenizer, [asked.negative_prompt]),
  }
}
