import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { EegTorchError } from '../errors.ts'

/** Aliases that one text may expand to: enough for what a person writes, too few for a bomb. */
const MAX_ALIASES = 50
const MAX_BYTES = 1_000_000

/**
 * Reads YAML that a person wrote; a schema judges what it holds.
 *
 * @param what the text ought to be, for errors: `configuration`
 * @param file names the file in errors
 * @throws EegTorchError `FILE_INVALID`, `FILE_UNSAFE` for a text whose aliases multiply
 */
export function parseYaml(text: string, what: string, file?: string): unknown {
  const where = file === undefined ? {} : { file }
  const subject = file === undefined ? 'this text ' : ''
  const refuse = (received: string, cause?: unknown) =>
    new EegTorchError('FILE_INVALID', `${subject}is no ${what}`, {
      ...where,
      expected: 'YAML of named options',
      received,
      cause,
    })
  if (text.length > MAX_BYTES) throw refuse(`${text.length} characters`)
  try {
    return parse(text, { maxAliasCount: MAX_ALIASES, prettyErrors: true })
  } catch (cause) {
    const { message } = cause as Error
    if (!/alias/i.test(message)) throw refuse(message.split('\n')[0]!, cause)
    throw new EegTorchError('FILE_UNSAFE', `${subject}expands to far more than it holds`, {
      ...where,
      expected: `at most ${MAX_ALIASES} aliases`,
      received: message,
      cause,
    })
  }
}

/**
 * {@link parseYaml} of a file.
 *
 * @throws EegTorchError `FILE_NOT_FOUND`, and those of {@link parseYaml}
 */
export async function readYamlFile(file: string, what: string): Promise<unknown> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EISDIR') {
      const details = { file, expected: `a YAML file with a ${what}`, received: 'a folder' }
      throw new EegTorchError('FILE_INVALID', 'this is not a file', details)
    }
    const code = cause.code === 'ENOENT' ? 'FILE_NOT_FOUND' : 'FILE_INVALID'
    throw new EegTorchError(code, `cannot be read (${cause.message})`, { file, cause })
  })
  return parseYaml(text, what, file)
}
