import { formatP } from '../evaluation/text.ts'
import { element, type Markup, text } from '../svg.ts'
import type { CheckResults, NamedTests } from './run-report.ts'
import { section, table } from './tables.ts'

const TEST_HEADING = [
  'model',
  'shuffled',
  'figure',
  'observed',
  'shuffled, mean',
  'shuffled, 95 % at most',
  'p',
  'times',
]
const CONTROL_HEADING = ['control', 'predicted', 'figure', 'score', 'interval', 'chance', 'p', 'what it means']

/** Answers against shuffled labels, and what else the same windows tell. */
export function checksSection({
  permutationTests = [],
  retrainingTests = [],
  controls = [],
  missingControls = [],
}: CheckResults): Markup {
  const tests = [...testRows(permutationTests, 'tested labels'), ...testRows(retrainingTests, 'training labels')]
  if ([tests, controls, missingControls].every(({ length }) => length === 0)) return text('')
  return section(
    'Controls',
    'Tested labels are shuffled among the trials of a subject that one fold tests, training labels within recordings. Controls ask what else the same windows tell.',
    tests.length === 0 ? text('') : table(TEST_HEADING, tests),
    controls.length === 0 ? text('') : table(CONTROL_HEADING, controlRows(controls)),
    ...missingControls.map((line) => element('p', {}, text(`${line}.`))),
  )
}

function testRows(models: readonly NamedTests[], shuffled: string): string[][] {
  return models.flatMap(({ name, tests }) =>
    tests.map(({ statistic, observed, nullMean, nullHigh, permutations, p }) => [
      ...[name, shuffled, statistic, observed.toFixed(3), nullMean.toFixed(3), nullHigh.toFixed(3)],
      ...[pValue(p), String(permutations)],
    ]),
  )
}

function controlRows(controls: NonNullable<CheckResults['controls']>): string[][] {
  return controls.map(({ control, what, figure, score, low, high, chance, p, reading }) => [
    ...[control, what, figure, score.toFixed(3)],
    low === undefined || high === undefined ? '–' : `${low.toFixed(2)} – ${high.toFixed(2)}`,
    chance.toFixed(3),
    p === undefined ? '–' : pValue(p),
    reading,
  ])
}

const pValue = (p: number) => formatP(p).replace(/^p (= )?/, '')
