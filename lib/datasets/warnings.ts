import type { DatasetCard } from './card.ts'
import { knownDatasets } from './registry.ts'
import type { EegWindows } from './windows.ts'

/** Cards of data sets that descriptions of this process made known. */
const described = new Map<string, DatasetCard>()

/** Lets scores on a described data set carry its warnings. */
export function rememberCard(card: DatasetCard): void {
  described.set(card.name, card)
}

/** What the cards of the data sets that windows come from say beside every score; none for recordings of no known data set. */
export function scoreWarnings(windows: Pick<EegWindows, 'recordings'>): string[] {
  const names = new Set(windows.recordings.flatMap(({ dataset }) => dataset ?? []))
  return [...names].flatMap((name) => {
    const card = knownDatasets.find((known) => known.card.name === name)?.card ?? described.get(name)
    return card?.warnings.map((warning) => `${name}: ${warning}`) ?? []
  })
}
