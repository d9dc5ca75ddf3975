import { existsSync, statSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { EegTorchError } from '../../errors.ts'
import { findFiles } from '../../files/find-files.ts'
import type { GenerationRecord } from '../pictures/generation-record.ts'

/** How pictures found their stimuli. By class, a picture of the class that was seen stands in for the one that was seen. */
export type Pairing = 'picture' | 'class'

/** The stimulus of each picture. */
export interface PairedStimuli {
  files: string[]
  pairing: Pairing
}

const EXTENSIONS = ['.png', '.jpg', '.jpeg', '.webp', '.tif', '.tiff', '.gif', '.avif']

/** Pictures in a folder and those inside it, sorted. @throws EegTorchError `FILE_NOT_FOUND` for none */
export async function listPictures(folder: string): Promise<string[]> {
  const found = existsSync(folder) && statSync(folder).isDirectory() ? await findFiles(folder, EXTENSIONS) : []
  if (found.length > 0) return found
  throw new EegTorchError('FILE_NOT_FOUND', 'no picture is there', {
    file: folder,
    expected: `a folder with ${EXTENSIONS.join(', ')} files`,
  })
}

/**
 * Finds what was seen in each trial: the file of the stimulus's name, where the log names it; else a picture of the true class, from the folder of its
 * name or files that begin with it, the next one for each trial of the class.
 *
 * @param folder of the stimuli; default: where the log says that they are
 * @throws EegTorchError `FILE_NOT_FOUND` naming what is missing
 */
export async function pairStimuli(records: readonly GenerationRecord[], folder?: string): Promise<PairedStimuli> {
  if (records.every(({ stimulus }) => stimulus !== undefined)) {
    return { files: await byPicture(records, folder), pairing: 'picture' }
  }
  if (folder !== undefined) return { files: await byClass(records, folder), pairing: 'class' }
  throw new EegTorchError('INVALID_OPTION', 'the log names no stimuli, so a folder of them is needed', {
    option: 'against',
    expected: 'a folder of stimuli',
    received: 'nothing',
  })
}

async function byPicture(records: readonly GenerationRecord[], folder: string | undefined): Promise<string[]> {
  const known = folder === undefined ? [] : await listPictures(folder)
  return records.map(({ stimulus, file }) => {
    const named = folder === undefined ? [stimulus!] : known.filter((path) => basename(path) === basename(stimulus!))
    // Several of a name: the one whose folders agree as well.
    const found = named.length > 1 ? named.find((path) => stimulus!.endsWith(relative(folder!, path))) : named[0]
    if (found !== undefined && existsSync(found)) return found
    throw new EegTorchError('FILE_NOT_FOUND', `the stimulus of ${file} is missing`, { file: found ?? stimulus! })
  })
}

async function byClass(records: readonly GenerationRecord[], folder: string): Promise<string[]> {
  const all = await listPictures(folder)
  const used = new Map<string, number>()
  const chosen = new Map<string, string>()
  return records.map(({ true: truth, trial, file }) => {
    if (truth === undefined) throw missing(file, folder, 'a true class in the log')
    const ofClass = all.filter((path) => isOfClass(relative(folder, path), truth))
    if (ofClass.length === 0) throw missing(file, folder, `${join(truth, '*')} or ${truth}*.png`)
    const before = chosen.get(trial)
    if (before !== undefined) return before
    const next = used.get(truth) ?? 0
    used.set(truth, next + 1)
    chosen.set(trial, ofClass[next % ofClass.length]!)
    return chosen.get(trial)!
  })
}

function isOfClass(path: string, truth: string): boolean {
  const parts = path.split(/[\\/]/)
  const name = parts.pop()!
  if (parts.includes(truth)) return true
  const rest = name.slice(truth.length)
  return parts.length === 0 && name.startsWith(truth) && /^[^A-Za-z]/.test(rest)
}

function missing(picture: string, folder: string, expected: string): EegTorchError {
  return new EegTorchError('FILE_NOT_FOUND', `no stimulus can be found for ${picture}`, { file: folder, expected })
}
