import type { AddedToken, SpecialTokens } from './special-tokens.ts'

/** How text is split, in the terms of `tokenizer.json`. */
export interface TokenizerDefinition {
  /** Without its vocabulary and merges. */
  model: object
  normalizer: object | null
  pre_tokenizer: object | null
  /** Tokens around a sequence are added outside, so that truncation keeps them. */
  post_processor: null
  /** null: tokens are joined outside. */
  decoder: object | null
  added_tokens: AddedToken[]
}

/** Words of CLIP's byte-pair encoding (Radford et al. 2021): letters, single digits, and all else that is no space. */
const CLIP_WORDS =
  "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+"
/** How bytes are grouped within such a word. The library's own pattern takes U+FEFF for a space, which the reference does not. */
const GPT_WORDS = "'s|'t|'re|'ve|'m|'ll|'d|\\p{L}+|\\p{N}+|[^\\s\\p{L}\\p{N}]+"
/** Words of Llama 3 (Grattafiori et al. 2024, arXiv 2407.21783), as its files write them. */
export const LLAMA3_WORDS =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
/** Llama's mark of a space. */
const SPACE = '\u2581'

/** How CLIP splits text (transformers 5, `CLIPTokenizer`): byte pairs over words in lower case, `</w>` at their ends. */
export function clipDefinition({ roles, added }: SpecialTokens): TokenizerDefinition {
  return {
    model: {
      type: 'BPE',
      unk_token: roles.unk_token,
      continuing_subword_prefix: '',
      end_of_word_suffix: '</w>',
    },
    normalizer: sequence('normalizers', [
      { type: 'NFC' },
      { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' },
      // JavaScript writes a sigma at a word's end as ς, the reference every sigma as σ.
      { type: 'Replace', pattern: { String: 'Σ' }, content: 'σ' },
      { type: 'Lowercase' },
      ...keepFromBecomingSpecial(added),
    ]),
    pre_tokenizer: sequence('pretokenizers', [
      { type: 'Split', pattern: { Regex: CLIP_WORDS }, behavior: 'Removed', invert: true },
      { type: 'Split', pattern: { Regex: GPT_WORDS }, behavior: 'Removed', invert: true },
      { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
    ]),
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    added_tokens: added,
  }
}

/** Where Llama puts a mark of a space that the text does not have: nowhere, before each part between special tokens, or before the first. */
export type SpaceBefore = 'never' | 'always' | 'first'

/**
 * How Llama splits text (transformers 5, `LlamaTokenizer`): byte pairs over the whole text, spaces marked, characters outside the
 * vocabulary as their bytes.
 */
export function llamaDefinition({ added }: SpecialTokens, spaceBefore: SpaceBefore): TokenizerDefinition {
  return {
    model: { type: 'BPE', unk_token: null, fuse_unk: true, byte_fallback: true },
    normalizer: null,
    pre_tokenizer: { type: 'Metaspace', replacement: SPACE, prepend_scheme: spaceBefore, split: false },
    post_processor: null,
    decoder: null,
    added_tokens: added,
  }
}

/** How Llama 3 splits text (transformers 5, `PreTrainedTokenizerFast`): byte pairs over the bytes of words and the space before them. */
export function llama3Definition({ added }: SpecialTokens, ignoresMerges: boolean): TokenizerDefinition {
  return {
    model: { type: 'BPE', unk_token: null, ignore_merges: ignoresMerges },
    normalizer: null,
    pre_tokenizer: sequence('pretokenizers', [
      { type: 'Split', pattern: { Regex: LLAMA3_WORDS }, behavior: 'Isolated', invert: false },
      { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
    ]),
    post_processor: null,
    decoder: null,
    added_tokens: added,
  }
}

/**
 * Only the written form of a token that is not sought in normalised text is that token: `<|ENDOFTEXT|>` is text. The library takes it for
 * the token where it stands alone after normalising; a space before it, which splitting drops, prevents that.
 */
function keepFromBecomingSpecial(added: readonly AddedToken[]): object[] {
  const either = (tokens: readonly AddedToken[]): string =>
    tokens.map(({ content }) => content.replace(/[^\p{L}\p{N}]/gu, '\\$&')).join('|')
  const written = added.filter(({ normalized }) => !normalized)
  const sought = added.filter(({ normalized }) => normalized)
  if (written.length === 0) return []
  const start = sought.length === 0 ? '\\A' : `(?:\\A|(?<=${either(sought)}))`
  return [{ type: 'Replace', pattern: { Regex: `${start}(?=${either(written)})` }, content: ' ' }]
}

function sequence(name: string, parts: object[]): object {
  return { type: 'Sequence', [name]: parts }
}
