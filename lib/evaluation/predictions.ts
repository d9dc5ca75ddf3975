import type { EegWindows } from '../datasets/windows.ts'
import { EegTorchError } from '../errors.ts'

/** What one trained network answered for one test window. */
export interface Prediction {
  subject: string
  /** Name of the trial, unique within its subject and the same for every seed; windows cut from one trial share it. */
  trial: string
  /** Which fold tested it, from 0. */
  fold: number
  seed: number
  /** True class, 0 .. classes - 1. */
  truth: number
  predicted: number
  /** One number a class; two-class runs that carry them get a ROC area. */
  probabilities?: readonly number[]
}

/** Which training answered, and what. */
export interface Answers {
  /** Which fold, from 0. */
  fold: number
  seed: number
  /** Answered class of each window. */
  predicted: ArrayLike<number>
  /** One number a class for each window. */
  probabilities?: readonly (readonly number[])[]
}

/**
 * Joins answers to the windows they are for, with the subject and trial that scoring needs. A window of an unknown subject
 * goes under its recording.
 *
 * @param indices the windows that were answered, in the order of the answers
 */
export function predictionsFor(windows: EegWindows, indices: ArrayLike<number>, answers: Answers): Prediction[] {
  const names = windows.recordings.map(({ name }) => name)
  return Array.from({ length: indices.length }, (_, i): Prediction => {
    const index = indices[i]!
    const { name, identity, subject } = windows.recordingOf(index)
    const recording = names.indexOf(name) === names.lastIndexOf(name) ? name : identity
    return {
      subject: subject ?? recording,
      trial: `${recording} trial ${windows.trial(index)}`,
      fold: answers.fold,
      seed: answers.seed,
      truth: windows.labels[index]!,
      predicted: answers.predicted[i]!,
      ...(answers.probabilities && { probabilities: answers.probabilities[i]! }),
    }
  })
}

/**
 * The class of which each window is most probable.
 *
 * @param indices the windows that were answered, in the order of the answers
 * @throws EegTorchError `DIVERGED` naming the first trial to which a network gave no numbers
 */
export function likeliestClasses(
  windows: EegWindows,
  indices: readonly number[],
  probabilities: readonly (readonly number[])[],
): number[] {
  return probabilities.map((row, i) => {
    const predicted = row.indexOf(Math.max(...row))
    if (predicted >= 0) return predicted
    const trial = `${windows.recordingOf(indices[i]!).name} trial ${windows.trial(indices[i]!)}`
    throw new EegTorchError('DIVERGED', `the network's answer to a window is no number (${trial})`, {
      expected: 'a probability for each class',
      received: row.join(', '),
    })
  })
}

/** Tells a trial from all others. */
export function trialKey({ subject, trial }: Prediction): string {
  return `${subject}\u0000${trial}`
}
