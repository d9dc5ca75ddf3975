import { join } from 'node:path'
import { EegTorchError } from '../../errors.ts'
import { Random } from '../../random.ts'
import { type Picture, readPicture } from '../pictures/picture.ts'
import { StimulusFolder } from '../pictures/stimuli.ts'

/** One picture that somebody may have looked at. */
export interface Stimulus {
  file: string
  /** Number of its class. */
  label: number
  picture: Picture
}

/** Pictures to train on, and others to measure with. */
export interface StimulusParts {
  training: readonly Stimulus[]
  heldOut: readonly Stimulus[]
}

/** Every so many pictures of a class, in an order drawn from the seed, one is held out. */
const HELD_OUT_EVERY = 4

/**
 * Reads a folder with pictures of each class, usually in a folder named as the class or its plural, and holds a quarter of each class out.
 *
 * @param side pixels along each side of what is read; the middle of each picture is taken
 * @throws EegTorchError `FILE_NOT_FOUND` for a class without pictures, `INVALID_OPTION` for one of too few, `FILE_INVALID`
 */
export async function readStimuli(
  folder: string,
  classNames: readonly string[],
  { side, seed }: { side: number; seed: number },
): Promise<StimulusParts> {
  const pictures = await StimulusFolder.open(folder)
  const training: Stimulus[] = []
  const heldOut: Stimulus[] = []
  for (const [label, name] of classNames.entries()) {
    const files = new Random(seed, label).shuffle(picturesOf(pictures, name))
    for (const [i, file] of files.entries()) {
      const stimulus = { file, label, picture: await readPicture(file, { width: side, height: side }) }
      if (i % HELD_OUT_EVERY === 0) heldOut.push(stimulus)
      else training.push(stimulus)
    }
  }
  return { training, heldOut }
}

function picturesOf(folder: StimulusFolder, name: string): string[] {
  const files = folder.allOfClass(name)
  if (files.length >= HELD_OUT_EVERY) return files
  throw new EegTorchError('INVALID_OPTION', `there are too few pictures of the class ${name}`, {
    file: join(folder.folder, name),
    expected: `${HELD_OUT_EVERY} at least, since one in ${HELD_OUT_EVERY} is held out`,
    received: String(files.length),
  })
}
