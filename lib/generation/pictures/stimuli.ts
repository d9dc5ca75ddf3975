import { existsSync, statSync } from 'node:fs'
import { basename, parse, relative } from 'node:path'
import { EegTorchError } from '../../errors.ts'
import { findFiles } from '../../files/find-files.ts'

const EXTENSIONS = ['.png', '.jpg', '.jpeg', '.webp', '.tif', '.tiff', '.gif', '.avif']
/** Files that an error lists at most. */
const LISTED = 10

/** Pictures in a folder and those inside it, sorted. @throws EegTorchError `FILE_NOT_FOUND` for none */
export async function listPictures(folder: string): Promise<string[]> {
  const found = existsSync(folder) && statSync(folder).isDirectory() ? await findFiles(folder, EXTENSIONS) : []
  if (found.length > 0) return found
  throw new EegTorchError('FILE_NOT_FOUND', 'no picture is there', {
    file: folder,
    expected: `a folder with ${EXTENSIONS.join(', ')} files`,
  })
}

/** Pictures that were shown, found by their own name or by the class that they show, whatever the case and
 * whatever stands between words. {@link StimulusFolder.open} makes one. */
export class StimulusFolder {
  readonly folder: string
  readonly files: readonly string[]

  private constructor(folder: string, files: readonly string[]) {
    this.folder = folder
    this.files = files
  }

  /** @throws EegTorchError `FILE_NOT_FOUND` where no picture is there */
  static async open(folder: string): Promise<StimulusFolder> {
    return new StimulusFolder(folder, await listPictures(folder))
  }

  /** The picture of a stimulus's own name, with or without folders and extension, alone or after an underscore. */
  named(stimulus: string): string | undefined {
    const same = this.files.filter((file) => basename(file) === basename(stimulus))
    // Several of a name: the one whose folders agree as well.
    if (same.length > 1) return same.find((file) => stimulus.endsWith(relative(this.folder, file))) ?? same[0]
    if (same.length === 1) return same[0]
    const stem = stemOf(stimulus)
    return (
      this.files.find((file) => stemOf(file) === stem) ?? this.files.find((file) => stemOf(file).endsWith(`_${stem}`))
    )
  }

  /**
   * Pictures that show a class: files of its name, alone or as the last word (`dog.png`, `Animal_dog.jpg`), else those that begin with it
   * (`dog-3.png`) or lie in a folder of its name or plural.
   */
  ofClass(className: string): string[] {
    const wanted = plainName(className)
    const rules = [
      (stem: string) => stem === wanted || stem.endsWith(`_${wanted}`),
      (stem: string, folders: readonly string[]) =>
        folders.some((folder) => folder === wanted || folder === `${wanted}s`) ||
        (stem.startsWith(wanted) && /^[^a-z]/.test(stem.slice(wanted.length))),
    ]
    for (const shows of rules) {
      const found = this.files.filter((file) => shows(stemOf(file), this.#foldersOf(file)))
      if (found.length > 0) return found
    }
    return []
  }

  /** {@link StimulusFolder.ofClass}. @throws EegTorchError `FILE_NOT_FOUND` for none */
  allOfClass(className: string): string[] {
    const found = this.ofClass(className)
    if (found.length > 0) return found
    throw this.#missing(className, className)
  }

  /**
   * The picture of a trial: that of its stimulus, else the first of its class.
   *
   * @throws EegTorchError `FILE_NOT_FOUND` where there is neither
   */
  ofTrial(stimulus: string | undefined, className: string): string {
    const found = (stimulus === undefined ? undefined : this.named(stimulus)) ?? this.ofClass(className)[0]
    if (found !== undefined) return found
    throw this.#missing(stimulus ?? className, className)
  }

  /**
   * The one picture of a class.
   *
   * @throws EegTorchError `FILE_NOT_FOUND` for none, `INVALID_OPTION` for several
   */
  onlyOfClass(className: string): string {
    const found = this.allOfClass(className)
    if (found.length === 1) return found[0]!
    throw new EegTorchError('INVALID_OPTION', `several pictures show the class ${JSON.stringify(className)}`, {
      option: 'stimuli',
      expected: 'one for each class',
      received: found.slice(0, LISTED).join(', '),
    })
  }

  #foldersOf(file: string): string[] {
    return relative(this.folder, file).split(/[\\/]/).slice(0, -1).map(plainName)
  }

  #missing(what: string, className: string): EegTorchError {
    return new EegTorchError('FILE_NOT_FOUND', `no picture shows ${JSON.stringify(what)}`, {
      file: this.folder,
      expected: `${className}.png or Category_${className}.jpg`,
      received: this.files
        .slice(0, LISTED)
        .map((file) => relative(this.folder, file))
        .join(', '),
    })
  }
}

/**
 * The picture of each class in a folder, as {@link StimulusFolder} finds it.
 *
 * @returns files in the order of the classes
 * @throws EegTorchError `FILE_NOT_FOUND` for a class without a picture, `INVALID_OPTION` for one with several
 */
export async function findStimuli(folder: string, classNames: readonly string[]): Promise<string[]> {
  const stimuli = await StimulusFolder.open(folder)
  return classNames.map((className) => stimuli.onlyOfClass(className))
}

function stemOf(file: string): string {
  return plainName(parse(file).name)
}

/** Whatever stands between words and whatever their case: `Both fists` and `both-fists` are `both_fists`. */
function plainName(name: string): string {
  return name.toLowerCase().replaceAll(/[\s_-]+/g, '_')
}
