import { type EvaluationSummary, summarisePredictions } from '../evaluation/summary.ts'
import { formatAccuracy } from '../evaluation/text.ts'
import { element, join, type Markup, text } from '../svg.ts'
import { checksSection } from './checks-section.ts'
import { page, simulatedBanner, warningBanner } from './page.ts'
import type { RunReport } from './run-report.ts'
import {
  configurationSection,
  confusionSection,
  curvesSection,
  groupsSection,
  scoreSection,
  signalsSection,
  splitSection,
} from './sections.ts'

/**
 * A run as one HTML page that stands alone: pictures are inline SVG, nothing is loaded, no script runs (the page's own
 * policy forbids both), and it follows the reader's choice of light or dark. All strings of the run are escaped.
 *
 * @param run what `results.json` holds
 * @param summary its score, where it is known already
 * @throws EegTorchError `INVALID_OPTION` for a run without predictions
 */
export function renderReport(
  run: RunReport,
  summary: EvaluationSummary = summarisePredictions(run.predictions, summaryOptions(run)),
): string {
  const baselines = run.baselines.map(({ name, predictions }) => ({
    name,
    summary: summarisePredictions(predictions, summaryOptions(run)),
  }))
  return page(
    run.title,
    header(run),
    scoreSection(run, summary, baselines),
    curvesSection(run, summary.accuracy.chance),
    confusionSection(run, summary),
    groupsSection(run, summary),
    signalsSection(run),
    checksSection(run),
    splitSection(run),
    configurationSection(run),
    footer(run, summary),
  )
}

export function summaryOptions({ classes, confidence }: RunReport): { classes: number; confidence?: number } {
  return { classes: classes.length, ...(confidence !== undefined && { confidence }) }
}

function header(run: RunReport): Markup {
  const facts = [
    run.model.name + (run.model.parameters === undefined ? '' : `, ${thousands(run.model.parameters)} parameters`),
    run.createdAt.replace('T', ' ').replace(/(:\d\d)(:\d\d)(\.\d+)?Z$/, '$1 UTC'),
    ...(run.seconds === undefined ? [] : [`took ${duration(run.seconds)}`]),
  ]
  return join([
    element('p', { class: 'kicker' }, text('eegtorch · run report')),
    element('h1', {}, text(run.title)),
    element('p', { class: 'muted' }, text(facts.join('   ·   '))),
    simulatedBanner(run.simulated),
    warningBanner(run.warnings ?? []),
  ])
}

function footer(run: RunReport, summary: EvaluationSummary): Markup {
  return element(
    'footer',
    {},
    element('p', {}, text(`${run.simulated ? 'Simulated data. ' : ''}${formatAccuracy(summary.accuracy)}`)),
    element(
      'p',
      {},
      text(
        'The interval is the exact (Clopper-Pearson) one for the number of trials: seeds, which answer the same trials ' +
          'again, never narrow it. The deviation is over seeds. Chance is what the best constant answer scores; ' +
          'p is the exact one-sided binomial test against it.',
      ),
    ),
  )
}

function thousands(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ',')
}

function duration(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  const minutes = Math.round(seconds / 60)
  return minutes < 60
    ? `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
