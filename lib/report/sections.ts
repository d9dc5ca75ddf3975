import type { PartCounts } from '../evaluation/leaks.ts'
import type { EvaluationSummary, Figure, GroupSummary } from '../evaluation/summary.ts'
import { formatOpenings } from '../evaluation/test-ledger.ts'
import { formatInterval, formatP } from '../evaluation/text.ts'
import { element, extent, join, type Markup, text } from '../svg.ts'
import type { EpochFigures, LearningCurve } from '../training/learning-curve.ts'
import { heatMap, intervalChart, type LineSeries, lineChart, traces } from './charts.ts'
import type { ExampleSignals, RunReport, SplitFold } from './run-report.ts'
import { section, table, wordTable } from './tables.ts'

/** The score of a classical decoder on the same folds. */
export interface BaselineSummary {
  name: string
  summary: EvaluationSummary
}

const NOTHING = text('')

/** The first thing to read: the score, its interval, chance, and what a classical decoder gets. */
export function scoreSection(
  run: RunReport,
  summary: EvaluationSummary,
  baselines: readonly BaselineSummary[],
): Markup {
  const { accuracy } = summary
  const rows = [
    { label: run.model.name, tone: 'validation', ...accuracy, dots: summary.bySeed.map((s) => s.accuracy) },
    ...baselines.map((b) => ({ label: b.name, tone: 'train', ...b.summary.accuracy })),
  ]
  const spread = accuracy.seeds > 1 ? ` ± ${(100 * accuracy.deviation).toFixed(1)}` : ''
  const figures: [string, EvaluationSummary][] = [
    [run.model.name, summary],
    ...baselines.map((b): [string, EvaluationSummary] => [b.name, b.summary]),
  ]
  return join([
    element(
      'div',
      { class: 'score' },
      element(
        'div',
        {},
        element(
          'div',
          { class: 'number' },
          text((100 * accuracy.mean).toFixed(1)),
          element('small', {}, text(`${spread} %`)),
        ),
        element('p', { class: 'muted' }, text(scoreWords(summary))),
      ),
      intervalChart(rows, { description: 'Accuracy with its interval, against chance', chance: accuracy.chance }),
    ),
    element('p', {}, element('strong', {}, text('Protocol. ')), text(run.protocol)),
    table(
      ['', 'accuracy', 'interval', 'balanced accuracy', 'kappa', 'macro F1', 'ROC area', 'p', 'trials'],
      figures.map(([name, s]) => [
        name,
        percent(s.accuracy.mean),
        `${s.accuracy.low.toFixed(2)} – ${s.accuracy.high.toFixed(2)}`,
        percent(s.balancedAccuracy.mean),
        decimals(s.kappa),
        decimals(s.macroF1),
        s.rocAuc === undefined
          ? '–'
          : `${decimals(s.rocAuc)} (${s.rocAuc.low.toFixed(2)} – ${s.rocAuc.high.toFixed(2)})`,
        formatP(s.accuracy.p).replace(/^p (= )?/, ''),
        String(s.accuracy.n),
      ]),
    ),
  ])
}

function scoreWords({ accuracy }: EvaluationSummary): string {
  const { seeds, n, chance, uniformChance, p } = accuracy
  const times = seeds > 1 ? `Mean accuracy of ${seeds} seeds ± their standard deviation` : 'Accuracy'
  const tested = `${n} ${n === 1 ? 'trial' : 'trials'}`
  const parts = [
    tested,
    formatInterval(accuracy),
    `chance ${chance.toFixed(3)} (${uniformChance.toFixed(3)} among equal classes)`,
    formatP(p),
  ]
  return `${times}. ${parts.map((part) => part.replaceAll(' ', '\u00a0')).join(', ')}.`
}

/** Loss and accuracy by epoch: every training faint, their mean strong. */
export function curvesSection(run: RunReport, chance: number): Markup {
  if (run.curves.length === 0) return NOTHING
  const chart = (kind: 'Loss' | 'Accuracy', train: keyof EpochFigures, validation: keyof EpochFigures) => {
    const series = [...curveSeries(run.curves, train, 'train'), ...curveSeries(run.curves, validation, 'validation')]
    if (series.every((s) => s.points.length === 0)) return NOTHING
    const options = { description: `${kind} by epoch`, xLabel: 'epoch', yLabel: kind.toLowerCase(), series }
    return element(
      'figure',
      {},
      kind === 'Loss'
        ? lineChart(options)
        : lineChart({ ...options, yRange: [0, 1], level: { y: chance, label: 'chance' } }),
    )
  }
  const validated = run.curves.some(({ epochs }) => epochs.some((e) => Number.isFinite(e.validationLoss)))
  const trainings = run.curves.length
  const words =
    trainings === 1
      ? 'One training.'
      : `${trainings} trainings, one for each fold and seed: each a faint line, their mean a strong one. After an early stop the mean is of those that go on.`
  return section(
    'Learning curves',
    words,
    legend([['train', 'training'], ...(validated ? [['validation', 'validation'] as const] : [])]),
    element(
      'div',
      { class: 'pair' },
      chart('Loss', 'trainLoss', 'validationLoss'),
      chart('Accuracy', 'trainAccuracy', 'validationAccuracy'),
    ),
  )
}

