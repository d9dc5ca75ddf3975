import { readdir } from 'node:fs/promises'
import { extname, join, parse } from 'node:path'
import { EegTorchError } from '../../errors.ts'

const IMAGES = ['.jpg', '.jpeg', '.png', '.webp', '.tif', '.tiff', '.gif', '.avif']

/**
 * The picture of each class in a folder: the file whose name, or its last word after `_`, is the class (`dog.png`, `Animal_dog.jpg`), whatever
 * the case.
 *
 * @returns files in the order of the classes
 * @throws EegTorchError `FILE_NOT_FOUND` for a class without a picture, `INVALID_OPTION` for one with several
 */
export async function findStimuli(folder: string, classNames: readonly string[]): Promise<string[]> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw new EegTorchError('FILE_NOT_FOUND', 'there is no such folder of stimuli', { file: folder, cause })
  })
  const pictures = names.filter((name) => IMAGES.includes(extname(name).toLowerCase())).sort()
  return classNames.map((className) => {
    const wanted = className.toLowerCase()
    const found = pictures.filter((name) => {
      const stem = parse(name).name.toLowerCase()
      return stem === wanted || stem.endsWith(`_${wanted}`)
    })
    if (found.length === 1) return join(folder, found[0]!)
    if (found.length === 0) {
      throw new EegTorchError('FILE_NOT_FOUND', `no picture shows the class ${JSON.stringify(className)}`, {
        file: folder,
        expected: `${className}.png or Category_${className}.jpg`,
        received: pictures.slice(0, 10).join(', ') || 'no picture',
      })
    }
    throw new EegTorchError('INVALID_OPTION', `several pictures show the class ${JSON.stringify(className)}`, {
      option: 'stimuli',
      expected: 'one for each class',
      received: found.join(', '),
    })
  })
}
