import type { KnownDataset } from '../dataset.ts'
import { type GrazLayout, grazRemote, grazTask, openGraz } from './graz.ts'

const EEG = 'Fz FC3 FC1 FCz FC2 FC4 C5 C3 C1 Cz C2 C4 C6 CP3 CP1 CPz CP2 CP4 P1 Pz P2 POz'.split(' ')
const EOG = ['EOG left', 'EOG central', 'EOG right']
export const FOUR_CLASSES: readonly string[] = ['left hand', 'right hand', 'feet', 'tongue']

/** Electrodes of the set, EEG and then EOG. */
export const CHANNELS_2A: GrazLayout['channels'] = [
  ...EEG.map((name) => [name, 'eeg'] as const),
  ...EOG.map((name) => [name, 'eog'] as const),
]

const layout: GrazLayout = {
  base: '(A0\\d)([TE])',
  channels: CHANNELS_2A,
  classes: { '769': 'left hand', '770': 'right hand', '771': 'feet', '772': 'tongue' },
  cue: 2,
  trial: 7.5,
  matItems: 'runs',
}

/** BCI Competition IV, data set 2a. */
export const bcicIv2a: KnownDataset = {
  card: {
    name: 'bcic-iv-2a',
    title: 'BCI Competition IV, data set 2a: motor imagery of four classes (BNCI Horizon 2020: 001-2014)',
    source: 'https://www.bbci.de/competition/iv/ (.gdf) and https://bnci-horizon-2020.eu/database/data-sets (.mat)',
    licence: 'CC BY-ND 4.0 (BNCI Horizon 2020)',
    citation: 'Tangermann et al. 2012, Review of the BCI Competition IV, Frontiers in Neuroscience 6:55',
    design: 'random',
    repeats: 'each cue 72 times a session, mixed within a run; the cue is an arrow',
    classes: FOUR_CLASSES,
    subjects: 9,
    amount:
      'two sessions (T, E) on different days, each with 6 runs of 48 trials and blocks of eye movements before: 288 trials a session, 5,184 in all',
    channels: '22 EEG against the left mastoid, 3 EOG; 0.5-100 Hz and a 50 Hz notch when recorded',
    samplingRate: 250,
    defects: [
      'A04T has one block of eye movements where other sessions have three: a loader that takes runs by position loses two of its six runs (96 trials). Here a run is known by its trials.',
      'The .gdf files fill the gaps between runs with constant samples; runs end before them here, so that no filter smears them.',
      "Evaluation sessions in .gdf carry no classes (783); they come from true_labels.zip. A file of labels has the name of the session's own .mat: they are told apart by content.",
      'Publishers marked trials with artefacts (1023); they are kept, but for tasks that end in -clean.',
    ],
    protocol:
      'within a subject: train on session T, test once on session E; across subjects: leave subjects out, or subjects 1-5 / 6-7 / 8-9',
    warnings: [
      'published figures train on session T and test on session E; folds within a session are another protocol',
    ],
    layout:
      'A01T.mat ... A09E.mat, or A01T.gdf ... A09E.gdf with the A01E.mat ... of true_labels.zip, in one folder or in folders inside it',
  },
  tasks: [
    grazTask('four-class', FOUR_CLASSES, false),
    grazTask('four-class-clean', FOUR_CLASSES, true),
    grazTask('left-right', FOUR_CLASSES.slice(0, 2), false),
    grazTask('left-right-clean', FOUR_CLASSES.slice(0, 2), true),
  ],
  window: [0, 4],
  band: [4, 38],
  open: (folder, wanted) => openGraz(folder, wanted, layout),
  remote: grazRemote('001-2014', 'A', 0.78e9),
}
