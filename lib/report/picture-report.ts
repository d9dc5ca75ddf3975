import { formatInterval, formatP } from '../evaluation/text.ts'
import type { ControlEstimate, Estimate } from '../generation/scores/estimate.ts'
import type { FolderScores, ScoredRow } from '../generation/scores/score-folder.ts'
import type { PictureScore, ScoreControl } from '../generation/scores/score-pictures.ts'
import { element, join, type Markup, text } from '../svg.ts'
import { page, simulatedBanner, warningBanner } from './page.ts'
import { section, table, wordTable } from './tables.ts'

/** A page about pictures that were made from EEG. */
export interface PictureReport {
  title: string
  createdAt: string
  /** Whether the EEG came from a program. */
  simulated: boolean
  /** How trials were split and pictures made, in words. */
  protocol: string
  /** Sentences above the scores: what else was found, and what it means. */
  findings?: readonly string[]
  scores: FolderScores
  /** Pictures of the first rows as data URIs, in the order of the rows. */
  thumbnails: readonly Thumbnails[]
  versions: Record<string, string>
  command?: string
}

/** Pictures of one row, by what they are. */
export type Thumbnails = Partial<Record<keyof ScoredRow['files'], string>>

const CONTROLS: readonly [ScoreControl, string][] = [
  ['shuffled', 'shuffled EEG'],
  ['random', 'random EEG'],
  ['label', 'label alone'],
  ['nearest', 'nearest training picture'],
]
/** Columns of pictures. What stands in for the picture that was seen must not pass for it. */
const columnsOf = ({ pairing }: FolderScores): [keyof ScoredRow['files'], string][] => [
  ['stimulus', pairing === 'class' ? 'one of its class' : 'seen'],
  ['made', 'made'],
  ...CONTROLS,
]

/** The page: scores beside their controls, the pictures, and how to read both. It stands alone, as every report does. */
export function pictureReportPage(report: PictureReport): string {
  const { title, createdAt, scores, simulated, protocol, findings = [] } = report
  return page(
    title,
    element('p', { class: 'kicker' }, text('eegtorch · pictures from EEG')),
    element('h1', {}, text(title)),
    element('p', { class: 'muted' }, text(createdAt.replace('T', ' ').replace(/(:\d\d)(:\d\d)(\.\d+)?Z$/, '$1 UTC'))),
    simulatedBanner(simulated),
    warningBanner(pictureWarnings(scores)),
    ...findings.map((sentence) => element('p', {}, text(sentence))),
    element('p', {}, element('strong', {}, text('Protocol. ')), text(protocol)),
    element('p', { class: 'muted' }, text(countWords(scores))),
    scoreSection(scores),
    memorySection(scores),
    pictureSection(report),
    section('Versions', '', wordTable(Object.entries(report.versions)), commandBlock(report.command)),
  )
}

/** What must be said beside the scores of these pictures. */
export function pictureWarnings({
  pairing,
  memorisation,
  missing,
  trials,
  trained = 0,
  pictures,
}: FolderScores): string[] {
  const absent = CONTROLS.filter(([control]) => missing[control] !== undefined)
  return [
    ...(trained > 0
      ? [
          `${trained} of the ${pictures} pictures are of trials that the networks learned from: their scores tell what was learned by heart.`,
        ]
      : []),
    ...(pairing === 'class'
      ? ['Stimuli are paired by class: nobody recorded which picture was seen, so scores tell classes, not pictures.']
      : []),
    ...(memorisation !== undefined && memorisation.stimuliInTraining > 0
      ? [
          `${memorisation.stimuliInTraining} of the stimuli are among the training pictures: scores say nothing about new ones.`,
        ]
      : []),
    ...(memorisation !== undefined && memorisation.closerToTraining > 0.5
      ? ['Most pictures are more like a training picture than like what was seen: they may be recalled, not read.']
      : []),
    ...(trials < 20 ? [`${trials} ${trials === 1 ? 'trial is' : 'trials are'} few: the intervals are wide.`] : []),
    ...absent.map(([control, name]) => `Not controlled by ${name}: ${missing[control]}.`),
  ]
}

