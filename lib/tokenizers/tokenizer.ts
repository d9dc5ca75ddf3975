import { EegTorchError } from '../errors.ts'
import { type ChatMessage, renderChat } from './chat.ts'
import type { AddedToken, Role } from './special-tokens.ts'
import type { Splitter } from './splitter.ts'

/** What the files of a folder say of a tokenizer. */
export interface TokenizerSettings {
  folder: string
  splitter: Splitter
  added: readonly AddedToken[]
  /** Special tokens that begin and end a sequence. */
  before: readonly string[]
  after: readonly string[]
  roles: Partial<Record<Role, string>>
  /** Tokens that a sequence may have; undefined: any number. */
  maxLength: number | undefined
  paddingSide: 'left' | 'right'
  /** Where too long a text is cut. */
  truncationSide: 'left' | 'right'
  /** Tokens as text; undefined: the definition's decoder. */
  join: ((tokens: readonly string[]) => string) | undefined
  chatTemplate: string | undefined
}

/** How {@link Tokenizer.encode} treats one text. */
export interface EncodeOptions {
  /** Whether the tokens that begin and end a sequence are added; default true. */
  specialTokens?: boolean
  /** Cuts what is longer than `maxLength`, at the end that the folder names, keeping the special tokens; default false: a longer text is an error. */
  truncate?: boolean
  /** Tokens at most; default: the folder's. */
  maxLength?: number
}

/** How {@link Tokenizer.encodeBatch} treats several. */
export interface BatchOptions extends EncodeOptions {
  /** Up to where rows are filled: the longest of them (default), `maxLength`, or a number of tokens. */
  padTo?: 'longest' | 'maxLength' | number
}

/** Token ids of several texts, all of one length. */
export interface EncodedBatch {
  /** (text, token) */
  ids: number[][]
  /** (text, token), 1 where a token is, 0 where the row was filled */
  mask: number[][]
}

/** Turns text into token ids and back, token for token as transformers 5 does from the same folder. {@link loadTokenizer} makes one. */
export class Tokenizer {
  readonly maxLength: number | undefined
  readonly bosId: number | undefined
  readonly eosId: number | undefined
  readonly unkId: number | undefined
  /** What rows are filled with. */
  readonly padId: number | undefined
  /** Ids go from 0 to below this. */
  readonly vocabSize: number
  private readonly settings: TokenizerSettings
  private readonly before: readonly number[]
  private readonly after: readonly number[]
  private readonly splitter: Splitter
  private readonly special: ReadonlySet<number>

  constructor(settings: TokenizerSettings) {
    this.settings = settings
    this.splitter = settings.splitter
    this.special = new Set(settings.added.filter((token) => token.special).map(({ id }) => id))
    this.before = this.idsOf(settings.before)
    this.after = this.idsOf(settings.after)
    this.maxLength = settings.maxLength
    this.bosId = this.idOf('bos_token')
    this.eosId = this.idOf('eos_token')
    this.unkId = this.idOf('unk_token')
    this.padId = this.idOf('pad_token')
    this.vocabSize = this.splitter.model.tokens_to_ids.size
  }

  /** @throws EegTorchError `INVALID_OPTION` for a text of more than `maxLength` tokens, unless `truncate` */
  encode(text: string, options: EncodeOptions = {}): number[] {
    const { specialTokens = true, truncate = false, maxLength = this.maxLength } = options
    const bare = this.splitter.encode(wellFormed(text), { add_special_tokens: false }).ids
    const [before, after] = specialTokens ? [this.before, this.after] : [[], []]
    const length = before.length + bare.length + after.length
    if (maxLength === undefined || length <= maxLength) return [...before, ...bare, ...after]
    const room = maxLength - before.length - after.length
    const from = this.settings.truncationSide === 'left' ? bare.length - room : 0
    if (truncate && room >= 0) return [...before, ...bare.slice(from, from + room), ...after]
    throw new EegTorchError('INVALID_OPTION', `the text ${JSON.stringify(shorten(text))} is too long`, {
      option: truncate ? 'maxLength' : 'text',
      expected: truncate ? `at least ${before.length + after.length}` : `at most ${maxLength} tokens`,
      received: truncate ? String(maxLength) : `${length} tokens`,
    })
  }

