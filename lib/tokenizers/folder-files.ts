import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { EegTorchError } from '../errors.ts'

/** The largest file of a published tokenizer has about 20 MB. */
const MAX_BYTES = 256e6

/**
 * The text of a file of a folder, undefined if the folder has none of that name.
 *
 * @throws EegTorchError `FILE_INVALID` if it cannot be read, is no UTF-8 or is larger than any tokenizer
 */
export async function readFolderText(folder: string, name: string): Promise<string | undefined> {
  const file = join(folder, name)
  try {
    const { size } = await stat(file)
    if (size > MAX_BYTES) throw new RangeError(`${size} bytes`)
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(await readFile(file))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    const received = (cause as Error).message
    throw new EegTorchError('FILE_INVALID', 'this file of a tokenizer cannot be read', {
      file,
      expected: 'UTF-8 text of at most 256 MB',
      received,
      cause,
    })
  }
}

/**
 * The object that a JSON file of a folder holds, undefined if the folder has none of that name.
 *
 * @throws EegTorchError `FILE_INVALID`
 */
export async function readFolderObject(folder: string, name: string): Promise<Record<string, unknown> | undefined> {
  const text = await readFolderText(folder, name)
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(text)
    if (isObject(value)) return value
    throw new SyntaxError(`${Array.isArray(value) ? 'a list' : JSON.stringify(value)}`)
  } catch (cause) {
    throw new EegTorchError('FILE_INVALID', 'this file of a tokenizer holds no JSON object', {
      file: join(folder, name),
      expected: 'a JSON object',
      received: (cause as Error).message,
      cause,
    })
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
