/** What may be told from windows that is not brain: the block, the time, the class after training on shuffled labels. */
export const ASKED_CONTROLS = ['block', 'time', 'shuffled'] as const
export type AskedControl = (typeof ASKED_CONTROLS)[number]

/** What everybody should know of a data set before believing a score on it. */
export interface DatasetCard {
  /** By this name commands know it: `bcic-iv-2a`. */
  readonly name: string
  readonly title: string
  /** Page of the people who published it. */
  readonly source: string
  readonly licence: string
  /** The paper to cite. */
  readonly citation: string
  /** How stimuli or cues followed one another: mixed, in blocks of one class, or one condition to a run. */
  readonly design: 'random' | 'block' | 'by run' | 'unknown'
  /** How often each subject met each stimulus, and whether training and test share them. */
  readonly repeats: string
  readonly classes: readonly string[]
  readonly subjects: number | 'unknown'
  /** Sessions, runs and trials of a subject. */
  readonly amount: string
  readonly channels: string
  /** Hertz. */
  readonly samplingRate: number | 'as recorded'
  /** What is wrong with it, and what the reader does about it. */
  readonly defects: readonly string[]
  /** How to split and what to report. */
  readonly protocol: string
  /** Printed beside every score. */
  readonly warnings: readonly string[]
  /** What else to tell from the same windows beside every score; default: all of it where the design is not random or unknown. */
  readonly controls?: readonly AskedControl[]
  /** Which files in which folders the reader expects. */
  readonly layout: string
  /** How to get it where no program may fetch it. */
  readonly byHand?: string
}

/** Which controls a card asks for. Where classes come in blocks or runs of their own, a score of classes may be a score of blocks. */
export function controlsOf({ controls, design }: Pick<DatasetCard, 'controls' | 'design'>): readonly AskedControl[] {
  return controls ?? (design === 'block' || design === 'by run' ? ASKED_CONTROLS : [])
}

/** A card as lines of text, for a terminal. */
export function formatCard(card: DatasetCard): string {
  const rows: [string, string | readonly string[] | undefined][] = [
    ['source', card.source],
    ['licence', card.licence],
    ['citation', card.citation],
    ['design', card.design],
    ['repeats', card.repeats],
    ['classes', card.classes.length > 12 ? `${card.classes.length} of them` : card.classes.join(', ')],
    ['subjects', String(card.subjects)],
    ['amount', card.amount],
    ['channels', card.channels],
    ['rate', card.samplingRate === 'as recorded' ? card.samplingRate : `${card.samplingRate} Hz`],
    ['known defects', card.defects],
    ['protocol', card.protocol],
    ['with every score', card.warnings],
    ['controls', controlsOf(card).join(', ') || 'none asked for'],
    ['files', card.layout],
    ['by hand', card.byHand],
  ]
  const width = Math.max(...rows.map(([name]) => name.length)) + 2
  const lines = rows.flatMap(([name, value]) =>
    [value ?? []].flat().map((line, i) => `${(i === 0 ? name : '').padEnd(width)}${line}`),
  )
  return [`${card.name}: ${card.title}`, ...lines].join('\n')
}
