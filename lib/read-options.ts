import { inspect } from 'node:util'
import type { z } from 'zod'
import { EegTorchError } from './errors.ts'
import { nearestName } from './nearest-name.ts'

type Issue = z.core.$ZodIssue

/** An option as a person wrote it, and the file where it stands, if it stands in one. */
export interface WrittenOption {
  option: string
  file?: string
}

/**
 * What a schema makes of options that people write. It allows others than it names only where it says so, as `looseObject` does.
 *
 * @param written how an option of a path such as `protocol.folds` was written; empty: no single option is to blame
 * @throws EegTorchError `INVALID_OPTION` naming the option, what was expected and what was received
 */
export function readOptions<S extends z.ZodObject>(
  schema: S,
  given: object,
  written: (path: string) => WrittenOption = (option) => ({ option }),
): z.infer<S> {
  const known = schema.def.catchall === undefined ? schema.strict() : schema
  const result = known.safeParse(given)
  if (result.success) return result.data as z.infer<S>
  const issue = result.error.issues[0]!
  if (issue.code === 'unrecognized_keys') {
    const [key] = issue.keys as [string]
    throw unknownOption(
      key,
      issue.path.length === 0 ? Object.keys(schema.shape) : [],
      written([...issue.path, key].join('.')),
    )
  }
  const place = written(issue.path.join('.'))
  if (place.option === '') throw new EegTorchError('INVALID_OPTION', issue.message, { ...place })
  const expected = expectedOf(issue)
  const what = expected === undefined ? `option ${place.option}: ${issue.message}` : `option ${place.option}`
  const received = shown(issue.path.reduce<unknown>(partOf, given))
  throw new EegTorchError('INVALID_OPTION', what, { ...place, ...(expected !== undefined && { expected }), received })
}

function unknownOption(key: string, known: readonly string[], place: WrittenOption): EegTorchError {
  const what = `option ${place.option}: there is no such option`
  const near = nearestName(key, known)
  if (near !== undefined) return new EegTorchError('INVALID_OPTION', `${what}. Did you mean ${near}?`, { ...place })
  const expected = known.length === 0 ? {} : { expected: `one of ${known.join(', ')}` }
  return new EegTorchError('INVALID_OPTION', what, { ...place, ...expected })
}

/** What an issue says was expected; where it says nothing of several possibilities, that of each. Undefined where it says something else. */
function expectedOf(issue: Issue): string | undefined {
  const said = /^(?:[^:]*: )?expected (.*?)(?:, received .*)?$/s.exec(issue.message)?.[1]
  if (said !== undefined || issue.code !== 'invalid_union') return said
  const ways = issue.errors.flatMap(([first]) => (first === undefined ? [] : [expectedOf(first) ?? first.message]))
  return ways.length === 0 ? undefined : [...new Set(ways)].join(', or ')
}

function partOf(value: unknown, key: PropertyKey): unknown {
  return (value as Record<PropertyKey, unknown> | null | undefined)?.[key]
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing'
  return typeof value === 'string' && value !== ''
    ? value.slice(0, 100)
    : inspect(value, { depth: 1, breakLength: Infinity, maxArrayLength: 10, maxStringLength: 100 })
}
