import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { EegTorchError } from '../../errors.ts'
import { controlFolder, type PictureControl, pictureControls } from '../pictures/controls.ts'
import { GENERATIONS_FILE, readGenerations } from '../pictures/generation-record.ts'
import { readPicture } from '../pictures/picture.ts'
import { listPictures } from '../pictures/stimuli.ts'
import { type LoggedPicture, type PictureScores, type ScoreOptions, scorePictures } from './score-pictures.ts'
import { type Pairing, pairStimuli } from './stimuli.ts'

/** Where {@link scoreFolder} looks. */
export interface FolderScoreOptions extends ScoreOptions {
  /** Folder of the stimuli; default: where the log says that they are. */
  against?: string | undefined
  /** Folder of the pictures that the generator learnt from. */
  training?: string | undefined
}

/** Scores of a folder, with what its report page needs. */
export interface FolderScores extends PictureScores {
  folder: string
  pairing: Pairing
  /** Pictures of trials that the networks are known to have learned from, or been chosen by; absent where the log knows none, and does not tell of all. */
  trained?: number
  /** Files of the stimulus and the picture of each row, of its controls, and of the training picture most like it. */
  rows: ScoredRow[]
}

/** A picture of the folder, and what it stands beside on the page of scores. */
export interface ScoredRow {
  number: number
  trial: string
  true?: string | undefined
  predicted: string
  /** How the picture was made. */
  mode: string
  /** What a language model said of the EEG. */
  sentence?: string | undefined
  files: Partial<Record<'stimulus' | 'made' | PictureControl | 'nearest', string>>
}

/**
 * Scores what a pipeline wrote into a folder against its stimuli, beside the controls in its folder `controls/`.
 *
 * @throws EegTorchError `FILE_NOT_FOUND` for a folder without pictures, a missing picture or stimulus; `FILE_INVALID` for what is no picture
 */
export async function scoreFolder(folder: string, options: FolderScoreOptions): Promise<FolderScores> {
  const made = await readLogged(folder)
  const { files, pairing } = await pairStimuli(
    made.map(({ record }) => record),
    options.against,
  )
  const trainingFiles = options.training === undefined ? undefined : await listPictures(options.training)
  const controls: Partial<Record<PictureControl, LoggedPicture[]>> = {}
  for (const control of pictureControls) {
    const path = controlFolder(folder, control)
    if (existsSync(join(path, GENERATIONS_FILE))) controls[control] = await readLogged(path)
  }
  const stimuli = await readAll(files)
  const training = trainingFiles && (await readAll(trainingFiles))
  const scores = await scorePictures({ made, stimuli, controls, ...(training && { training }) }, options)
  const rows = made.map(({ record }, i): ScoredRow => {
    const { number, trial, true: truth, predicted, seed, file, mode, sentence } = record
    const shown: ScoredRow['files'] = { stimulus: files[i]!, made: join(folder, file) }
    for (const control of pictureControls) {
      const other = controls[control]?.find(({ record }) => record.trial === trial && record.seed === seed)
      if (other) shown[control] = join(controlFolder(folder, control), other.record.file)
    }
    if (scores.nearest) shown.nearest = trainingFiles![scores.nearest[i]!]!
    return { number, trial, true: truth, predicted, mode, sentence, files: shown }
  })
  const trained = made.map(({ record }) => record.trained)
  const learned = trained.filter(Boolean).length
  const isKnown = learned > 0 || !trained.includes(undefined)
  return { folder, pairing, ...(isKnown && { trained: learned }), ...scores, rows }
}

async function readLogged(folder: string): Promise<LoggedPicture[]> {
  const path = join(folder, GENERATIONS_FILE)
  if (!existsSync(path)) {
    throw new EegTorchError('FILE_NOT_FOUND', 'this is no folder of generated pictures', { file: path })
  }
  const records = readGenerations(path)
  if (records.length === 0) throw new EegTorchError('FILE_INVALID', 'the log has no picture', { file: path })
  const pictures = await readAll(records.map(({ file }) => join(folder, file)))
  return records.map((record, i) => ({ record, picture: pictures[i]! }))
}

/** One at a time: thousands of files must not be decoded at once. A file that stands twice is read once. */
async function readAll(files: readonly string[]): Promise<LoggedPicture['picture'][]> {
  const read = new Map<string, LoggedPicture['picture']>()
  for (const file of files) {
    if (!read.has(file)) read.set(file, await readPicture(file))
  }
  return files.map((file) => read.get(file)!)
}
