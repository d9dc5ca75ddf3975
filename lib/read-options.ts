import type { z } from 'zod'
import { EegTorchError } from './errors.ts'

/**
 * What a schema makes of options that people write.
 *
 * @throws EegTorchError `INVALID_OPTION` naming the field
 */
export function readOptions<S extends z.ZodObject>(schema: S, given: object): z.infer<S> {
  const result = schema.strict().safeParse(given)
  if (result.success) return result.data as z.infer<S>
  const issue = result.error.issues[0]!
  const field = String(issue.code === 'unrecognized_keys' ? issue.keys[0] : issue.path[0])
  if (issue.code === 'unrecognized_keys') {
    throw new EegTorchError('INVALID_OPTION', `there is no option ${field}`, {
      option: field,
      expected: `one of ${Object.keys(schema.shape).join(', ')}`,
    })
  }
  throw new EegTorchError('INVALID_OPTION', `${field} is not usable`, {
    option: field,
    expected: issue.message,
    received: JSON.stringify((given as Record<string, unknown>)[field]),
  })
}
