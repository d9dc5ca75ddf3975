import { basename, join } from 'node:path'
import { openDataset } from '../datasets/open-dataset.ts'
import type { Recordings } from '../datasets/recordings.ts'
import { simulateVisualResponses } from '../datasets/simulate-visual.ts'
import type { EegWindows } from '../datasets/windows.ts'
import { trialName } from '../evaluation/seen-trials.ts'
import { leaveOneOut, type Split } from '../evaluation/split.ts'
import { formatAccuracy } from '../evaluation/text.ts'
import { writeFileAtomically } from '../files/atomic.ts'
import { makeFolder } from '../files/make-folder.ts'
import { ImageNetworks } from '../generation/metrics/image-networks.ts'
import { controlFolder } from '../generation/pictures/controls.ts'
import { GenerationFolder } from '../generation/pictures/generation-folder.ts'
import { encodePng, resizePicture } from '../generation/pictures/picture.ts'
import { type FolderScores, scoreFolder } from '../generation/scores/score-folder.ts'
import { drawStimuli } from '../generation/study/drawn-stimuli.ts'
import {
  type DrawnKind,
  runPictureStudy,
  type StudyOptions,
  type StudyResult,
} from '../generation/study/picture-study.ts'
import { STUDY_SIDE } from '../generation/study/study-networks.ts'
import { readStimuli, type Stimulus, type StimulusParts } from '../generation/study/study-stimuli.ts'
import { Pipeline } from '../preprocessing/pipeline.ts'
import { ProgressBar } from '../progress/progress-bar.ts'
import { scoreLines, type WrittenScores, writeScores } from './score-report.ts'
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
  study?: Omit<StudyOptions, 'onTraining' | 'onDrawing' | 'signal' | 'seed'>
}

/** What came of it: a page, lines for people, facts for programs. */
interface DrawnDemo {
  report: string
  lines: string[]
  facts: Pick<StudyResult, 'decoding' | 'trainLoss' | 'proof'> & {
    report: string
    simulated: boolean
    scores: WrittenScores
  }
}

const SEED = 0
const WINDOW = { from: 0, to: 0.6 }
const BAND = [1, 30] as const
/** Pixels of what is written: small pictures are enlarged. */
const SHOWN = { width: 144, height: 144 }
const MEANING =
  'Which picture was seen is not known, so pictures are compared with held-out ones of its class. ' +
  '"Like its class" says how often a picture is more like those of the true class than like others: where it is above chance and above the pictures of ' +
  'noise, this shows that the class was decoded, not that somebody saw this picture. A picture that is drawn from the class alone, without any EEG, does ' +
  'as well where nothing but the class was read. Shuffled EEG is that of a trial of another class, which belongs below chance.'

const MODES: Readonly<Record<DrawnKind, string>> = {
  made: 'latent, semantics and structure of the EEG',
  shuffled: 'EEG of a trial of another class',
  random: 'noise in place of EEG',
  label: 'class that was read, no EEG',
}

