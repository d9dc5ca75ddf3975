import { basename } from 'node:path'
import { openRecording } from '../../recordings/formats.ts'
import { type Recording, recordingName } from '../../recordings/recording.ts'
import type { KnownDataset, Range } from '../dataset.ts'
import { matchFiles } from '../open-files.ts'
import { meaningTask } from '../task.ts'

interface Experiment {
  name: string
  folder: string
  title: string
  /** What markers 1 and 2 stand for. */
  classes: readonly [string, string]
  repeats: string
  window: Range
  band: Range
  protocol: string
}

/** Two experiments of the notebooks of NeuroTechX with a Muse headband. */
function museDataset({ name, folder, title, classes, repeats, window, band, protocol }: Experiment): KnownDataset {
  return {
    card: {
      name,
      title,
      source: 'https://github.com/NeuroTechX/eeg-notebooks (version 0.1)',
      licence: 'BSD 3-Clause',
      citation: 'NeuroTechX, EEG notebooks',
      design: 'random',
      repeats,
      classes,
      subjects: 'unknown',
      amount: 'runs of two minutes',
      channels: 'TP9, AF7, AF8, TP10 and Right AUX, dry electrodes',
      samplingRate: 256,
      defects: [
        'Time stamps are rounded to a millisecond and look like 250 Hz; the rate is 256 Hz, as the whole run tells.',
        'Right AUX is an input that mostly holds noise.',
        'The files tell the class of a trial, and not which picture was shown.',
      ],
      protocol,
      warnings: [],
      layout: `${folder}/subject1/session1/data_....csv`,
      byHand: `copy data/visual/${folder} of version 0.1 of the notebooks into the folder`,
    },
    tasks: [meaningTask(classes.join('-').replaceAll(' ', ''), classes)],
    window,
    band,
    async open(root, wanted) {
      const pattern = /(?:^|\/)(?:([^/]+)\/)?subject(\w+)\/session(\w+)\/([^/]+)\.csv$/i
      const files = await matchFiles(root, pattern, ([, experiment = basename(root), subject]) => {
        return experiment.toLowerCase() === folder.toLowerCase() && wanted.has(subject!)
      })
      const recordings: Recording[] = []
      for (const { file, match } of files) {
        const [, , subject, session] = match as unknown as [string, string, string, string]
        const recording = await openRecording(file, { unit: 'uV' })
        const events = recording.events.map((event) => {
          const meaning = classes[Number(event.label) - 1]
          return meaning === undefined ? event : { ...event, meaning }
        })
        const run = recordingName(file).replace(/^data_/, '')
        recordings.push(recording.withMetadata({ subject, session, run }).describedBy({ events }))
      }
      return recordings
    },
  }
}

/** Steady-state visual evoked potentials. */
export const museSsvep: KnownDataset = museDataset({
  name: 'muse-ssvep',
  folder: 'SSVEP',
  title: 'Muse headband: flicker at 30 and 20 Hz',
  classes: ['30 Hz', '20 Hz'],
  repeats: 'about 16 stimuli of each frequency a run, mixed',
  window: [0.5, 3],
  band: [1, 45],
  protocol: 'leave one run out; area under the ROC curve',
})

/** The response to faces. */
export const museN170: KnownDataset = museDataset({
  name: 'muse-n170',
  folder: 'N170',
  title: 'Muse headband: houses and faces',
  classes: ['house', 'face'],
  repeats: 'about 100 pictures of each kind a run, mixed; pictures come again',
  window: [0, 0.8],
  band: [1, 30],
  protocol: 'leave one run out; area under the ROC curve',
})
