import { unpickleFar } from '../../pickle/far-arrays.ts'
import { recordingName } from '../../recordings/recording.ts'
import type { KnownDataset } from '../dataset.ts'
import { farNumbers, LastArray, requireSizes } from '../far-trials.ts'
import { matchFiles } from '../open-files.ts'
import { meaningTask } from '../task.ts'
import { trialsRecording } from '../trials-recording.ts'

const RATE = 250
const EEG =
  'Fp1 Fp2 Fz F3 F4 F7 F8 FC1 FC2 FC5 FC6 Cz C3 C4 T7 T8 CP1 CP2 CP5 CP6 Pz P3 P4 P7 P8 PO3 PO4 Oz O1 O2'.split(' ')
const CHANNELS = [
  ...EEG.map((name) => ({ name, type: 'eeg' as const })),
  ...['A2', 'A1'].map((name) => ({ name, type: 'misc' as const })),
]
/** Films of each emotion, in the order in which the processed files hold them. */
const FILMS: readonly (readonly [emotion: string, films: number])[] = [
  ['anger', 3],
  ['disgust', 3],
  ['fear', 3],
  ['sadness', 3],
  ['neutral', 4],
  ['amusement', 3],
  ['inspiration', 3],
  ['joy', 3],
  ['tenderness', 3],
]
const EMOTIONS = FILMS.flatMap(([emotion, films]) => Array<string>(films).fill(emotion))
const NAMES = FILMS.map(([emotion]) => emotion)

/** Finer-grained Affective Computing EEG Dataset, the release of processed data. */
export const faced: KnownDataset = {
  card: {
    name: 'faced',
    title: 'FACED: Finer-grained Affective Computing EEG Dataset, processed data',
    source: 'https://www.synapse.org/Synapse:syn50614194',
    licence: 'Synapse terms of use; read them at the source',
    citation: 'Chen et al. 2023, A Large Finer-grained Affective Computing EEG Dataset, Scientific Data 10:740',
    design: 'block',
    repeats: 'each of 28 films once; every subject saw the same films, and films of one valence followed one another',
    classes: NAMES,
    subjects: 123,
    amount: 'one session, the last 30 s of each film: 28 trials of 7,500 samples',
    channels: '30 EEG, and the mastoids A2 and A1 (other channels here)',
    samplingRate: RATE,
    defects: [
      'Trials lie in the order of films, not of time: their place in the session is not known.',
      'The release names neither channels nor unit; both are taken as its authors describe them (microvolts).',
      'It was cleaned with ICA and interpolation of whole recordings: what was tested was seen when it was cleaned.',
    ],
    protocol:
      'leave subjects out, and films too where the claim is about emotions; never windows of one film in two parts',
    warnings: [
      'every subject saw the same 28 films: without leaving films out, a score may tell films apart and not emotions',
      'films of one valence were shown in blocks: a score may reflect time in the session',
    ],
    layout: 'sub000.pkl ... sub122.pkl (Processed_data.zip)',
    byHand: 'Synapse asks for an account: download Processed_data.zip from the source, and unpack it into the folder',
  },
  tasks: [
    meaningTask('nine-class', NAMES),
    {
      name: 'valence',
      classNames: ['negative', 'positive'],
      label: ({ meaning }) => {
        const place = NAMES.indexOf(meaning ?? '')
        return place < 0 || place === 4 ? undefined : place < 4 ? 'negative' : 'positive'
      },
    },
  ],
  window: [0, 30],
  async open(folder, wanted) {
    const files = await matchFiles(folder, /(?:^|\/)(sub\d{3})\.pkl$/, ([, subject]) => wanted.has(subject!))
    const last = new LastArray()
    return files.map(({ file, match }) => {
      const axes = '(28 films, 32 channels, samples)'
      const { at, type, littleEndian, shape } = farNumbers(() => unpickleFar(file), axes, file, last)
      const [nTrials, nChannels, nSamples] = shape as [number, number, number]
      requireSizes([nTrials, nChannels], [EMOTIONS.length, CHANNELS.length], axes, file)
      const trials = EMOTIONS.map((meaning, index) => {
        const stimulus = `film ${String(index + 1).padStart(2, '0')}`
        return { index, label: stimulus, meaning, stimulus }
      })
      return trialsRecording({ file, at, type, littleEndian, nChannels, nSamples }, trials, {
        name: recordingName(file),
        subject: match[1]!,
        format: 'pickled NumPy array',
        channels: CHANNELS,
        samplingRate: RATE,
        voltsPerUnit: 1e-6,
        cue: 0,
      })
    })
  },
}
