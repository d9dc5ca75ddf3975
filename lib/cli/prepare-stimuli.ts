import { readdir, readFile, rm } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import type { EegWindows } from '../datasets/windows.ts'
import { writeFileAtomically } from '../files/atomic.ts'
import { makeFolder } from '../files/make-folder.ts'
import { type ClipTargets, clipTargets, promptOfClass, STIMULI_FOLDER } from '../generation/clip/targets.ts'
import { readPicture } from '../generation/pictures/picture.ts'
import { findStimuli, StimulusFolder } from '../generation/pictures/stimuli.ts'
import { openStore } from '../store/open-store.ts'
import type { PrepareConfig } from './prepare-config.ts'

/** What a store was given beside its windows. */
export interface AddedStimuli {
  /** Pictures. */
  stimuli: number
  /** With a CLIP to see them. */
  targets?: Pick<ClipTargets, 'cosines' | 'cached'>
}

/**
 * Puts the pictures that were seen into a store, and what CLIP makes of them. Those of an earlier, unfinished call are replaced; targets of the same
 * pictures, weights and texts are not computed again.
 *
 * @throws EegTorchError `FILE_NOT_FOUND` for a trial without a picture, `FILE_INVALID` for what is no picture, `INVALID_OPTION` for classes of several
 *   pictures, of which there can be no targets
 */
export async function addStimuli(
  store: string,
  { stimuli: folder, targets: clip, diffusion, prompts }: PrepareConfig,
): Promise<AddedStimuli | undefined> {
  if (folder === undefined) return undefined
  const { windows } = openStore(store)
  const stimuli = await copyPictures(windows, folder, join(store, STIMULI_FOLDER))
  if (clip === undefined) return { stimuli }
  const { classNames } = windows
  const made = await clipTargets({
    stimuli: await findStimuli(join(store, STIMULI_FOLDER), classNames),
    prompts: prompts ?? classNames.map(promptOfClass),
    ...{ classNames, clip, pipeline: diffusion!, store },
  })
  for (const other of await readdir(dirname(made.file))) {
    if (join(dirname(made.file), other) !== made.file) await rm(join(dirname(made.file), other))
  }
  const { cosines, cached, imagePrototypes, textHidden, textPooled } = made
  for (const tensor of [imagePrototypes, textHidden, textPooled]) tensor.dispose()
  return { stimuli, targets: { cosines, cached } }
}

/** Each is read first: what is no picture is found now, not when it is to be drawn. @returns how many there are */
async function copyPictures(windows: EegWindows, from: string, to: string): Promise<number> {
  const known = await StimulusFolder.open(from)
  const seen = windows.origins.map(({ stimulus, label }) => known.ofTrial(stimulus, windows.classNames[label]!))
  const files = [...new Set(seen)]
  await rm(to, { recursive: true, force: true })
  for (const file of files) {
    await readPicture(file)
    const copy = join(to, relative(from, file))
    await makeFolder(dirname(copy))
    await writeFileAtomically(copy, await readFile(file))
  }
  return files.length
}
