import { join } from 'node:path'
import { findJsonObject, findText, type JsonObject } from '../checkpoints/json-file.ts'
import { defined } from '../defined.ts'
import { EegTorchError } from '../errors.ts'
import { inPieces } from '../files/in-pieces.ts'
import { isObject } from '../is-object.ts'
import { MAX_FILE_BYTES, readBytePairs } from './byte-pairs.ts'
import { joinByteLevelTokens, joinByteTokens } from './byte-tokens.ts'
import { clipDefinition, LLAMA3_WORDS, llama3Definition, llamaDefinition, type SpaceBefore } from './definitions.ts'
import { readSpecialTokens } from './special-tokens.ts'
import { makeSplitter } from './splitter.ts'
import { Tokenizer, type TokenizerSettings } from './tokenizer.ts'
import { findTokenizerFile, type TokenizerFile } from './tokenizer-file.ts'

/** transformers writes 1e30 where a model names no length. */
const NO_LIMIT = 1e15
const CLIP_ROLES = {
  bos_token: '<|startoftext|>',
  eos_token: '<|endoftext|>',
  unk_token: '<|endoftext|>',
  pad_token: '<|endoftext|>',
}
const LLAMA_ROLES = { bos_token: '<s>', eos_token: '</s>', unk_token: '<unk>' }

type Parts = Pick<TokenizerSettings, 'splitter' | 'added' | 'before' | 'after' | 'join' | 'roles'>
type Config = JsonObject

/** What goes before the files of a tokenizer. */
export interface LoadTokenizerOptions {
  /** The token that rows are filled with. */
  padToken?: string | undefined
}

/**
 * The tokenizer of a folder as transformers and diffusers write it: CLIP's (`vocab.json` and `merges.txt`, or `tokenizer.json`),
 * Llama's or Llama 3's (`tokenizer.json`), with `tokenizer_config.json` and, where it is there, `special_tokens_map.json`.
 *
 * @throws EegTorchError `FILE_NOT_FOUND` if files are missing, `FILE_UNSUPPORTED` for another class of tokenizer, `FILE_INVALID` for files that
 *   do not hold
 */
export async function loadTokenizer(folder: string, { padToken }: LoadTokenizerOptions = {}): Promise<Tokenizer> {
  const definition = await findTokenizerFile(folder)
  const config = (await findJsonObject(join(folder, 'tokenizer_config.json'), MAX_FILE_BYTES)) ?? {}
  const name = className(config, definition, folder)
  const said = defined({ pad_token: padToken })
  const parts = await PARTS[name](folder, config, definition, said)
  const chatTemplate = (await findText(join(folder, 'chat_template.jinja'), MAX_FILE_BYTES)) ?? config.chat_template
  return new Tokenizer({
    ...parts,
    folder,
    maxLength: limit(config.model_max_length, folder),
    truncationSide: config.truncation_side === 'left' ? 'left' : 'right',
    paddingSide: (config.padding_side ?? (name === 'LlamaTokenizer' ? 'left' : 'right')) === 'left' ? 'left' : 'right',
    chatTemplate: typeof chatTemplate === 'string' ? chatTemplate : undefined,
  })
}

async function clipParts(
  folder: string,
  config: Config,
  definition: TokenizerFile | undefined,
  said: TokenizerSettings['roles'],
): Promise<Parts> {
  const pairs = await readBytePairs(folder, definition)
  const special = await readSpecialTokens(folder, config, definition, pairs.vocab, CLIP_ROLES, said)
  const { roles, added } = special
  return {
    splitter: await inPieces(makeSplitter(clipDefinition(special), pairs)),
    added,
    before: [roles.bos_token!],
    after: [roles.eos_token!],
    join: undefined,
    roles,
  }
}

async function llamaParts(
  folder: string,
  config: Config,
  definition: TokenizerFile | undefined,
  said: TokenizerSettings['roles'],
): Promise<Parts> {
  if (definition === undefined) {
    throw new EegTorchError('FILE_NOT_FOUND', "this folder holds no file of Llama's tokenizer that can be read", {
      file: folder,
      expected: 'tokenizer.json (tokenizer.model alone is not read)',
    })
  }
  const pairs = await readBytePairs(folder, definition)
  const special = await readSpecialTokens(folder, config, definition, pairs.vocab, LLAMA_ROLES, said)
  const { roles, added } = special
  const around = surroundings(definition.postProcessor, new Set(added.map(({ content }) => content)), folder)
  const space = spaceBefore(config)
  return {
    splitter: await inPieces(makeSplitter(llamaDefinition(special, space), pairs)),
    added,
    ...around,
    join: (tokens) => joinByteTokens(tokens, space !== 'never'),
    roles,
  }
}