function curveSeries(curves: readonly LearningCurve[], figure: keyof EpochFigures, tone: string): LineSeries[] {
  const single = curves.map(({ epochs }) => epochs.flatMap((e) => point(e.epoch, e[figure])))
  if (curves.length === 1) return [{ tone, points: single[0]! }]
  const byEpoch = new Map<number, number[]>()
  for (const [epoch, value] of single.flat().filter(([, y]) => Number.isFinite(y))) {
    byEpoch.set(epoch, [...(byEpoch.get(epoch) ?? []), value])
  }
  const means = [...byEpoch]
    .sort(([a], [b]) => a - b)
    .map(([epoch, values]) => [epoch, values.reduce((a, b) => a + b, 0) / values.length] as const)
  return [...single.map((points) => ({ tone, faint: true, points })), { tone, points: means }]
}

function point(epoch: number, value: number | undefined): [number, number][] {
  return value === undefined ? [] : [[epoch, value]]
}

/** Which class is taken for which, and the figures of each class. */
export function confusionSection(run: RunReport, summary: EvaluationSummary): Markup {
  const whole = summary.confusion.flat().every((value) => Number.isInteger(value))
  const rows = summary.perClass.map(({ precision, recall, f1, support }, c) => [
    run.classes[c] ?? String(c),
    percent(recall),
    percent(precision),
    f1.toFixed(3),
    support.toFixed(0),
  ])
  return section(
    'Classes',
    summary.accuracy.seeds > 1
      ? 'Trials of each class by the answer, as a mean over seeds.'
      : 'Trials of each class by the answer.',
    element(
      'div',
      { class: 'pair' },
      element(
        'figure',
        {},
        heatMap({
          description: 'Confusion matrix',
          values: summary.confusion,
          format: (value) => value.toFixed(whole ? 0 : 1),
          rowLabels: run.classes,
          columnLabels: run.classes,
          rowTitle: 'true class',
          columnTitle: 'answer',
        }),
      ),
      element('div', {}, table(['class', 'recall', 'precision', 'F1', 'trials'], rows)),
    ),
  )
}

/** Scores by subject and by fold. */
export function groupsSection(run: RunReport, summary: EvaluationSummary): Markup {
  const heading = ['accuracy', 'interval', 'balanced accuracy', 'kappa', 'macro F1', 'chance', 'p', 'trials']
  const row = (name: string, group: GroupSummary) => [
    name,
    percent(group.accuracy.mean) +
      (group.accuracy.seeds > 1 ? ` ± ${(100 * group.accuracy.deviation).toFixed(1)}` : ''),
    `${group.accuracy.low.toFixed(2)} – ${group.accuracy.high.toFixed(2)}`,
    percent(group.balancedAccuracy.mean),
    decimals(group.kappa),
    decimals(group.macroF1),
    group.accuracy.chance.toFixed(3),
    formatP(group.accuracy.p).replace(/^p (= )?/, ''),
    String(group.accuracy.n),
  ]
  const subjects = summary.bySubject.map((s) => row(s.subject, s))
  const folds = summary.byFold.map((f) => row(run.split.folds[f.fold]?.name ?? `fold ${f.fold + 1}`, f))
  return section(
    'Subjects and folds',
    `${subjects.length === 1 ? 'One subject: no claim about other people follows. ' : ''}Intervals are for the trials of the row alone.`,
    table(['subject', ...heading], [...subjects, ...(subjects.length > 1 ? [row('all', summary)] : [])]),
    folds.length > 1 ? table(['tested fold', ...heading], folds) : NOTHING,
  )
}

/** One trial, the class means and their spectra. */
export function signalsSection({ signals }: RunReport): Markup {
  if (signals === undefined) return NOTHING
  const { channels, samplingRate, from, trial, averages } = signals
  const common = { channels, samplingRate, from, formatAmplitude: microvolts }
  const trialSet = [{ tone: 'class-7', samples: trial.samples }]
  const meanSets = averages.map(({ samples }, i) => ({ tone: `class-${i % 8}`, samples }))
  return section(
    'Signals',
    'The windows that were decoded, before any standardisation; each channel about its mean. Means are over the first 2,000 windows at most, spectra over the first 200 of each class in these.',
    element('h3', {}, text(`One trial: ${trial.title}`)),
    element('figure', {}, traces({ ...common, description: 'Signals of one trial', sets: trialSet })),
    element('h3', {}, text('Mean of each class')),
    legend(averages.map(({ label, trials }, i) => [`class-${i % 8}`, `${label}, ${trials} windows`])),
    element('figure', {}, traces({ ...common, description: 'Mean signals of each class', sets: meanSets })),
    ...spectraFigure(signals),
  )
}

