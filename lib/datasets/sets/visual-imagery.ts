import { EegTorchError } from '../../errors.ts'
import { sidecarOf } from '../../recordings/bids/entities.ts'
import { readTsv } from '../../recordings/bids/table.ts'
import { readEdf, readEdfHeader } from '../../recordings/edf.ts'
import { readFif } from '../../recordings/fif/fif.ts'
import type { Recording, RecordingParts } from '../../recordings/recording.ts'
import type { KnownDataset } from '../dataset.ts'
import { matchFiles } from '../open-files.ts'
import { scaledRecording } from '../scaled-recording.ts'
import { meaningTask } from '../task.ts'
import { parseFileList } from './file-list.ts'

/** Classes of the three tasks, in the order of their trigger values from 1, and the names of their pictures. */
const TASKS = {
  AVI: ['dog', 'bird', 'fish'],
  FVI: ['pentagram', 'square', 'circle'],
  OVI: ['scissor', 'watch', 'cup', 'chair'],
} as const
const PICTURES = { AVI: 'Animal', FVI: 'Figure', OVI: 'Object' } as const
const CLASSES = Object.values(TASKS).flat()
/** A 24-bit file whose header gives the range of 16 bits reads as so many times too large. */
const HEADER_FACTOR = 256

type TaskName = keyof typeof TASKS

/** EEG of imagined pictures (Gao et al. 2026), BIDS. */
export const visualImagery: KnownDataset = {
  card: {
    name: 'visual-imagery',
    title: 'Visual imagery of ten pictures',
    source: 'https://doi.org/10.6084/m9.figshare.30227503',
    licence:
      'Creative Commons; versions of the release name CC BY-NC-ND 4.0 or CC BY 4.0: read the one that you download',
    citation:
      'Gao et al. 2026, An EEG Dataset for Visual Imagery-Based Brain-Computer Interface, Scientific Data, doi 10.1038/s41597-025-06512-5',
    design: 'by run',
    repeats: 'ten pictures, each 40 times a session, the same for everybody',
    classes: CLASSES,
    subjects: 22,
    amount:
      'two sessions (sub-09 and sub-10: one), each with three runs: animals (AVI), figures (FVI), objects (OVI); 400 trials a session',
    channels: '32 EEG against CPz',
    samplingRate: 1000,
    defects: [
      'Animals, figures and objects were recorded in runs of their own: whoever tells ten classes apart may tell runs apart.',
      'One picture stands for a class: with the same pictures in training and test, a score says nothing of the class.',
      'The .bdf headers give the range of 16 bits for samples of 24: read as they stand, amplitudes are 256 times too large. They are divided here.',
      'Loaders that take trigger values 1 to 3 lose every chair.',
    ],
    protocol:
      'within one task (animals, figures or objects), leave subjects or sessions out; the document splits subjects 1-16 / 17-19 / 20-22',
    warnings: [
      'classes of different tasks come from different runs: a ten-class score may reflect the run',
      'each class is one picture, the same in training and test: the score tells pictures apart, not categories',
    ],
    layout: 'sub-01/ses-01/eeg/sub-01_ses-01_task-AVI_eeg.bdf (or .fif) with its _events.tsv, ... sub-22',
  },
  tasks: [
    meaningTask('animals', TASKS.AVI),
    meaningTask('figures', TASKS.FVI),
    meaningTask('objects', TASKS.OVI),
    meaningTask('ten-class', CLASSES),
  ],
  window: [0.5, 4.5],
  band: [0.3, 50],
  remote: {
    subjects: Array.from({ length: 22 }, (_, i) => `sub-${String(i + 1).padStart(2, '0')}`),
    bytes: 20e9,
    checksums: 'MD5, published by the host; each subject is a .zip',
    files: async (subjects, read) => figshareFiles(await read(FILE_LIST), subjects),
  },
  async open(folder, wanted) {
    const pattern = /(?:^|\/)sub-(\w+?)_ses-(\w+?)_task-([AFO]VI)_(?:run-\w+_)?eeg\.(bdf|edf|fif)$/
    const files = await matchFiles(folder, pattern, ([, subject]) => wanted.has(subject!))
    const recordings: Recording[] = []
    for (const { file, match } of files) {
      const [, subject, session, task, ending] = match as unknown as [string, string, string, TaskName, string]
      recordings.push(await openRun(file, { subject, session, task, isFif: ending === 'fif' }))
    }
    return recordings
  },
}

const FILE_LIST = 'https://api.figshare.com/v2/articles/30227503/files?page_size=100'

interface FigshareFile {
  name: string
  size: number
  download_url: string
  computed_md5?: string
}

function figshareFiles(list: string, subjects: readonly string[]) {
  return parseFileList<FigshareFile[]>(list, FILE_LIST, Array.isArray)
    .filter(({ name }) => subjects.includes(name.replace(/\.zip$/, '')))
    .map(({ name, size, download_url, computed_md5 }) => ({
      path: name,
      urls: [download_url],
      bytes: size,
      ...(computed_md5 && { md5: computed_md5 }),
    }))
}

interface Run {
  subject: string
  session: string
  task: TaskName
  isFif: boolean
}

async function openRun(file: string, { subject, session, task, isFif }: Run): Promise<Recording> {
  const read = isFif ? await readFif(file) : await readEdf(file)
  const isTooLarge = !isFif && hasShortRange(file)
  const scaled = isTooLarge ? scaledRecording(read, 1 / HEADER_FACTOR) : read
  const table = sidecarOf(file, 'events.tsv')
  return scaled.withMetadata({ subject, session, run: task }).describedBy({
    events: table === undefined ? named(scaled.events, task) : tableEvents(table, task, scaled.samplingRate),
    warnings: [
      ...scaled.warnings,
      ...(isTooLarge
        ? ['The header gives the range of 16 bits for samples of 24: amplitudes were divided by 256.']
        : []),
    ],
  })
}

/** Rows tell a trigger value, or a class by name; their time in seconds, or as a sample from 0. */
function tableEvents(file: string, task: TaskName, rate: number): RecordingParts['events'] {
  const rows = readTsv(file).map((row, i) => {
    const onset = row.has('onset') ? Number(row.get('onset')) : Number(row.get('latency')) / rate
    if (Number.isFinite(onset)) {
      return { onset, duration: 0, label: row.get('value') ?? row.get('trial_type') ?? row.get('type') ?? '' }
    }
    throw new EegTorchError('FILE_INVALID', `event ${i + 1} has no time`, {
      file,
      expected: 'a column onset or latency',
    })
  })
  return named(rows, task)
}

/** Trigger values and class names of a task to its classes and pictures; other triggers stay without meaning. */
function named(events: RecordingParts['events'], task: TaskName): RecordingParts['events'] {
  return events.map((event) => {
    const bare = event.label.replace(/^.*\//, '').trim()
    const classes: readonly string[] = TASKS[task]
    const name = classes.find((known) => known === bare.toLowerCase()) ?? classes[Number(bare) - 1]
    return name === undefined
      ? event
      : { ...event, label: `${task}/${bare}`, meaning: name, stimulus: `${PICTURES[task]}_${name}` }
  })
}

/** Whether a BDF header gives digital limits that 16 bits hold. */
function hasShortRange(file: string): boolean {
  const { sampleBytes, signals } = readEdfHeader(file)
  const [low, high] = signals[0]!.digitalRange
  return sampleBytes === 3 && low === -32768 && high === 32767
}
