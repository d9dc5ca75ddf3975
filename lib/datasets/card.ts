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
  /** Which files in which folders the reader expects. */
  readonly layout: string
  /** How to get it where no program may fetch it. */
  readonly byHand?: string
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
    ['files', card.layout],
    ['by hand', card.byHand],
  ]
  const width = Math.max(...rows.map(([name]) => name.length)) + 2
  const lines = rows.flatMap(([name, value]) =>
    [value ?? []].flat().map((line, i) => `${(i === 0 ? name : '').padEnd(width)}${line}`),
  )
  return [`${card.name}: ${card.title}`, ...lines].join('\n')
}
