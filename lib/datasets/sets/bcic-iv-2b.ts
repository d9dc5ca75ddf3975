import type { KnownDataset } from '../dataset.ts'
import { type GrazLayout, grazRemote, grazTask, openGraz } from './graz.ts'

const CLASSES = ['left hand', 'right hand']

const layout: GrazLayout = {
  base: '(B0\\d)((?:0\\d)?[TE])',
  channels: [
    ...['C3', 'Cz', 'C4'].map((name) => [name, 'eeg'] as const),
    ...['EOG1', 'EOG2', 'EOG3'].map((name) => [name, 'eog'] as const),
  ],
  classes: { '769': 'left hand', '770': 'right hand' },
  cue: 3,
  trial: 7,
  matItems: 'sessions',
}

/** BCI Competition IV, data set 2b. */
export const bcicIv2b: KnownDataset = {
  card: {
    name: 'bcic-iv-2b',
    title:
      'BCI Competition IV, data set 2b: motor imagery of two classes, three bipolar channels (BNCI Horizon 2020: 004-2014)',
    source: 'https://www.bbci.de/competition/iv/ (.gdf) and https://bnci-horizon-2020.eu/database/data-sets (.mat)',
    licence: 'CC BY-ND 4.0 (BNCI Horizon 2020)',
    citation:
      'Leeb et al. 2007, Brain-computer communication, IEEE Trans. Neural Syst. Rehabil. Eng. 15(4); Tangermann et al. 2012',
    design: 'random',
    repeats: 'each cue 60 or 80 times a session, mixed within a run',
    classes: CLASSES,
    subjects: 9,
    amount: 'five sessions: 01T and 02T without feedback (120 trials each), 03T, 04E and 05E with feedback (160 each)',
    channels: '3 bipolar EEG, 3 EOG; 0.5-100 Hz and a 50 Hz notch when recorded',
    samplingRate: 250,
    defects: [
      'Sessions with and without feedback differ in what the subject sees during imagery.',
      'Evaluation sessions in .gdf carry no classes (783); they come from true_labels.zip.',
      'Trials with artefacts are marked (1023); they are kept, but for tasks that end in -clean.',
    ],
    protocol: 'within a subject: train on the sessions 01T-03T, test once on 04E and 05E',
    warnings: [
      'published figures train on the first three sessions and test on the last two; other splits are another protocol',
    ],
    layout: 'B01T.mat ... B09E.mat, or B0101T.gdf ... B0905E.gdf with the B0104E.mat ... of true_labels.zip',
  },
  tasks: [grazTask('left-right', CLASSES, false), grazTask('left-right-clean', CLASSES, true)],
  window: [0, 4],
  band: [4, 38],
  open: (folder, wanted) => openGraz(folder, wanted, layout),
  remote: grazRemote('004-2014', 'B', 0.3e9),
}
