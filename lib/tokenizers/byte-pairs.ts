import { join } from 'node:path'
import { findJsonObject, findText, isObject } from '../checkpoints/json-file.ts'
import { EegTorchError } from '../errors.ts'

/** Tokens of the largest published vocabularies, about 256,000, and room above. */
export const MAX_ID = 2 ** 22
/** The largest file of a published tokenizer has about 20 MB. */
export const MAX_FILE_BYTES = 256e6

/** What byte-pair encoding knows: tokens with their ids, and pairs of tokens in the order in which they are merged. */
export interface BytePairs {
  vocab: Record<string, number>
  merges: [string, string][]
}

/**
 * The byte pairs of a folder: of its `tokenizer.json`, else of `vocab.json` and `merges.txt`.
 *
 * @param definition content of `tokenizer.json`, if there is one
 * @throws EegTorchError `FILE_NOT_FOUND` without either, `FILE_INVALID` if they do not fit together
 */
export async function readBytePairs(folder: string, definition?: Record<string, unknown>): Promise<BytePairs> {
  if (definition !== undefined) {
    const file = join(folder, 'tokenizer.json')
    const model = isObject(definition.model) ? definition.model : {}
    const vocab = checkVocab(model.vocab, file)
    return { vocab, merges: checkMerges(model.merges, vocab, file) }
  }
  const vocab = await findJsonObject(join(folder, 'vocab.json'), MAX_FILE_BYTES)
  const merges = await findText(join(folder, 'merges.txt'), MAX_FILE_BYTES)
  if (vocab === undefined || merges === undefined) {
    throw new EegTorchError('FILE_NOT_FOUND', 'this folder holds no tokenizer', {
      file: folder,
      expected: 'tokenizer.json, or vocab.json and merges.txt',
    })
  }
  const checked = checkVocab(vocab, join(folder, 'vocab.json'))
  const lines = merges.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#version'))
  return { vocab: checked, merges: checkMerges(lines, checked, join(folder, 'merges.txt')) }
}

function checkVocab(value: unknown, file: string): Record<string, number> {
  if (!isObject(value)) throw invalid(file, 'an object of tokens and their ids', typeof value)
  const seen = new Set<unknown>()
  for (const [token, id] of Object.entries(value)) {
    if (!Number.isInteger(id) || (id as number) < 0 || (id as number) > MAX_ID || seen.has(id)) {
      throw invalid(file, `an id of its own from 0 to ${MAX_ID}`, `${JSON.stringify(id)} for ${JSON.stringify(token)}`)
    }
    seen.add(id)
  }
  return value as Record<string, number>
}

function checkMerges(value: unknown, vocab: Record<string, number>, file: string): [string, string][] {
  if (!Array.isArray(value)) throw invalid(file, 'a list of merges', typeof value)
  return value.map((merge: unknown) => {
    const pair: unknown = typeof merge === 'string' ? merge.trimEnd().split(' ') : merge
    const known = (token: unknown): boolean => typeof token === 'string' && Object.hasOwn(vocab, token)
    if (Array.isArray(pair) && pair.length === 2 && known(pair[0]) && known(pair[1]) && known(pair.join(''))) {
      return pair as [string, string]
    }
    throw invalid(file, 'merges of two tokens of the vocabulary into a third', JSON.stringify(merge))
  })
}

function invalid(file: string, expected: string, received: string): EegTorchError {
  return new EegTorchError('FILE_INVALID', "the tokenizer's vocabulary does not hold", { file, expected, received })
}
