import { openRecording } from '../../recordings/formats.ts'
import type { Recording } from '../../recordings/recording.ts'
import type { KnownDataset } from '../dataset.ts'
import { matchFiles } from '../open-files.ts'
import { meaningTask } from '../task.ts'

const MEANINGS: Readonly<Record<string, string>> = { '1': 'nontarget', '2': 'target' }

/** Brain Invaders 2012, as the arrays of Eegle. */
export const bi2012: KnownDataset = {
  card: {
    name: 'bi2012',
    title: 'Brain Invaders 2012: visual P300, training condition',
    source: 'https://doi.org/10.5281/zenodo.2649006',
    licence: 'CC BY 4.0',
    citation: 'Van Veen et al. 2019, Building Brain Invaders: EEG data of an experimental validation, hal-02126068',
    design: 'random',
    repeats: 'groups of symbols flash at random, one in six holds the target',
    classes: ['nontarget', 'target'],
    subjects: 'unknown',
    amount: '128 targets and 640 others a session',
    channels: '17 against a hardware common average; 16 names are published',
    samplingRate: 128,
    defects: [
      'The description names 16 sensors and the arrays have 17 columns: channels are numbered here.',
      'Two columns drift by orders of magnitude: filter before anything else.',
      'The arrays name no unit; microvolts are assumed.',
    ],
    protocol: 'blocked five-fold within a session; area under the ROC curve',
    warnings: [],
    layout: 'subject_01_session_01.npz',
    byHand: 'the arrays are those of Eegle; put them into the folder',
  },
  tasks: [meaningTask('target', ['nontarget', 'target'])],
  window: [0, 1],
  band: [1, 16],
  async open(folder, wanted) {
    const files = await matchFiles(folder, /(?:^|\/)subject_(\d+)_session_(\d+)\.npz$/, ([, one]) => wanted.has(one!))
    const recordings: Recording[] = []
    for (const { file, match } of files) {
      const recording = await openRecording(file, { samplingRate: 128, unit: 'uV' })
      const events = recording.events.map((event) => {
        const meaning = MEANINGS[event.label]
        return meaning === undefined ? event : { ...event, meaning }
      })
      recordings.push(recording.withMetadata({ subject: match[1]!, session: match[2]! }).describedBy({ events }))
    }
    return recordings
  },
}
