import type { WrittenOption } from '../read-options.ts'

/** Where the options of a command were said: in a YAML file, and by flags, which win over it. */
export interface OptionSource {
  file?: string | undefined
  flags?: Readonly<Record<string, unknown>> | undefined
}

/**
 * How an option was written: `--batch-size` where a flag said it, else its key, with the file that holds it.
 *
 * @param path of the option, with a dot before each part: `protocol.folds`; empty for what no single option is to blame for
 * @param said all options
 */
export function writtenAs(
  path: string,
  said: Readonly<Record<string, unknown>>,
  { file, flags = {} }: OptionSource,
): WrittenOption {
  const name = path.split('.')[0]!
  if (flags[name] !== undefined) return { option: flagOf(name) }
  const mayBeFlags = Object.values(flags).some((value) => value !== undefined)
  const isInFile = name === '' ? !mayBeFlags : said[name] !== undefined
  return { option: path, ...(file !== undefined && isInFile && { file }) }
}

/** `--batch-size` of `batchSize`. */
export const flagOf = (name: string) => `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
