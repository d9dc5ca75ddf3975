import type { ModelComparison, ModelScore } from '../evaluation/compare-models.ts'
import { formatInterval, formatP } from '../evaluation/text.ts'
import { element, type Markup, text } from '../svg.ts'
import { intervalChart } from './charts.ts'
import { checkLines, proofLines } from './check-lines.ts'
import { checksSection } from './checks-section.ts'
import { page, simulatedBanner, warningBanner } from './page.ts'
import type { CheckResults, SplitProof } from './run-report.ts'
import { configurationSection, splitSection } from './sections.ts'
import { section, table } from './tables.ts'

/** A sweep as its table shows it. */
export interface SweepReport extends CheckResults {
  title: string
  simulated: boolean
  /** What the cards of the data sets say beside every score. */
  warnings: string[]
  createdAt: string
  /** e.g. `leave one run out, 6 folds; 0.5-3.5 s after the cue, 4-38 Hz`. */
  protocol: string
  classes: string[]
  entries: SweepRow[]
  /** How training and test were kept apart, and how often test parts were looked at. */
  split: SplitProof
  /** Of the entries whose trainings are all over. */
  comparison: ModelComparison
  configuration: Record<string, unknown>
  versions: Record<string, string>
  hardware: Record<string, string>
  command?: string
}

/** An entry with what its trainings cost. */
export interface SweepRow {
  name: string
  /** Of the registry, or a classical decoder. */
  model: string
  parameters?: number
  /** Trainings that are over, of those that there are to be. */
  done: number
  total: number
  /** Mean processor seconds of one training, testing included. */
  seconds?: number
}

const SCORE_HEADING = [
  'model',
  'accuracy',
  'interval',
  'chance',
  'p',
  'mean ± deviation over subjects',
  'mean ± deviation over seeds',
  'trials',
  'parameters',
  'processor time of a training',
]
const FIGURE_HEADING = ['model', 'balanced accuracy', 'kappa', 'macro F1', 'ROC area', 'interval of the area']
const PAIR_HEADING = ['models', 'difference', 'pairs (unequal)', 'Wilcoxon p', 'Holm', 'sign-flip p', 'Holm']

/** The sweep as a table in Markdown. */
export function sweepMarkdown(report: SweepReport): string {
  const { title, simulated, protocol, comparison, command } = report
  return [
    `# ${escapeCell(title)}`,
    simulated ? '**SIMULATED DATA**: these scores say nothing about real EEG.' : '',
    ...report.warnings.map((warning) => `**Note.** ${escapeCell(warning)}.`),
    `${protocol}. Classes: ${report.classes.map(escapeCell).join(', ')}.`,
    markdownTable(SCORE_HEADING, scoreRows(report)),
    scoreWords(comparison),
    ...(comparison.scores.length === 0 ? [] : [markdownTable(FIGURE_HEADING, figureRows(comparison))]),
    ...(comparison.pairs.length === 0
      ? []
      : [markdownTable(PAIR_HEADING, pairRows(comparison)), pairWords(comparison)]),
    [...checkLines(report), ...proofLines(report.split)].map((line) => `- ${escapeCell(line)}`).join('\n'),
    command === undefined ? '' : `    ${command}`,
  ]
    .filter((part) => part !== '')
    .join('\n\n')
    .concat('\n')
}

/** The sweep as one HTML page that stands alone. */
export function sweepPage(report: SweepReport): string {
  const { title, simulated, protocol, comparison, createdAt } = report
  return page(
    title,
    element('p', { class: 'kicker' }, text('eegtorch · sweep')),
    element('h1', {}, text(title)),
    element('p', { class: 'muted' }, text(createdAt.replace('T', ' ').replace(/(:\d\d)(:\d\d)(\.\d+)?Z$/, '$1 UTC'))),
    simulatedBanner(simulated),
    warningBanner(report.warnings),
    scoreChart(comparison),
    element('p', {}, element('strong', {}, text('Protocol. ')), text(protocol)),
    table(SCORE_HEADING, scoreRows(report)),
    element('p', { class: 'muted' }, text(scoreWords(comparison))),
    comparison.scores.length === 0 ? text('') : table(FIGURE_HEADING, figureRows(comparison)),
    subjectSection(comparison),
    comparison.pairs.length === 0
      ? text('')
      : section('Models against each other', pairWords(comparison), table(PAIR_HEADING, pairRows(comparison))),
    checksSection(report),
    splitSection(report),
    configurationSection(report),
  )
}

