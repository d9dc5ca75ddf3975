import { EegTorchError } from '../errors.ts'
import { camelCase } from '../names.ts'

/** Characters of a wrong value that an error shows. */
const MAX_SHOWN = 200

/** Runs `body`; an error about an option names those of `names`, the reference's, as the user writes them. */
export function translatingErrors<T>(names: () => readonly string[], body: () => T): T {
  try {
    return body()
  } catch (error) {
    throw translateOptionError(error, names())
  }
}

/** The error as {@link translatingErrors} throws it; any other comes back as it is. */
export function translateOptionError(error: unknown, names: readonly string[]): unknown {
  if (!(error instanceof EegTorchError) || error.code !== 'INVALID_OPTION') return error
  return translated(error, new Set(names))
}

function translated(error: EegTorchError, names: ReadonlySet<string>): EegTorchError {
  const ours = (text: string) => text.replace(/[A-Za-z]\w*/g, (word) => (names.has(word) ? camelCase(word) : word))
  const { expected, option } = error
  // a value may come from a file, and be endless
  const received = error.received?.slice(0, MAX_SHOWN)
  const message = error.message.replace(error.received ?? '', () => received ?? '')
  return new EegTorchError('INVALID_OPTION', ours(message), {
    cause: error,
    ...(option !== undefined && { option: camelCase(option) }),
    ...(expected !== undefined && { expected: ours(expected) }),
    ...(received !== undefined && { received }),
  })
}
