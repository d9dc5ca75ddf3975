import { fstatSync, readSync } from 'node:fs'
import type { z } from 'zod'
import { EegTorchError } from '../errors.ts'
import { withFile, withFileAsync } from '../files/with-file.ts'

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
    return decode(bytes.subarray(0, readSync(descriptor, bytes, 0, size, 0)), path)
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
      return decode(await handle.readFile(), path)
    })
  } catch (error) {
    if (error instanceof EegTorchError && (error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT')
      return undefined
    throw error
  }
}

function requireSize(size: number, maxBytes: number, file: string): void {
  if (size <= maxBytes) return
  throw new EegTorchError('FILE_INVALID', 'the description is too long', {
    file,
    expected: `at most ${maxBytes} bytes`,
    received: String(size),
  })
}

function decode(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
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

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
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