/** Power by frequency in three channels: where classes differ in rhythms, it shows here and not in the mean signal. */
function spectraFigure({ channels, spectra }: ExampleSignals): Markup[] {
  if (spectra === undefined) return []
  const charts = channels.slice(0, 3).map((channel, c) => {
    const curves = spectra.classes.map(({ density }) =>
      density[c]!.map((value, k): [number, number] => [k * spectra.resolution, 10 * Math.log10(value * 1e12)]).slice(1),
    )
    const [, top] = extent(curves.flat().map(([, level]) => level))
    // What a filter took away lies far below; 40 dB show the rest.
    const inRange = (curve: [number, number][]) =>
      curve.map(([f, level]) => [f, level < top - 40 ? Number.NaN : level] as const)
    return lineChart({
      description: `Power spectrum of ${channel}`,
      xLabel: 'hertz',
      yLabel: `${channel}, dB of 1 µV²/Hz`,
      series: curves.map((curve, i) => ({ tone: `class-${i % 8}`, points: inRange(curve) })),
      width: 336,
      height: 220,
    })
  })
  return [
    element('h3', {}, text('Mean power spectrum of each class')),
    element('div', { class: 'triple' }, ...charts.map((chart) => element('figure', {}, chart))),
  ]
}

/** What kept training and test apart. */
export function splitSection({ split }: Pick<RunReport, 'split'>): Markup {
  return section(
    'Split',
    `Held out${split.heldOut === undefined ? ` by ${split.by}` : `: ${split.heldOut}`}. ${split.statement}`,
    table(
      ['tested', 'training windows', 'validation windows', 'test windows', 'left out', ...PROOF_HEADING],
      split.folds.map((fold) => [
        ...[fold.name, String(fold.train), String(fold.validation), String(fold.test)],
        fold.leftOut === undefined ? 'none' : counts(fold.leftOut),
        ...proofCells(fold),
      ]),
    ),
    split.openings === undefined ? NOTHING : element('p', {}, text(`${sentence(formatOpenings(split.openings))}.`)),
  )
}

const PROOF_HEADING = ['different trials', 'nearest in time', 'windows compared', 'stimuli', 'fitted on']

function proofCells({ proof }: SplitFold): string[] {
  if (proof === undefined) return PROOF_HEADING.map(() => '–')
  return [
    counts(proof.trials),
    proof.nearest === undefined ? 'no shared recording' : `${Number(proof.nearest.toPrecision(3))} s`,
    String(proof.compared),
    proof.stimuli === undefined ? 'not asked' : counts(proof.stimuli),
    proof.fitted.map(({ name, learnedFrom }) => `${name}: ${counts(learnedFrom)}`).join('; ') || 'nothing fitted',
  ]
}

const counts = ({ train, validation, test }: PartCounts) => [train, validation, test].join(' / ')

const sentence = (words: string) => words[0]!.toUpperCase() + words.slice(1)

/** What is needed to repeat the run. */
export function configurationSection(
  run: Pick<RunReport, 'command' | 'configuration' | 'versions' | 'hardware'>,
): Markup {
  return section(
    'Configuration',
    '',
    run.command === undefined ? NOTHING : element('pre', {}, text(run.command)),
    element(
      'div',
      { class: 'pair' },
      element('div', {}, element('h3', {}, text('Options')), wordTable(flatten(run.configuration))),
      element(
        'div',
        {},
        element('h3', {}, text('Versions')),
        wordTable(Object.entries(run.versions)),
        element('h3', {}, text('Hardware')),
        wordTable(Object.entries(run.hardware)),
      ),
    ),
  )
}

/** `{ a: { b: [1, 2] } }` becomes `a.b: 1, 2`. */
function flatten(options: Record<string, unknown>, prefix = ''): [string, string][] {
  return Object.entries(options).flatMap(([key, value]): [string, string][] => {
    if (value === undefined) return []
    if (Array.isArray(value)) return [[prefix + key, value.map(plain).join(', ')]]
    if (typeof value === 'object' && value !== null)
      return flatten(value as Record<string, unknown>, `${prefix}${key}.`)
    return [[prefix + key, plain(value)]]
  })
}

function plain(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value)
}

function legend(entries: readonly (readonly [tone: string, label: string])[]): Markup {
  const items = entries.map(([tone, label]) =>
    element('li', {}, element('i', { class: tone }), element('b', {}, text(label))),
  )
  return element('ul', { class: 'legend' }, ...items)
}

function percent(share: number): string {
  return Number.isFinite(share) ? `${(100 * share).toFixed(1)} %` : '–'
}

function decimals({ mean }: Figure): string {
  return Number.isFinite(mean) ? mean.toFixed(3) : '–'
}

function microvolts(volts: number): string {
  const value = volts * 1e6
  return `${Number(value.toPrecision(1))} µV`
}
