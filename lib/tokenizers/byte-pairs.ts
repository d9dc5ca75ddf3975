import { join } from 'node:path'
import { findLongJson, findText } from '../checkpoints/json-file.ts'
import { EegTorchError } from '../errors.ts'
import { inPieces, type Pieces } from '../files/in-pieces.ts'
import { type JsonValue, looseJson } from '../files/strict-json.ts'
import type { TokenizerFile } from './tokenizer-file.ts'

/** Tokens of the largest published vocabularies, about 256,000, and room above. */
export const MAX_ID = 2 ** 22
/** The largest file of a published tokenizer has about 20 MB. */
export const MAX_FILE_BYTES = 256e6

/** What byte-pair encoding knows: tokens with their ids, and pairs of tokens in the order in which they are merged. */
export interface BytePairs {
  vocab: ReadonlyMap<string, number>
  merges: readonly (readonly [string, string])[]
}

/**
 * The byte pairs of a folder: of its `tokenizer.json`, else of `vocab.json` and `merges.txt`.
 *
 * @param definition what `tokenizer.json` says, if there is one
 * @throws EegTorchError `FILE_NOT_FOUND` without either, `FILE_INVALID` if they do not fit together
 */
export async function readBytePairs(folder: string, definition?: TokenizerFile): Promise<BytePairs> {
  if (definition !== undefined) {
    const { path, vocab, merges } = definition
    return checkPairs(vocab, path, Array.isArray(merges) ? merges : [merges], path)
  }
  const vocab = await findLongJson(join(folder, 'vocab.json'), MAX_FILE_BYTES)
  const merges = await findText(join(folder, 'merges.txt'), MAX_FILE_BYTES)
  if (vocab === undefined || merges === undefined) {
    throw new EegTorchError('FILE_NOT_FOUND', 'this folder holds no tokenizer', {
      file: folder,
      expected: 'tokenizer.json, or vocab.json and merges.txt',
    })
  }
  return checkPairs(vocab, join(folder, 'vocab.json'), mergesOf(merges), join(folder, 'merges.txt'))
}

/** The lines that are merges. */
function* mergesOf(text: string): Generator<string> {
  for (let at = 0, end = 0; at < text.length; at = end + 1) {
    end = text.indexOf('\n', at)
    if (end < 0) end = text.length
    const line = text.slice(at, end)
    if (line.trim() !== '' && !line.startsWith('#version')) yield line
  }
}

async function checkPairs(
  vocab: JsonValue | undefined,
  vocabFile: string,
  merges: Iterable<JsonValue | undefined>,
  mergesFile: string,
): Promise<BytePairs> {
  const checked = await inPieces(checkVocab(vocab, vocabFile))
  return { vocab: checked, merges: await inPieces(checkMerges(merges, checked, mergesFile)) }
}

function* checkVocab(value: JsonValue | undefined, file: string): Pieces<Map<string, number>> {
  if (!(value instanceof Map)) throw invalid(file, 'an object of tokens and their ids', typeof value)
  const vocab = new Map<string, number>()
  const seen = new Set<number>()
  for (const [token, number] of value) {
    const id = typeof number === 'number' ? number : Number.NaN
    if (!Number.isInteger(id) || id < 0 || id > MAX_ID || seen.has(id)) {
      const received = `${JSON.stringify(looseJson(number))} for ${JSON.stringify(token)}`
      throw invalid(file, `an id of its own from 0 to ${MAX_ID}`, received)
    }
    seen.add(id)
    vocab.set(token, id)
    if (isPause(vocab.size)) yield
  }
  return vocab
}

function* checkMerges(
  list: Iterable<JsonValue | undefined>,
  vocab: ReadonlyMap<string, number>,
  file: string,
): Pieces<[string, string][]> {
  const merges: [string, string][] = []
  for (const merge of list) {
    const [a, b, ...more] = typeof merge === 'string' ? merge.trimEnd().split(' ') : Array.isArray(merge) ? merge : []
    const fits = typeof a === 'string' && typeof b === 'string' && more.length === 0
    if (!fits || !vocab.has(a) || !vocab.has(b) || !vocab.has(a + b)) {
      const received = merge === undefined ? 'nothing' : JSON.stringify(looseJson(merge))
      throw invalid(file, 'merges of two tokens of the vocabulary into a third', received)
    }
    merges.push([a, b])
    if (isPause(merges.length)) yield
  }
  return merges
}

/** Whether work over a vocabulary, which has come to this entry, may stop for a moment. */
export function isPause(count: number): boolean {
  return count % 256 === 0
}

function invalid(file: string, expected: string, received: string): EegTorchError {
  return new EegTorchError('FILE_INVALID', "the tokenizer's vocabulary does not hold", { file, expected, received })
}
