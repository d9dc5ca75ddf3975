import { fstatSync, readSync } from 'node:fs'
import type { z } from 'zod'
import { EegTorchError } from '../errors.ts'
import { atOnce, inPieces, type Pieces } from '../files/in-pieces.ts'
import { type JsonValue, strictJson } from '../files/strict-json.ts'
import { withFile, withFileAsync } from '../files/with-file.ts'
import { isObject } from '../is-object.ts'

/** An object of JSON, of which nothing is believed yet. */
export type JsonObject = Readonly<Record<string, unknown>>

const MAX_BYTES = 2 ** 24

/**
 * The text of a description, whose length is checked before it is read.
 *
 * @throws EegTorchError `FILE_NOT_FOUND`, `FILE_INVALID` for one that is too long or no UTF-8
 */
export function readSmallText(path: string): string {
  return withFile(path, (descriptor) => {
    const { size } = fstatSync(descriptor)
    requireSize(size, MAX_BYTES, path)
    const bytes = Buffer.alloc(size)
    return atOnce(decode(bytes.subarray(0, readSync(descriptor, bytes, 0, size, 0)), path))
  })
}

/**
 * {@link readSmallText} while the event loop goes on, of a file that may be missing: undefined then.
 *
 * @param maxBytes what the text may take
 */
export async function findText(path: string, maxBytes: number): Promise<string | undefined> {
  try {
    return await withFileAsync(path, async (handle) => {
      requireSize((await handle.stat()).size, maxBytes, path)
      return inPieces(decode(await handle.readFile(), path))
    })
  } catch (error) {
    if (error instanceof EegTorchError && (error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT')
      return undefined
    throw error
  }
}

/**
 * {@link findText} of one JSON object of megabytes, parsed a piece at a time. Objects are maps, and no key may occur twice.
 *
 * @throws EegTorchError `FILE_INVALID`
 */
export async function findLongJson(path: string, maxBytes: number): Promise<Map<string, JsonValue> | undefined> {
  const text = await findText(path, maxBytes)
  if (text === undefined) return undefined
  const value = await inPieces(strictJson(text, path))
  if (value instanceof Map) return value
  throw new EegTorchError('FILE_INVALID', 'the description is not a JSON object', { file: path })
}

function requireSize(size: number, maxBytes: number, file: string): void {
  if (size <= maxBytes) return
  throw new EegTorchError('FILE_INVALID', 'the description is too long', {
    file,
    expected: `at most ${maxBytes} bytes`,
    received: String(size),
  })
}

const PIECE_BYTES = 2 ** 16

/** The text of bytes, a piece at a time: megabytes that are not ASCII take tens of milliseconds. */
function* decode(bytes: Uint8Array, file: string): Pieces<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const parts: string[] = []
  try {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      parts.push(decoder.decode(bytes.subarray(at, at + PIECE_BYTES), { stream: true }))
      yield
    }
    return parts.join('') + decoder.decode()
  } catch (cause) {
    throw new EegTorchError('FILE_INVALID', 'the description is no text in UTF-8', { file, cause })
  }
}

/** A file of one JSON object, such as `config.json`. */
export function readJsonObject(path: string): JsonObject {
  return parseJsonObject(readSmallText(path), path)
}

/** {@link findText} of one JSON object. */
export async function findJsonObject(path: string, maxBytes: number): Promise<JsonObject | undefined> {
  const text = await findText(path, maxBytes)
  return text === undefined ? undefined : parseJsonObject(text, path)
}

/**
 * @param what the text is, for the message
 * @throws EegTorchError `FILE_INVALID`
 */
export function parseJsonObject(text: string, file: string, what = 'the description'): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (isObject(value)) return value
  } catch (cause) {
    throw new EegTorchError('FILE_INVALID', `${what} is not JSON`, { file, cause })
  }
  throw new EegTorchError('FILE_INVALID', `${what} is not a JSON object`, { file })
}

/**
 * What a schema makes of a description in a file.
 *
 * @param what the description is of, for the message
 * @throws EegTorchError `FILE_INVALID` naming the first field that does not hold
 */
export function checkDescription<S extends z.ZodType>(
  schema: S,
  value: unknown,
  what: string,
  file: string,
): z.infer<S> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const { path, message } = result.error.issues[0]!
  const field = path.join('.').slice(0, 100)
  throw new EegTorchError('FILE_INVALID', `${field} of ${what} does not hold (${message})`.trimStart(), { file })
}