/** Trains an EEG encoder with a diffusion model, draws pictures of the last run's trials, and reports them beside their controls. */
export async function demoPictures(demo: PictureDemo): Promise<DrawnDemo> {
  const started = performance.now()
  const recordings = demo.recordings ?? (await readVisual(demo.visual))
  const windows = await Pipeline.parse([{ pick: 'eeg' }, { filter: [...BAND] }, { windows: WINDOW }]).windows(
    recordings,
  )
  // The last run in the order of recording: fixed before anything is trained.
  const split = leaveOneOut(windows, 'run').at(-1)!
  await makeFolder(demo.folder)
  const stimuliFolder = demo.stimuli ?? (await drawInto(join(demo.folder, 'stimuli', 'drawn')))
  const stimuli = await readStimuli(stimuliFolder, windows.classNames, { side: STUDY_SIDE, seed: SEED })
  const result = await runStudy(demo, windows, split, stimuli)
  await writePictures(demo.folder, windows, result)
  const scores = await scoreAll(demo.folder, windows, stimuli)
  const minutes = ((performance.now() - started) / 60_000).toFixed(1)
  const found = `${windows.classNames.join(' or ')}, all test trials: ${formatAccuracy(result.decoding)}`
  const { report, written } = await writeScores(scores, {
    title: `Pictures from ${windows.simulated ? 'simulated ' : ''}EEG: ${windows.classNames.join(' or ')}`,
    simulated: windows.simulated,
    findings: [`${found}.`, MEANING],
    protocol: `${protocolOf(demo, split, stimuli, result)}; took ${minutes} min`,
  })
  const { decoding, trainLoss, proof } = result
  const facts = { report, simulated: windows.simulated, decoding, trainLoss, proof, scores: written }
  return { report, facts, lines: [found, ...scoreLines(scores), MEANING] }
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

async function runStudy(
  { quiet = false, study }: PictureDemo,
  windows: EegWindows,
  split: Split,
  stimuli: StimulusParts,
): Promise<StudyResult> {
  let bar: ProgressBar | undefined
  const run = (signal: AbortSignal) =>
    runPictureStudy(windows, split, stimuli, {
      ...study,
      ...{ seed: SEED, signal },
      onTraining: ({ epochs, ...state }) => {
        if (quiet) return
        bar ??= new ProgressBar({ epochs })
        bar.update(state)
      },
      onDrawing: (kind) => bar?.print(`drawing pictures: ${MODES[kind]}`),
    })
  try {
    return await untilInterrupted(run)
  } finally {
    bar?.close()
  }
}

/** Pictures of the EEG and of each control, as `eegtorch generate` leaves them. */
async function writePictures(folder: string, windows: EegWindows, { drawn }: StudyResult): Promise<void> {
  for (const kind of Object.keys(MODES) as DrawnKind[]) {
    const path = kind === 'made' ? folder : controlFolder(folder, kind)
    await using pictures = await GenerationFolder.open(path, { settings: { seed: SEED, mode: MODES[kind] } })
    for (const { window, truth, predicted, pictures: made } of drawn) {
      await pictures.add({
        ...{ trial: trialName(windows, window), prompt: null, mode: MODES[kind], seed: SEED },
        ...{ true: windows.classNames[truth]!, predicted: windows.classNames[predicted]! },
        picture: await resizePicture(made[kind], SHOWN),
      })
    }
    await pictures.writeGrid()
  }
}

/** Held-out and training pictures stay beside what was drawn, so that `eegtorch score` finds the same again. */
async function scoreAll(
  folder: string,
  windows: EegWindows,
  { training, heldOut }: StimulusParts,
): Promise<FolderScores> {
  const against = join(folder, 'stimuli', 'held-out')
  const trainedOn = join(folder, 'stimuli', 'trained-on')
  await keepStimuli(against, windows, heldOut)
  await keepStimuli(trainedOn, windows, training)
  using networks = await ImageNetworks.open({})
  return scoreFolder(folder, { networks, against, training: trainedOn, size: STUDY_SIDE, seed: SEED })
}

async function keepStimuli(folder: string, { classNames }: EegWindows, stimuli: readonly Stimulus[]): Promise<void> {
  for (const name of classNames) await makeFolder(join(folder, name))
  for (const { file, label, picture } of stimuli) {
    const name = `${basename(file).replace(/\.[^.]*$/, '')}.png`
    await writeFileAtomically(join(folder, classNames[label]!, name), await encodePng(picture))
  }
}

function protocolOf(
  { visual, stimuli }: PictureDemo,
  { train, test }: Split,
  parts: StimulusParts,
  { proof }: StudyResult,
): string {
  return [
    `${WINDOW.from} to ${WINDOW.to} s after the picture, ${BAND.join('-')} Hz`,
    `trained on ${train.length} windows, tested on the ${test.length} of the last run, which nothing was fitted on`,
    `proved: no trial, no time and no samples of ${proof.compared} windows are in both parts`,
    `recordings: ${visual ?? 'simulated'}`,
    `pictures: ${parts.training.length} to train on, ${parts.heldOut.length} held out, from ${stimuli ?? 'simple drawings'}`,
    `paired with trials by class; seed ${SEED}`,
  ].join('; ')
}
