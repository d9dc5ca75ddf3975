import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openDataset } from '../datasets/open-dataset.ts'
import type { Recordings } from '../datasets/recordings.ts'
import { simulateVisualResponses } from '../datasets/simulate-visual.ts'
import type { EegWindows } from '../datasets/windows.ts'
import { leaveOneOut, type Split } from '../evaluation/split.ts'
import { trialName } from '../experiment/train-fold.ts'
import { writeFileAtomically } from '../files/atomic.ts'
import { makeFolder } from '../files/make-folder.ts'
import { GenerationFolder } from '../generation/pictures/generation-folder.ts'
import { resizePicture } from '../generation/pictures/picture.ts'
import { drawStimuli } from '../generation/study/drawn-stimuli.ts'
import { runPictureStudy, type StudyOptions, type StudyResult } from '../generation/study/picture-study.ts'
import { STUDY_SIDE } from '../generation/study/study-networks.ts'
import { renderStudy, type StudyFacts, studyLines } from '../generation/study/study-page.ts'
import { readStimuli, type StimulusParts } from '../generation/study/study-stimuli.ts'
import { StageLine } from './stage-line.ts'
import { untilInterrupted } from './until-interrupted.ts'

/** What the demo draws pictures from. */
export interface PictureDemo {
  /** Folder of the run. */
  folder: string
  /** Recordings of somebody who looks at faces and houses; absent: simulated ones. */
  visual?: string | undefined
  /** Folder of pictures, one folder per class; absent: drawn ones. */
  stimuli?: string | undefined
  quiet?: boolean
  /** In place of those of `visual`. */
  recordings?: Recordings
  study?: Omit<StudyOptions, 'onProgress' | 'signal' | 'seed'>
}

/** What came of it: a page, lines for people, facts for programs. */
interface DrawnDemo {
  report: string
  lines: string[]
  facts: Record<string, unknown>
}

const SEED = 0
const WINDOW = { from: 0, to: 0.6 }
const BAND = [1, 30] as const
/** Pixels of what is written: small pictures are enlarged. */
const SHOWN = { width: 128, height: 128 }

/** Trains an EEG encoder with a diffusion model, draws pictures of the last run's trials, and reports them beside their controls. */
export async function demoPictures(demo: PictureDemo): Promise<DrawnDemo> {
  const started = performance.now()
  const recordings = demo.recordings ?? (await readVisual(demo.visual))
  const windows = recordings.filter({ band: [...BAND] }).windows({ ...WINDOW })
  // The last run in the order of recording: fixed before anything is trained.
  const splits = leaveOneOut(windows, 'run')
  const split = splits.at(-1)!
  await makeFolder(demo.folder)
  const stimuliFolder = demo.stimuli ?? (await drawInto(join(demo.folder, 'stimuli')))
  const stimuli = await readStimuli(stimuliFolder, windows.classNames, { side: STUDY_SIDE, seed: SEED })
  const line = new StageLine(demo.quiet ? undefined : process.stderr)
  const result = await untilInterrupted((signal) =>
    runPictureStudy(windows, split, stimuli, {
      ...demo.study,
      ...{ seed: SEED, signal, onProgress: (progress) => line.update(progress) },
    }),
  ).finally(() => line.end())
  const report = await writeStudy(demo, windows, split, stimuli, result, (performance.now() - started) / 1000)
  const { decoding, scores } = result
  const facts = { report, simulated: windows.simulated, decoding, scores }
  return { report, facts, lines: studyLines(result, windows.classNames) }
}

async function readVisual(folder: string | undefined): Promise<Recordings> {
  if (folder === undefined) return simulateVisualResponses()
  const { recordings } = await openDataset('muse-n170', { folder })
  return recordings.pick(['TP9', 'AF7', 'AF8', 'TP10'])
}

async function drawInto(folder: string): Promise<string> {
  await drawStimuli(folder)
  return folder
}

async function writeStudy(
  { folder, visual, stimuli: given }: PictureDemo,
  windows: EegWindows,
  { train, test }: Split,
  { training, heldOut }: StimulusParts,
  result: StudyResult,
  seconds: number,
): Promise<string> {
  const { classNames, simulated } = windows
  const name = (label: number) => classNames[label]!
  await using pictures = await GenerationFolder.open(join(folder, 'pictures'), { settings: { seed: SEED } })
  for (const { window, truth, predicted, picture } of result.drawn) {
    await pictures.add({
      ...{ trial: trialName(windows, window), true: name(truth), predicted: name(predicted), prompt: null },
      ...{ mode: 'EEG latent, semantics and structure', seed: SEED, picture: await resizePicture(picture, SHOWN) },
    })
  }
  const grid = await readFile((await pictures.writeGrid())!)
  const facts: StudyFacts = {
    title: `Pictures from ${simulated ? 'simulated ' : ''}EEG: ${classNames.join(' or ')}`,
    ...{ simulated, classNames, seconds, grid },
    protocol:
      `${WINDOW.from} to ${WINDOW.to} s after the picture, ${BAND.join('-')} Hz; trained on ${train.length} windows, tested on the ${test.length} of ` +
      `the last run, which nothing was fitted on; seed ${SEED}; recordings: ${visual ?? 'simulated'}`,
    stimuli: `${training.length} to train on, ${heldOut.length} held out, from ${given ?? 'simple drawings'}; paired with trials by class`,
  }
  const report = join(folder, 'pictures.html')
  await writeFileAtomically(report, renderStudy(result, facts))
  return report
}
