import { z } from 'zod'
import { EegTorchError } from '../errors.ts'
import { figure, learningCurve, whole } from '../training/learning-curve.ts'

const prediction = z.object({
  subject: z.string(),
  trial: z.string(),
  fold: whole,
  seed: whole,
  truth: whole,
  predicted: whole,
  probabilities: z.array(figure).optional(),
})

/** As a file holds what one training gave. */
export const outcomeSchema = z.object({ curve: learningCurve, predictions: z.array(prediction) })

/** As `openings.jsonl` holds a look at a test part. */
export const openingSchema = z.object({
  fold: whole,
  by: z.string(),
  seed: whole.optional(),
  times: whole.optional(),
})

/**
 * What a file says that a training gave.
 *
 * @throws EegTorchError `FILE_INVALID` for a file that was cut, or is no outcome
 */
export function parseOutcome<S extends z.ZodType>(schema: S, text: string, file: string): z.infer<S> {
  const { success, data, error } = schema.safeParse(jsonOf(text, file))
  if (success) return data
  const { path, message } = error.issues[0]!
  throw noOutcome(file, `${path.join('.')} is wrong (${message})`.trimStart())
}

function jsonOf(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw noOutcome(file, 'text that is not JSON', cause)
  }
}

function noOutcome(file: string, received: string, cause?: unknown): EegTorchError {
  return new EegTorchError('FILE_INVALID', 'is no outcome', {
    ...{ file, received, cause },
    expected: 'the outcome of a training: delete the file, and it is trained again',
  })
}
