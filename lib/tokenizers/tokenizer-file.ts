import { join } from 'node:path'
import { findLongJson, type JsonObject } from '../checkpoints/json-file.ts'
import { type JsonValue, looseJson } from '../files/strict-json.ts'
import { MAX_FILE_BYTES } from './byte-pairs.ts'

/** What `tokenizer.json` says. */
export interface TokenizerFile {
  readonly path: string
  /** Of the model, as they were parsed. */
  readonly vocab: JsonValue | undefined
  readonly merges: JsonValue | undefined
  /** What else is said of the model. */
  readonly model: JsonObject
  readonly normalizer: unknown
  readonly preTokenizer: unknown
  readonly addedTokens: unknown
  readonly postProcessor: unknown
}

/** The `tokenizer.json` of a folder, undefined without one. @throws EegTorchError `FILE_INVALID` */
export async function findTokenizerFile(folder: string): Promise<TokenizerFile | undefined> {
  const path = join(folder, 'tokenizer.json')
  const members = await findLongJson(path, MAX_FILE_BYTES)
  if (members === undefined) return undefined
  const said = members.get('model')
  const { vocab, merges, ...model } = Object.fromEntries(said instanceof Map ? said : [])
  const member = (name: string): unknown => {
    const value = members.get(name)
    return value === undefined ? undefined : looseJson(value)
  }
  return {
    ...{ path, vocab, merges, model },
    normalizer: member('normalizer'),
    preTokenizer: member('pre_tokenizer'),
    addedTokens: member('added_tokens'),
    postProcessor: member('post_processor'),
  }
}
