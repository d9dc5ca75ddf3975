import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { EegTorchError } from '../../errors.ts'
import type { GenerationRecord } from '../pictures/generation-record.ts'
import { StimulusFolder } from '../pictures/stimuli.ts'

/** How pictures found their stimuli. By class, a picture of the class that was seen stands in for the one that was seen. */
export type Pairing = 'picture' | 'class'

/** The stimulus of each picture. */
export interface PairedStimuli {
  files: string[]
  pairing: Pairing
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
  const known = folder === undefined ? undefined : await StimulusFolder.open(folder)
  return records.map(({ stimulus, file }) => {
    const found = known === undefined ? stimulus! : known.named(stimulus!)
    if (found !== undefined && existsSync(found)) return found
    throw new EegTorchError('FILE_NOT_FOUND', `the stimulus of ${file} is missing`, { file: found ?? stimulus! })
  })
}

async function byClass(records: readonly GenerationRecord[], folder: string): Promise<string[]> {
  const stimuli = await StimulusFolder.open(folder)
  const used = new Map<string, number>()
  const chosen = new Map<string, string>()
  return records.map(({ true: truth, trial, file }) => {
    if (truth === undefined) throw missing(file, folder, 'a true class in the log')
    const ofClass = stimuli.ofClass(truth)
    if (ofClass.length === 0) throw missing(file, folder, `${join(truth, '*')} or ${truth}*.png`)
    const before = chosen.get(trial)
    if (before !== undefined) return before
    const next = used.get(truth) ?? 0
    used.set(truth, next + 1)
    chosen.set(trial, ofClass[next % ofClass.length]!)
    return chosen.get(trial)!
  })
}

function missing(picture: string, folder: string, expected: string): EegTorchError {
  return new EegTorchError('FILE_NOT_FOUND', `no stimulus can be found for ${picture}`, { file: folder, expected })
}
