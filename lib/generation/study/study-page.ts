import { formatP } from '../../evaluation/text.ts'
import { page, simulatedBanner } from '../../report/page.ts'
import { element, type Markup, text } from '../../report/svg.ts'
import { section, table, wordTable } from '../../report/tables.ts'
import type { StudyResult } from './picture-study.ts'
import type { ClassScore } from './study-scores.ts'

/** What the page tells beside the result. */
export interface StudyFacts {
  title: string
  simulated: boolean
  classNames: readonly string[]
  /** How windows were made and parted. */
  protocol: string
  /** Where the pictures are from, and how many are trained on and held out. */
  stimuli: string
  seconds: number
  /** The grid of all pictures, a PNG. */
  grid: Buffer
}

/** A study as one HTML page that stands alone. */
export function renderStudy({ decoding, scores, drawn }: StudyResult, facts: StudyFacts): string {
  return page(
    facts.title,
    element('p', { class: 'kicker' }, text('eegtorch · pictures from EEG')),
    element('h1', {}, text(facts.title)),
    simulatedBanner(facts.simulated),
    section('What was read', '', element('p', {}, text(decodingSentence(decoding, facts.classNames)))),
    section(
      'Pictures',
      'Green: the class that was read is the true one. Red: it is not.',
      element('img', {
        src: `data:image/png;base64,${facts.grid.toString('base64')}`,
        alt: `${drawn.length} pictures`,
        style: 'max-width: 100%',
      }),
    ),
    section('Scores beside their controls', meaning(), scoreTable(scores)),
    section('Protocol', '', protocolTable(facts)),
  )
}

/** The same in lines of text. */
export function studyLines({ decoding, scores }: StudyResult, classNames: readonly string[]): string[] {
  const width = Math.max(...scores.map(({ name }) => name.length))
  const rows = scores.map(({ name, identification, correlation }) => {
    const { accuracy, low, high, n, p } = identification
    return `  ${name.padEnd(width)}  ${accuracy.toFixed(3)} [${low.toFixed(2)}, ${high.toFixed(2)}]  n = ${n}  ${formatP(p).padEnd(9)}  correlation ${correlation.toFixed(3)}`
  })
  return [
    decodingSentence(decoding, classNames),
    `pictures like their class, of ${scores[0]!.identification.n} (chance ${scores[0]!.identification.chance.toFixed(3)}), made of:`,
    ...rows,
    ...meaning().split(/(?<=\.) /),
  ]
}

function decodingSentence({ accuracy, n, low, high, chance, p }: ClassScore, names: readonly string[]): string {
  const interval = `95 % interval [${low.toFixed(2)}, ${high.toFixed(2)}]`
  return `${names.join(' or ')}: accuracy ${accuracy.toFixed(3)}, n = ${n} test trials, ${interval}, chance ${chance.toFixed(3)} (${formatP(p)})`
}

function meaning(): string {
  return (
    'The recordings tell the class of a trial and not which picture was seen, so a picture counts as right where it is more like held-out pictures ' +
    'of its class than like those of others: this shows that the class was decoded, not that somebody saw this picture. ' +
    'The EEG adds something only where its pictures score above those of other trials and of noise, and more than the class only where they score ' +
    'above those of the class alone.'
  )
}

function scoreTable(scores: StudyResult['scores']): Markup {
  return table(
    [
      'made of',
      'like their class',
      '95 % interval',
      'p',
      'pictures',
      'correlation with held-out pictures',
      'nearest training',
      'nearest held-out',
    ],
    scores.map(({ name, identification, correlation, nearestTraining, nearestHeldOut }) => [
      name,
      identification.accuracy.toFixed(3),
      `${identification.low.toFixed(2)} – ${identification.high.toFixed(2)}`,
      formatP(identification.p).replace(/^p (= )?/, ''),
      String(identification.n),
      ...[correlation, nearestTraining, nearestHeldOut].map((value) => value.toFixed(3)),
    ]),
  )
}

function protocolTable({ protocol, stimuli, seconds }: StudyFacts): Markup {
  return wordTable([
    ['windows', protocol],
    ['pictures', stimuli],
    ['took', `${(seconds / 60).toFixed(1)} min`],
  ])
}
