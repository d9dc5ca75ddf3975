import { fromTypedArray } from '../creation.ts'
import type { ProcessGroup } from '../distributed/process-group.ts'
import type { DataLoader } from './data-loader.ts'
import type { TrainStep } from './train-step.ts'

/** Figures of a network on a set, in evaluation mode. */
export interface SetEvaluation {
  /** Mean loss over the set. */
  loss: number
  /** Share classified right; undefined for losses without classes. */
  accuracy?: number
}

/** Scores a set, batch by batch; with a group, each process its part. */
export async function evaluateSet(step: TrainStep, loader: DataLoader, group?: ProcessGroup): Promise<SetEvaluation> {
  let [loss, mass, count] = [0, 0, 0]
  let correct: number | undefined = 0
  for await (const batch of loader.epoch(0)) {
    const result = await step.evaluate(batch)
    for (const output of result.outputs) output.dispose()
    loss += result.loss! * result.mass
    mass += result.mass
    count += result.count
    correct = result.correct === null || correct === undefined ? undefined : correct + result.correct
  }
  if (group) {
    using sums = fromTypedArray(Float64Array.of(loss, mass, count, correct ?? Number.NaN))
    await group.allReduce(sums)
    ;[loss, mass, count, correct] = sums.toTypedArray() as unknown as [number, number, number, number]
    if (Number.isNaN(correct)) correct = undefined
  }
  return { loss: loss / mass, ...(correct !== undefined && { accuracy: correct / count }) }
}

/**
 * Class probabilities that a network gives to each row of a set, in order.
 *
 * @returns one array per row, one number per class
 */
export async function predictProbabilities(step: TrainStep, loader: DataLoader): Promise<number[][]> {
  const rows: number[][] = []
  for await (const batch of loader.epoch(0)) {
    const { outputs } = await step.evaluate({ inputs: batch.inputs })
    const [scores] = outputs
    const classes = scores!.shape[1]!
    const values = scores!.toTypedArray() as Float32Array
    for (let i = 0; i < values.length; i += classes) rows.push(softmax(values.subarray(i, i + classes)))
    for (const output of outputs) output.dispose()
  }
  return rows
}

function softmax(scores: ArrayLike<number>): number[] {
  const values = Array.from(scores)
  const largest = Math.max(...values)
  const powers = values.map((score) => Math.exp(score - largest))
  const total = powers.reduce((sum, power) => sum + power, 0)
  return powers.map((power) => power / total)
}
