import { join } from 'node:path'

/**
 * What pictures are made of to tell what the EEG gave them: `shuffled`, EEG of another trial, of another class where there are several; `random`, noise
 * with the statistics of the EEG; `label`, nothing but the prompt of the class that was read.
 */
export const pictureControls = ['shuffled', 'random', 'label'] as const

/** One of {@link pictureControls}. */
export type PictureControl = (typeof pictureControls)[number]

/**
 * Where a folder of generated pictures keeps those of a control: a folder of the same kind, whose trials are named alike (the trial whose stimulus
 * the picture is scored against) and made with the same seeds.
 */
export function controlFolder(folder: string, control: PictureControl): string {
  return join(folder, 'controls', control)
}