function scoreChart({ scores }: ModelComparison): Markup {
  const [first] = scores
  if (first === undefined) return text('')
  const rows = scores.map(({ name, accuracy }) => ({ label: name, tone: 'validation', ...accuracy }))
  const description = 'Accuracy of each model with its interval, against chance'
  return element('figure', {}, intervalChart(rows, { description, chance: first.accuracy.chance }))
}

function subjectSection({ scores }: ModelComparison): Markup {
  const subjects = scores[0]?.bySubject ?? []
  if (subjects.length < 2) return text('')
  const rows = subjects.map(({ subject, trials }) => [
    subject,
    ...scores.map(({ bySubject }) => number(bySubject.find((own) => own.subject === subject)?.accuracy)),
    String(trials),
  ])
  return section('Subjects', '', table(['subject', ...scores.map(({ name }) => name), 'trials'], rows))
}

function scoreRows({ entries, comparison }: SweepReport): string[][] {
  return entries.map((entry) => {
    const score = comparison.scores.find(({ name }) => name === entry.name)
    const figures = score === undefined ? unfinished(entry) : scoreCells(score)
    const parameters = entry.parameters === undefined ? '–' : entry.parameters.toLocaleString('en-US')
    const seconds = entry.seconds === undefined ? '–' : `${entry.seconds.toPrecision(2)} s`
    return [entry.name, ...figures, parameters, seconds]
  })
}

function scoreCells({ accuracy, subjects, seeds }: ModelScore): string[] {
  return [
    number(accuracy.mean),
    `${accuracy.low.toFixed(2)} to ${accuracy.high.toFixed(2)}`,
    number(accuracy.chance),
    pValue(accuracy.p),
    subjects.deviation === undefined ? 'one subject' : spread(subjects),
    seeds.deviation === undefined ? 'no seeds' : `${spread(seeds)} (${seeds.n})`,
    String(accuracy.n),
  ]
}

function figureRows({ scores }: ModelComparison): string[][] {
  return scores.map(({ name, balancedAccuracy, kappa, macroF1, rocAuc }) => [
    name,
    ...[balancedAccuracy, kappa, macroF1].map((figure) => number(figure.mean)),
    number(rocAuc?.mean),
    rocAuc === undefined ? '–' : `${rocAuc.low.toFixed(2)} to ${rocAuc.high.toFixed(2)}`,
  ])
}

function unfinished({ done, total }: SweepRow): string[] {
  return [`${done} of ${total} trainings`, ...Array<string>(6).fill('–')]
}

function pairRows({ pairs }: ModelComparison): string[][] {
  return pairs.map(({ a, b, difference, n, unequal, wilcoxon, signFlip }) => [
    `${a} − ${b}`,
    (difference < 0 ? '−' : '+') + number(Math.abs(difference)),
    `${n} (${unequal})`,
    pValue(wilcoxon.p),
    pValue(wilcoxon.holm),
    pValue(signFlip.p),
    pValue(signFlip.holm),
  ])
}

function scoreWords({ scores }: ModelComparison): string {
  const [first] = scores
  if (first === undefined) return 'No model is finished yet.'
  const subjects = first.bySubject.length
  return (
    `Accuracy is pooled over trials; a trial that several seeds answered counts once, with its mean. ${formatInterval(first.accuracy).replace(/ \[.*/, '')}s are ` +
    `exact (Clopper-Pearson) ones for that number of trials; chance is the best constant answer, p the exact binomial test against it. ` +
    `${subjects === 1 ? 'One subject: no claim about other people follows.' : `${subjects} subjects.`}`
  )
}

function pairWords({ unit }: ModelComparison): string {
  const meaning =
    unit === 'subject'
      ? 'Pairs are subjects, each with the mean over its trials and seeds: p-values speak of people like them.'
      : 'Pairs are trials, each with its mean over seeds: p-values speak of further trials of these subjects, not of other people or other trainings.'
  return `${meaning} Two-sided Wilcoxon signed-rank and sign-flip permutation tests, each with Holm's correction over all pairs of models.`
}

function markdownTable(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escapeCell).join(' | ')} |`
  return [line(heading), `|${heading.map(() => '---|').join('')}`, ...rows.map(line)].join('\n')
}

const escapeCell = (cell: string) => cell.replaceAll(/[\\|]/g, '\\$&').replaceAll(/\s+/g, ' ')

const pValue = (p: number) => formatP(p).replace(/^p (= )?/, '')

const spread = ({ mean, deviation }: { mean: number; deviation: number | undefined }) =>
  `${number(mean)} ± ${number(deviation)}`

function number(share: number | undefined): string {
  return share === undefined || !Number.isFinite(share) ? '–' : share.toFixed(3)
}
