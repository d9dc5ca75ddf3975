import { ASKED_CONTROLS, type AskedControl, controlsOf, type DatasetCard } from './card.ts'
import type { KnownDataset } from './dataset.ts'
import { bcicIv2a } from './sets/bcic-iv-2a.ts'
import { bcicIv2aNpy } from './sets/bcic-iv-2a-npy.ts'
import { bcicIv2b } from './sets/bcic-iv-2b.ts'
import { bi2012 } from './sets/bi2012.ts'
import { eegmmidb } from './sets/eegmmidb.ts'
import { faced } from './sets/faced.ts'
import { museN170, museSsvep } from './sets/muse.ts'
import { thingsEeg2 } from './sets/things-eeg2.ts'
import { visualImagery } from './sets/visual-imagery.ts'
import type { EegWindows } from './windows.ts'

/** Every data set that is known by name, one line each. */
export const knownDatasets: readonly KnownDataset[] = [
  eegmmidb,
  bcicIv2a,
  bcicIv2b,
  bcicIv2aNpy,
  visualImagery,
  thingsEeg2,
  faced,
  museSsvep,
  museN170,
  bi2012,
]

/** A data set by its name, however it is spelled: `BCIC_IV_2a` is `bcic-iv-2a`. */
export function findDataset(name: string): KnownDataset | undefined {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[-_ .]/g, '')
  return knownDatasets.find(({ card }) => plain(card.name) === plain(name))
}

/** The cards of all data sets that are known by name. */
export function datasetCards(): readonly DatasetCard[] {
  return knownDatasets.map(({ card }) => card)
}

/** Data sets that descriptions of this process made known. */
const described = new Map<string, KnownDataset>()

/** Lets recordings of a described data set find its tasks, and scores on it its warnings. */
export function rememberDataset(known: KnownDataset): void {
  described.set(known.card.name, known)
}

/** The data set that a recording names. */
export function datasetOf(name: string): KnownDataset | undefined {
  return described.get(name) ?? findDataset(name)
}

/** Controls that the cards of the data sets ask for that windows come from. */
export function askedControls({ recordings }: Pick<EegWindows, 'recordings'>): AskedControl[] {
  const names = new Set(recordings.flatMap(({ dataset }) => dataset ?? []))
  const asked = new Set([...names].flatMap((name) => datasetOf(name)?.card ?? []).flatMap(controlsOf))
  return ASKED_CONTROLS.filter((control) => asked.has(control))
}

/** What the cards of the data sets that windows come from say beside every score; none for recordings of no known data set. */
export function scoreWarnings({ recordings }: Pick<EegWindows, 'recordings'>): string[] {
  const names = new Set(recordings.flatMap(({ dataset }) => dataset ?? []))
  return [...names].flatMap((name) => datasetOf(name)?.card.warnings.map((warning) => `${name}: ${warning}`) ?? [])
}