async function llama3Parts(
  folder: string,
  config: Config,
  definition: TokenizerFile | undefined,
  said: TokenizerSettings['roles'],
): Promise<Parts> {
  const pairs = await readBytePairs(folder, definition)
  const special = await readSpecialTokens(folder, config, definition, pairs.vocab, {}, said)
  const { roles, added } = special
  const around = surroundings(definition!.postProcessor, new Set(added.map(({ content }) => content)), folder)
  const ignoresMerges = definition!.model.ignore_merges === true
  return {
    splitter: await inPieces(makeSplitter(llama3Definition(special, ignoresMerges), pairs)),
    added,
    ...around,
    join: joinByteLevelTokens,
    roles,
  }
}

const PARTS = { CLIPTokenizer: clipParts, LlamaTokenizer: llamaParts, 'Llama 3': llama3Parts }

function spaceBefore({ add_prefix_space, legacy }: Config): SpaceBefore {
  if (add_prefix_space === false) return 'never'
  return legacy === true ? 'always' : 'first'
}

/** The tokens that a template of `tokenizer.json` puts around one sequence. */
function surroundings(template: unknown, known: ReadonlySet<string>, folder: string): Pick<Parts, 'before' | 'after'> {
  const none = { before: [], after: [] }
  if (template === undefined || template === null) return none
  const refuse = (received: unknown): EegTorchError =>
    new EegTorchError('FILE_UNSUPPORTED', "the tokenizer's post_processor is not known", {
      file: join(folder, 'tokenizer.json'),
      expected: 'a TemplateProcessing of known tokens',
      received: JSON.stringify(received)?.slice(0, 200) ?? 'nothing',
    })
  if (!isObject(template)) throw refuse(template)
  if (template.type === 'Sequence' && Array.isArray(template.processors)) {
    const inner = template.processors.filter((part: unknown) => isObject(part) && part.type !== 'ByteLevel')
    if (inner.length > 1) throw refuse(template)
    return surroundings(inner[0], known, folder)
  }
  if (template.type === 'ByteLevel') return none
  if (template.type !== 'TemplateProcessing' || !Array.isArray(template.single)) throw refuse(template)
  const tokens = template.single.map((item: unknown) => {
    if (isObject(item) && isObject(item.Sequence)) return undefined
    const id = isObject(item) && isObject(item.SpecialToken) ? item.SpecialToken.id : undefined
    if (typeof id === 'string' && known.has(id)) return id
    throw refuse(item)
  })
  const at = tokens.indexOf(undefined)
  if (at < 0 || at !== tokens.lastIndexOf(undefined)) throw refuse(template.single)
  return { before: tokens.slice(0, at) as string[], after: tokens.slice(at + 1) as string[] }
}

/** The class that a folder names, else the one that its files look like. Llama 3's folders name the class of any `tokenizer.json`. */
function className(config: Config, definition: TokenizerFile | undefined, folder: string): keyof typeof PARTS {
  const guess =
    definition === undefined || definition.model.end_of_word_suffix === '</w>' ? 'CLIPTokenizer' : 'LlamaTokenizer'
  const named = typeof config.tokenizer_class === 'string' ? config.tokenizer_class.replace(/Fast$/, '') : guess
  const isOpen =
    named === 'PreTrainedTokenizer' || named === 'TokenizersBackend' || config.tokenizer_class === undefined
  if (isOpen && definition !== undefined && splitsAsLlama3(definition)) return 'Llama 3'
  if (named === 'CLIPTokenizer' || named === 'LlamaTokenizer') return named
  throw new EegTorchError('FILE_UNSUPPORTED', 'this class of tokenizer is not known', {
    file: join(folder, 'tokenizer_config.json'),
    expected: 'CLIPTokenizer, LlamaTokenizer, or PreTrainedTokenizerFast with the words of Llama 3',
    received: String(config.tokenizer_class),
  })
}

function splitsAsLlama3({ normalizer, preTokenizer }: TokenizerFile): boolean {
  if ((normalizer ?? null) !== null || !isObject(preTokenizer) || !Array.isArray(preTokenizer.pretokenizers))
    return false
  const [split, bytes, ...more] = preTokenizer.pretokenizers as unknown[]
  if (!isObject(split) || !isObject(split.pattern) || !isObject(bytes) || more.length > 0) return false
  return (
    split.type === 'Split' &&
    split.pattern.Regex === LLAMA3_WORDS &&
    split.behavior === 'Isolated' &&
    bytes.type === 'ByteLevel' &&
    bytes.add_prefix_space === false &&
    bytes.use_regex === false
  )
}

function limit(value: unknown, folder: string): number | undefined {
  if (value === undefined || value === null || (typeof value === 'number' && value > NO_LIMIT)) return undefined
  if (Number.isInteger(value) && (value as number) > 0) return value as number
  throw new EegTorchError('FILE_INVALID', 'the model_max_length does not hold', {
    file: join(folder, 'tokenizer_config.json'),
    expected: 'a positive integer',
    received: JSON.stringify(value),
  })
}