function countWords({ pictures, trials, stimuli, seeds, modes, size, reading, confidence }: FolderScores): string {
  const parts = [
    `${pictures} pictures of ${trials} trials, ${stimuli} different stimuli, ${seeds} ${seeds === 1 ? 'seed' : 'seeds'}`,
    `made by: ${modes.join('; ')}`,
    `compared at ${size} x ${size} pixels`,
    ...(reading
      ? [
          `the class was read right in ${(100 * reading.mean).toFixed(1)} % of trials (${formatInterval(reading)}, ` +
            `chance ${reading.chance.toFixed(3)}, ${formatP(reading.p)})`,
        ]
      : []),
  ]
  return `${parts.join('. ')}. Intervals hold ${Number((100 * confidence).toPrecision(4))} % and come from trials drawn again.`
}

function scoreSection({ scores, missing }: FolderScores): Markup {
  const shown = CONTROLS.filter(([control]) => missing[control] === undefined)
  const heading = ['measure', 'better', 'score', 'interval', 'chance', 'trials', ...shown.map(([, name]) => name)]
  const words =
    'A score means something where it is better than every control. Under each control stands its own mean and the p-value of the difference ' +
    '(two-sided sign-flip test over trials, not corrected for the number of measures).'
  return section(
    'Scores',
    words,
    table(
      heading,
      scores.map((score) => scoreRow(score, shown)),
    ),
  )
}

function scoreRow({ title, better, score, chance, controls }: PictureScore, shown: typeof CONTROLS): string[] {
  return [
    title,
    better,
    number(score.mean),
    intervalOf(score),
    chance === undefined ? '–' : number(chance),
    String(score.n),
    ...shown.map(([control]) => controlCell(controls[control])),
  ]
}

function controlCell(control: ControlEstimate | undefined): string {
  if (control === undefined) return '–'
  return control.p === undefined ? number(control.mean) : `${number(control.mean)} (${formatP(control.p)})`
}

function memorySection({ memorisation }: FolderScores): Markup {
  if (memorisation === undefined) return text('')
  const { place, trainingPictures, closerToTraining, copies, stimuliInTraining } = memorisation
  return section(
    'Memorisation',
    'A generator that recalls what it learnt can look good without reading anything.',
    wordTable([
      ['training pictures', String(trainingPictures)],
      ['likeness measured in', place],
      ['more like a training picture than like what was seen', `${(100 * closerToTraining).toFixed(1)} % of pictures`],
      ['copies of a training picture (correlation above 0.95)', String(copies)],
      ['stimuli among the training pictures', String(stimuliInTraining)],
    ]),
  )
}

function pictureSection({ scores, thumbnails }: PictureReport): Markup {
  const { rows } = scores
  const columns = columnsOf(scores).filter(([kind]) => thumbnails.some((row) => row[kind] !== undefined))
  const head = element(
    'thead',
    {},
    element('tr', {}, ...['trial', ...columns.map(([, name]) => name)].map((name) => element('th', {}, text(name)))),
  )
  const body = thumbnails.map((row, i) => {
    const { number, trial, true: truth, predicted, mode, sentence } = rows[i]!
    const mark = truth === undefined ? '' : truth === predicted ? '✓ ' : '✗ '
    const words = `${mark}${number}. ${trial}: ${truth === undefined ? '' : `true ${truth}, `}read ${predicted}${sentence === undefined ? '' : ` from “${sentence}”`} (${mode})`
    const cells = columns.map(([kind, name]) => element('td', {}, thumbnail(row[kind], `${name} of ${trial}`)))
    return element('tr', {}, element('td', {}, text(words)), ...cells)
  })
  const more = rows.length > thumbnails.length ? `The first ${thumbnails.length} of ${rows.length}.` : ''
  const grid = element('table', {}, head, element('tbody', {}, join(body)))
  return section('Pictures', more, element('div', { class: 'wide' }, grid))
}

function thumbnail(source: string | undefined, description: string): Markup {
  return source === undefined ? text('–') : element('img', { src: source, alt: description, width: 112, height: 112 })
}

function commandBlock(command: string | undefined): Markup {
  return command === undefined ? text('') : element('pre', {}, text(command))
}

function intervalOf({ low, high }: Estimate): string {
  return low === undefined || high === undefined ? '–' : `${number(low)} to ${number(high)}`
}

function number(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(3))) : '–'
}
