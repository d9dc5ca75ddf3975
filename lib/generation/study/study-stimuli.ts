import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { EegTorchError } from '../../errors.ts'
import { Random } from '../../random.ts'
import { type Picture, readPicture } from '../pictures/picture.ts'

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
const PICTURE = /\.(png|jpe?g|webp|tiff?|gif|avif)$/i

/**
 * Reads a folder with one folder of pictures per class, named as the class or its plural, and holds a quarter of each class out.
 *
 * @param side pixels along each side of what is read; the middle of each picture is taken
 * @throws EegTorchError `FILE_NOT_FOUND` for a class without a folder, `INVALID_OPTION` for one of too few pictures, `FILE_INVALID`
 */
export async function readStimuli(
  folder: string,
  classNames: readonly string[],
  { side, seed }: { side: number; seed: number },
): Promise<StimulusParts> {
  const training: Stimulus[] = []
  const heldOut: Stimulus[] = []
  for (const [label, name] of classNames.entries()) {
    const files = new Random(seed, label).shuffle(picturesOf(folder, name))
    for (const [i, file] of files.entries()) {
      const stimulus = { file, label, picture: await readPicture(file, { width: side, height: side }) }
      if (i % HELD_OUT_EVERY === 0) heldOut.push(stimulus)
      else training.push(stimulus)
    }
  }
  return { training, heldOut }
}

function picturesOf(folder: string, name: string): string[] {
  const own = foldersIn(folder).find((found) => [name, `${name}s`].includes(found.toLowerCase()))
  if (own === undefined) {
    throw new EegTorchError('FILE_NOT_FOUND', `there are no pictures of the class ${name}`, {
      file: folder,
      expected: `a folder ${name} or ${name}s in it`,
      received: foldersIn(folder).join(', ') || 'no folders',
    })
  }
  const inside = join(folder, own)
  const files = readdirSync(inside).filter((file) => PICTURE.test(file))
  if (files.length >= HELD_OUT_EVERY) return files.sort().map((file) => join(inside, file))
  throw new EegTorchError('INVALID_OPTION', `there are too few pictures of the class ${name}`, {
    file: inside,
    expected: `${HELD_OUT_EVERY} at least, since one in ${HELD_OUT_EVERY} is held out`,
    received: String(files.length),
  })
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
  } catch (cause) {
    throw new EegTorchError('FILE_NOT_FOUND', 'there is no such folder of pictures', { file: folder, cause })
  }
}
