import { defined } from '../defined.ts'
import { EegTorchError } from '../errors.ts'
import { type Prediction, predictionsFor } from '../evaluation/predictions.ts'
import type { TrainingPlace } from './cross-validate-options.ts'
import type { PreparedFold } from './prepare-fold.ts'

/**
 * Refuses the kept outcome of a training that was tested on other trials than the fold tests: of other recordings, or of another split.
 *
 * @throws EegTorchError `INVALID_OPTION` that names the first trial that differs
 */
export function requireTested(
  answers: readonly Prediction[],
  { windows, split }: Pick<PreparedFold, 'windows' | 'split'>,
  { fold, seed }: TrainingPlace,
  file?: string,
): void {
  const tested = predictionsFor(windows, split.test, { fold, seed, predicted: [] })
  const kept = answers.map(nameOf)
  const asked = tested.map(nameOf)
  const at = Array.from({ length: Math.max(kept.length, asked.length) }, (_, i) => i).find((i) => kept[i] !== asked[i])
  if (at === undefined) return
  throw new EegTorchError(
    'INVALID_OPTION',
    `the outcome of fold ${fold + 1}, seed ${seed} is of other trials than ${split.name} tests`,
    {
      ...defined({ file }),
      option: 'store',
      expected: `${asked[at] ?? `${asked.length} answers`}, or a new folder`,
      received: kept[at] ?? `${kept.length} answers`,
    },
  )
}

const nameOf = ({ subject, trial, truth }: Prediction) => `${trial} of ${subject}, class ${truth}`
