import { fstatSync, readSync } from 'node:fs'
import { EegTorchError } from '../errors.ts'
import { withFile } from '../files/with-file.ts'

/** An object of JSON, of which nothing is believed yet. */
export type JsonObject = Readonly<Record<string, unknown>>

const MAX_BYTES = 2 ** 24

/**
 * The text of a description, whose length is checked before it is read.
 *
 * @throws EegTorchError `FILE_NOT_FOUND`, `FILE_INVALID`
 */
export function readSmallText(path: string): string {
  return withFile(path, (descriptor) => {
    const { size } = fstatSync(descriptor)
    if (size > MAX_BYTES) {
      throw new EegTorchError('FILE_INVALID', 'the description is too long', {
        file: path,
        expected: `at most ${MAX_BYTES} bytes`,
        received: String(size),
      })
    }
    const bytes = Buffer.alloc(size)
    return bytes.subarray(0, readSync(descriptor, bytes, 0, size, 0)).toString('utf8')
  })
}

/** A file of one JSON object, such as `config.json`. */
export function readJsonObject(path: string): JsonObject {
  return parseJsonObject(readSmallText(path), path)
}

/** @throws EegTorchError `FILE_INVALID` */
export function parseJsonObject(text: string, file: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch (cause) {
    throw new EegTorchError('FILE_INVALID', 'the description is not JSON', { file, cause })
  }
  throw new EegTorchError('FILE_INVALID', 'the description is not a JSON object', { file })
}
