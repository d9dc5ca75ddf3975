import { fromTypedArray } from '../creation.ts'
import type { Device } from '../dtype.ts'
import { EegTorchError } from '../errors.ts'
// gives tensors their operators as methods
import '../ops/index.ts'
import { translatingErrors } from '../ops/option-errors.ts'
import { Tensor } from '../tensor.ts'
import { loadTokenizer } from '../tokenizers/load.ts'
import type { Tokenizer } from '../tokenizers/tokenizer.ts'
import { writeAdapter } from './adapter.ts'
import type { PrefixPlace } from './decoding.ts'
import { type Beginning, decode, type GenerateOptions } from './generate.ts'
import { type LlamaModel, type LoadLanguageOptions, loadLlama } from './load-llama.ts'
import { nativeLanguage } from './native-language.ts'

/** Where a row of words is padded. */
const NO_TOKEN = -1

/** What a language model made of one beginning. */
export interface GeneratedText {
  text: string
  /** New tokens, the one that ended the text included. */
  tokens: number[]
  /** `stop`: a stop token came; `length`: `maxNewTokens` did. */
  finish: 'stop' | 'length'
}

/** What a text begins with: words, token ids, embeddings of something else such as EEG, or embeddings before words. */
export interface Prompts {
  /** Each a text as it is: special tokens are those that it writes out. Texts of unequal length are padded on the left. */
  texts?: readonly string[]
  /** Token ids of each text, in place of `texts`. */
  ids?: readonly (readonly number[])[]
  /** (texts, tokens, width), right before the words, or behind them. */
  prefix?: Tensor
  place?: PrefixPlace
}

/** {@link GenerateOptions}, and what is told on the way. */
export interface GenerateTextOptions extends GenerateOptions {
  /** The new token of each text, as soon as it is there; of ended texts the padding token. */
  onTokens?: (tokens: readonly number[], count: number) => void
}

/**
 * A Llama model with its tokenizer, from a transformers folder; optionally with a low-rank adapter of peft's layout, and with its weights in four
 * bits. Free it with `using` or {@link LanguageModel.dispose}.
 */
export class LanguageModel implements Disposable {
  readonly model: LlamaModel
  readonly tokenizer: Tokenizer
  /** Tokens that end a text. */
  readonly stopTokens: readonly number[]
  /** The folder that it came from. */
  readonly folder: string
  readonly device: Device

  private constructor(parts: Pick<LanguageModel, 'model' | 'tokenizer' | 'stopTokens' | 'folder' | 'device'>) {
    this.model = parts.model
    this.tokenizer = parts.tokenizer
    this.stopTokens = parts.stopTokens
    this.folder = parts.folder
    this.device = parts.device
  }

  /**
   * Loads `config.json`, weights (one file or shards) and the tokenizer of a folder.
   *
   * @throws EegTorchError `FILE_NOT_FOUND`, `FILE_INVALID`, `FILE_UNSUPPORTED`, `CHECKPOINT_MISMATCH`, `INVALID_OPTION`, `CANCELLED`
   */
  static async load(folder: string, options: LoadLanguageOptions = {}): Promise<LanguageModel> {
    const tokenizer = await loadTokenizer(folder)
    const { model, description } = await loadLlama(folder, options)
    model.eval()
    const { stopTokens } = description
    return new LanguageModel({ model, tokenizer, stopTokens, folder, device: options.device ?? 'cpu' })
  }

  /** Width of an embedding. */
  get width(): number {
    return this.model.config.hiddenSize
  }

  /** Embeddings of token ids (texts, words), int64, on the model's device: (texts, words, width). */
  embed(ids: Tensor): Tensor {
    const native = () => nativeLanguage.llamaEmbed(this.model.id, ids.id)
    return new Tensor(translatingErrors(() => ['input_ids'], native))
  }

  /** Embeddings of one text: (1, words, width). */
  embedIds(ids: readonly number[]): Tensor {
    using tokens = this.#placed([ids])
    return this.embed(tokens)
  }

  /**
   * Continues texts, all in one batch.
   *
   * @throws EegTorchError `INVALID_OPTION`, `SHAPE_MISMATCH`, `DIVERGED`, `CANCELLED`
   */
  async generate(prompts: Prompts, options: GenerateTextOptions = {}): Promise<GeneratedText[]> {
    const { stopTokens = this.stopTokens, onTokens, ...rest } = options
    const beginning = this.#begin(prompts)
    const rows: number[][] = Array.from({ length: (beginning.words ?? beginning.prefix)!.shape[0]! }, () => [])
    const stops = new Set(stopTokens)
    try {
      const steps = decode(this.model, beginning, { ...rest, stopTokens, padToken: this.#padToken })
      let count = 0
      for await (const tokens of steps) {
        for (const [i, row] of rows.entries()) if (!stops.has(row.at(-1) ?? -1)) row.push(tokens[i]!)
        onTokens?.(tokens, ++count)
      }
    } finally {
      beginning.words?.dispose()
    }
    return rows.map((tokens) => ({
      text: this.tokenizer.decode(tokens),
      tokens,
      finish: stops.has(tokens.at(-1) ?? -1) ? 'stop' : 'length',
    }))
  }

  /**
   * Writes the adapter as peft does.
   *
   * @param description JSON that `openCheckpoint(folder).metadata` gives back: which trials it has seen, for one
   * @throws EegTorchError `INVALID_OPTION` without an adapter, `FILE_WRITE_FAILED`
   */
  async saveAdapter(folder: string, description?: Readonly<Record<string, unknown>>): Promise<void> {
    const { model } = this
    if (model.name !== 'llama_lora')
      throw new EegTorchError('INVALID_OPTION', 'this language model has no adapter', {
        expected: 'adapter or newAdapter',
      })
    await writeAdapter(folder, model, this.folder, description)
  }

  dispose(): void {
    this.model.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  get #padToken(): number {
    return this.model.config.padTokenId
  }

  #begin({ texts, ids, prefix, place }: Prompts): Beginning {
    if (texts !== undefined && ids !== undefined) throw unclear('texts or ids', 'both')
    const rows = ids ?? texts?.map((text) => this.tokenizer.encode(text, { specialTokens: false }))
    if (rows === undefined || rows.length === 0) {
      if (prefix === undefined) throw unclear('texts, ids or a prefix', 'none')
      return { prefix }
    }
    const longest = Math.max(...rows.map((row) => row.length))
    const padded = rows.map((row) => [...new Array<number>(longest - row.length).fill(NO_TOKEN), ...row])
    return { words: integers(padded), prefix, place }
  }

  #placed(rows: readonly (readonly number[])[]): Tensor {
    using here = integers(rows)
    return here.to(this.device)
  }
}

/** (rows, columns), int64 */
export function integers(rows: readonly (readonly number[])[]): Tensor {
  return fromTypedArray(BigInt64Array.from(rows.flat(), BigInt), { shape: [rows.length, rows[0]!.length] })
}

function unclear(expected: string, received: string): EegTorchError {
  return new EegTorchError('INVALID_OPTION', 'what the text begins with is not clear', { expected, received })
}
