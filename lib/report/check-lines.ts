import { formatControl } from '../decoders/controls.ts'
import { formatOpenings } from '../evaluation/test-ledger.ts'
import { formatP } from '../evaluation/text.ts'
import type { CheckResults, NamedTests, SplitProof } from './run-report.ts'

/** What permutation tests and controls found, a line each. */
export function checkLines({
  permutationTests = [],
  retrainingTests = [],
  controls = [],
  missingControls = [],
}: CheckResults): string[] {
  return [
    ...permutationTests.flatMap((tests) => testLines(tests, 'answers against shuffled labels')),
    ...retrainingTests.flatMap((tests) => testLines(tests, 'trained anew on shuffled labels')),
    ...controls.map(formatControl),
    ...missingControls,
  ]
}

function testLines({ name, tests }: NamedTests, how: string): string[] {
  return tests.map(
    ({ statistic, observed, nullMean, nullHigh, permutations, p }) =>
      `${name}, ${how} ${permutations} times: ${statistic} ${observed.toFixed(3)} against ${nullMean.toFixed(3)} ` +
      `(95 % at most ${nullHigh.toFixed(3)}), ${formatP(p)}`,
  )
}

/** The proof that nothing crosses, and how often test parts were looked at. */
export function proofLines({ folds, statement, openings = [] }: SplitProof): string[] {
  const proofs = folds.flatMap(({ proof }) => proof ?? [])
  if (proofs.length === 0) return []
  const shared = proofs.some(({ sharedRecordings }) => sharedRecordings > 0)
  const nearest = proofs.flatMap((proof) => proof.nearest ?? [])
  const compared = Math.max(...proofs.map((proof) => proof.compared))
  const distance =
    nearest.length === 0 ? '' : `; windows of two parts lie ${seconds(Math.min(...nearest))} or more apart`
  const names = [...new Set(proofs.flatMap(({ fitted }) => fitted.map(({ name }) => name)))]
  return [
    `split checked, ${folds.length} ${folds.length === 1 ? 'fold' : 'folds'}: ${statement} ` +
      `(${shared ? 'parts share recordings' : 'no recording is in two parts'}${distance}; ${compared} windows compared; ` +
      `${names.length === 0 ? 'nothing fitted' : `fitted on training parts: ${names.join(', ')}`})`,
    ...leftOutLines(folds),
    ...(openings.length === 0 ? [] : [formatOpenings(openings)]),
  ]
}

/** What no model was scored on, because preprocessing rejected it. */
function leftOutLines(folds: SplitProof['folds']): string[] {
  const count = folds.reduce((sum, { leftOut }) => sum + (leftOut?.test ?? 0), 0)
  if (count === 0) return []
  const all = folds.reduce((sum, { test }) => sum + test, 0)
  return [`preprocessing left out ${count} of ${all} tested windows: no model, classical or not, is scored on them`]
}

const seconds = (value: number) => `${Number(value.toPrecision(3))} s`
