import type { KnownDataset, RemoteDataset } from '../dataset.ts'
import { openFiles } from '../open-files.ts'
import { eegmmidbTask, withEegmmidbMeanings } from './eegmmidb-tasks.ts'

const HOST = 'https://physionet.org/files/eegmmidb/1.0.0'
const SUBJECTS = Array.from({ length: 109 }, (_, i) => `S${String(i + 1).padStart(3, '0')}`)

/** Recorded at another rate, with cues of other lengths or out of step: left out by custom. */
const DEFECTIVE = ['S088', 'S089', 'S092', 'S100', 'S104']

const remote: RemoteDataset = {
  subjects: SUBJECTS,
  bytes: 3.4e9,
  checksums: 'SHA-256, published by the host',
  async files(subjects, read) {
    const list = await read(`${HOST}/SHA256SUMS.txt`)
    return list.split('\n').flatMap((line) => {
      const [, sha256, path, subject] = /^([0-9a-f]{64})\s+\*?((S\d{3})\/S\d{3}R\d{2}\.edf)\s*$/.exec(line) ?? []
      if (path === undefined || !subjects.includes(subject!)) return []
      return [{ path, urls: [`${HOST}/${path}`], sha256: sha256! }]
    })
  },
}

/** PhysioNet EEG Motor Movement/Imagery. */
export const eegmmidb: KnownDataset = {
  card: {
    name: 'eegmmidb',
    title: 'PhysioNet EEG Motor Movement/Imagery Dataset 1.0.0',
    source: 'https://physionet.org/content/eegmmidb/1.0.0/',
    licence: 'Open Data Commons Attribution License 1.0 (ODC-By)',
    citation:
      'Schalk et al. 2004, BCI2000: a general-purpose brain-computer interface system, IEEE Trans. Biomed. Eng. 51(6); Goldberger et al. 2000, PhysioBank',
    design: 'random',
    repeats: 'each cue about 22 times a subject and task, mixed within a run',
    classes: ['left fist', 'right fist', 'both fists', 'both feet'],
    subjects: 109,
    amount:
      'one session, 14 runs: rest with eyes open and closed, then three runs of each of four tasks, about 15 trials a run',
    channels: '64 EEG',
    samplingRate: 160,
    defects: [
      'S088, S092 and S100 were recorded at 128 Hz, S089 and S104 have cues that differ from all others: these five are left out unless they are named.',
      'T1 and T2 change their meaning from run to run; the reader gives each event its meaning.',
      'Left/right and fists/feet lie in different runs, so that folds of single trials over more than two classes decode the run.',
    ],
    protocol: 'within a subject: leave one run out, within one pair of classes; across subjects: leave subjects out',
    warnings: [
      'classes of different pairs come from different runs; stay within one pair, and leave runs or subjects out',
    ],
    layout: 'S001/S001R01.edf ... S109/S109R14.edf, in folders or side by side',
  },
  tasks: ['left-right', 'fists-feet'].flatMap((name) =>
    [`${name}-imagery`, `${name}-execution`, name].map((full) => eegmmidbTask(full)),
  ),
  window: [0.5, 3.5],
  band: [4, 38],
  remote,
  async open(folder, wanted) {
    const recordings = await openFiles(folder, /(?:^|\/)(S\d{3})R\d{2}\.edf$/i, ([, found]) => {
      const subject = found!.toUpperCase()
      return wanted.has(subject) && !(wanted.isAll && DEFECTIVE.includes(subject))
    })
    return recordings.map(withEegmmidbMeanings)
  },
}
