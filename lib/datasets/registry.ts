import type { DatasetCard } from './card.ts'
import type { KnownDataset } from './dataset.ts'
import { bcicIv2a } from './sets/bcic-iv-2a.ts'
import { bcicIv2b } from './sets/bcic-iv-2b.ts'
import { eegmmidb } from './sets/eegmmidb.ts'

/** Every data set that is known by name, one line each. */
export const knownDatasets: readonly KnownDataset[] = [eegmmidb, bcicIv2a, bcicIv2b]

/** A data set by its name, however it is spelled: `BCIC_IV_2a` is `bcic-iv-2a`. */
export function findDataset(name: string): KnownDataset | undefined {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[-_ .]/g, '')
  return knownDatasets.find(({ card }) => plain(card.name) === plain(name))
}

/** The cards of all data sets that are known by name. */
export function datasetCards(): readonly DatasetCard[] {
  return knownDatasets.map(({ card }) => card)
}