  /**
   * Several texts as rows of one length, filled with the folder's padding token on the side that it names.
   *
   * @throws EegTorchError as {@link encode}; `INVALID_OPTION` if rows need filling and the folder has no padding token
   */
  encodeBatch(texts: readonly string[], options: BatchOptions = {}): EncodedBatch {
    const rows = texts.map((text) => this.encode(text, options))
    const longest = Math.max(0, ...rows.map((row) => row.length))
    const length = this.paddedLength(options, longest)
    const padded = rows.map((row) => this.fill(row, length))
    return { ids: padded.map(({ ids }) => ids), mask: padded.map(({ mask }) => mask) }
  }

  /**
   * @param options.skipSpecialTokens leaves special tokens out; default true
   * @throws EegTorchError `INVALID_OPTION` for an id outside the vocabulary
   */
  decode(ids: readonly number[], options: { skipSpecialTokens?: boolean } = {}): string {
    if (ids.length === 0) return ''
    const unknown = ids.find((id) => this.splitter.id_to_token(id) === undefined)
    if (unknown !== undefined) {
      throw new EegTorchError('INVALID_OPTION', 'there is no such token', {
        option: 'ids',
        expected: `ids below ${this.vocabSize}`,
        received: String(unknown),
      })
    }
    const shown = (options.skipSpecialTokens ?? true) ? ids.filter((id) => !this.special.has(id)) : [...ids]
    if (shown.length === 0) return ''
    return this.settings.join?.(shown.map((id) => this.splitter.id_to_token(id)!)) ?? this.words(shown)
  }

  /** The token of an id, as the vocabulary writes it. */
  token(id: number): string | undefined {
    return this.splitter.id_to_token(id)
  }

  /**
   * Messages as one text, by the chat template of the folder. Its special tokens are written out: encode it with `specialTokens: false`.
   *
   * @param options.generationPrompt ends with what begins an answer; default true
   * @throws EegTorchError `INVALID_OPTION` if the folder has no template or the template refuses the messages
   */
  chat(messages: readonly ChatMessage[], options: { generationPrompt?: boolean } = {}): string {
    const { chatTemplate, roles, folder } = this.settings
    return renderChat(chatTemplate, messages, options.generationPrompt ?? true, roles, folder)
  }

  /** CLIP's ends of words become spaces, but the last. */
  private words(ids: number[]): string {
    const options = { skip_special_tokens: false, clean_up_tokenization_spaces: false }
    return this.splitter.decode(ids, options).replace(PYTHON_SPACE_AROUND, '')
  }

  private paddedLength({ padTo = 'longest', maxLength = this.maxLength }: BatchOptions, longest: number): number {
    const length = padTo === 'longest' ? longest : padTo === 'maxLength' ? maxLength : padTo
    if (length !== undefined && Number.isInteger(length) && length >= longest) return length
    throw new EegTorchError('INVALID_OPTION', 'rows cannot be filled to this length', {
      option: 'padTo',
      expected: `an integer of at least ${longest}, the longest text${length === undefined ? '; the folder names no length' : ''}`,
      received: String(padTo),
    })
  }

  private fill(row: readonly number[], length: number): { ids: number[]; mask: number[] } {
    const count = length - row.length
    if (count > 0 && this.padId === undefined) {
      throw new EegTorchError('INVALID_OPTION', 'texts of unequal length need a token to fill up with', {
        file: this.settings.folder,
        expected: 'a pad_token in tokenizer_config.json',
      })
    }
    const join = <T>(filling: T, values: readonly T[]): T[] => {
      const filled = new Array<T>(count).fill(filling)
      return this.settings.paddingSide === 'left' ? [...filled, ...values] : [...values, ...filled]
    }
    return { ids: join(this.padId ?? 0, row), mask: join(0, new Array<number>(row.length).fill(1)) }
  }

  private idsOf(tokens: readonly string[]): number[] {
    return tokens.map((token) => this.splitter.token_to_id(token)!)
  }

  private idOf(role: Role): number | undefined {
    const token = this.settings.roles[role]
    return token === undefined ? undefined : this.splitter.token_to_id(token)
  }
}

/** Half a surrogate pair has no bytes; as elsewhere, it becomes the replacement character. */
function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd')
}

/** What Python takes away from both ends of a text: four control characters more than JavaScript, but no byte order mark. */
const PYTHON_SPACE = `[\\p{White_Space}${String.fromCharCode(0x1c)}-${String.fromCharCode(0x1f)}]+`
const PYTHON_SPACE_AROUND = new RegExp(`^${PYTHON_SPACE}|${PYTHON_SPACE}$`, 'gu')
const SHOWN = 60

function shorten(text: string): string {
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text
}
