import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { SAMPLE_BYTES } from '../../recordings/binary/sample-types.ts'
import { StridedSource } from '../../recordings/binary/strided-source.ts'
import { channelType } from '../../recordings/channels.ts'
import { type Channel, type ChannelType, Recording } from '../../recordings/recording.ts'
import { stimEvents } from '../../recordings/stim-events.ts'
import type { KnownDataset, RemoteDataset } from '../dataset.ts'
import {
  farNumbers,
  LastArray,
  readPickledNpy,
  requireSizes,
  textsOf,
  unknownStorage,
  valuesOf,
} from '../far-trials.ts'
import { matchFiles } from '../open-files.ts'
import { trialsRecording } from '../trials-recording.ts'
import { osfFiles } from './osf.ts'

const TARGET = '99999'
const RAW_AXES = '(channels, samples)'
const PREPARED_AXES = '(images, repeats, channels, samples)'
const TYPES = new Set(['eeg', 'eog', 'ecg', 'emg', 'stim', 'misc'])

const remote: RemoteDataset = {
  subjects: Array.from({ length: 10 }, (_, i) => `sub-${String(i + 1).padStart(2, '0')}`),
  bytes: 12e9,
  checksums: 'SHA-256, published by the host',
  files: (subjects, read) =>
    osfFiles('anp5v', read, (path) => subjects.some((subject) => path.split('/').pop()!.startsWith(subject))),
}

/** THINGS-EEG2: rapid presentation of photographs of objects. */
export const thingsEeg2: KnownDataset = {
  card: {
    name: 'things-eeg2',
    title: 'THINGS-EEG2: photographs of 1,854 concepts, five a second',
    source: 'https://osf.io/3jk45/ (preprocessed: https://osf.io/anp5v/, raw: https://osf.io/crxs4/)',
    licence: 'CC BY 4.0 for the recordings; the photographs have terms of their own',
    citation:
      'Gifford et al. 2022, A large and rich EEG dataset for modeling human visual object recognition, NeuroImage 264:119754',
    design: 'random',
    repeats: '16,540 training images 4 times, 200 test images 80 times; concepts of the two do not overlap',
    classes: Array.from({ length: 1854 }, (_, i) => `concept ${i + 1}`),
    subjects: 10,
    amount: 'four sessions, 82,160 trials',
    channels: '63 EEG (preprocessed release of the authors: 17 occipital and parietal)',
    samplingRate: 'as recorded',
    defects: [
      'In the preprocessed release repeats are shuffled over the sessions: which session a trial is of is lost, and so is its time.',
      'Preprocessed trials are whitened with the covariance of training and test trials together; they are no voltages.',
      'Raw recordings hold target trials (99999), at which subjects answered.',
    ],
    protocol:
      'train on training images, retrieve among the 200 test images; say how many repeats are averaged, and report single trials beside',
    warnings: [
      'test scores on the mean of 80 repeats are no single-trial scores: say how many were averaged',
      'preprocessed trials were whitened with test trials, too',
    ],
    layout:
      'sub-01/preprocessed_eeg_training.npy and _test.npy, or sub-01/ses-01/raw_eeg_training.npy and _test.npy; image_metadata.npy beside names the images',
  },
  tasks: [],
  window: [0, 0.8],
  remote,
  async open(folder, wanted) {
    const pattern = /(?:^|\/)(sub-\d\d)\/(?:(ses-\d\d)\/)?(raw|preprocessed)_eeg_(training|test)\.npy$/
    const files = await matchFiles(folder, pattern, ([, subject]) => wanted.has(subject!))
    const images = imagesOf(join(folder, 'image_metadata.npy'))
    const last = new LastArray()
    return files.map(({ file, match }) => {
      const [, subject, session, kind, part] = match as unknown as [string, string, string | undefined, string, string]
      return kind === 'raw'
        ? openRaw(file, { subject, session, part, images, last })
        : openPrepared(file, { subject, part, images, last })
    })
  },
}

interface Whose {
  subject: string
  session?: string | undefined
  part: string
  images: Images
  last: LastArray
}

type Images = ReadonlyMap<string, { concept: string; image: string }>

/** One event for each photograph: `training/00001`, or its file name where the metadata are there. */
function named(part: string, number: number, images: Images) {
  const label = `${part}/${String(number).padStart(5, '0')}`
  const known = images.get(label)
  return { label, stimulus: known?.image ?? label, ...(known !== undefined && { meaning: known.concept }) }
}

function openPrepared(file: string, { subject, part, images, last }: Whose): Recording {
  const content = readPickledNpy(file)
  const load = () => readPickledNpy(file).get('preprocessed_eeg_data')
  const numbers = farNumbers(load, PREPARED_AXES, file, last)
  const [nImages, nRepeats, nChannels, nSamples] = numbers.shape as [number, number, number, number]
  const times = valuesOf(content.get('times'))
  const names = textsOf(content.get('ch_names'))
  requireSizes([names.length, times.length], [nChannels, nSamples], PREPARED_AXES, file)
  const trials = Array.from({ length: nImages * nRepeats }, (_, index) => ({
    index,
    ...named(part, Math.floor(index / nRepeats) + 1, images),
  }))
  const span = times.at(-1)! - times[0]!
  return trialsRecording({ ...numbers, file, nChannels, nSamples }, trials, {
    name: `${subject} ${part}`,
    ...{ subject, session: part, format: 'pickled NumPy array' },
    channels: names.map((name) => ({ name, type: 'eeg' })),
    samplingRate: Math.round((nSamples - 1) / span),
    voltsPerUnit: 0,
    cue: -times[0]!,
    warnings: ['Preprocessed trials are whitened: their numbers are no volts.'],
  })
}

function openRaw(file: string, { subject, session = basename(dirname(file)), part, images, last }: Whose): Recording {
  const content = readPickledNpy(file)
  const { at, type, littleEndian, shape } = farNumbers(() => content.get('raw_eeg_data'), RAW_AXES, file, last)
  const [nChannels, nSamples] = shape as [number, number]
  const names = textsOf(content.get('ch_names'))
  const types = textsOf(content.get('ch_types'))
  requireSizes([names.length], [nChannels], RAW_AXES, file)
  const samplingRate = Number(content.get('sfreq'))
  const channels = names.map((name, i): Channel => {
    const kind = (TYPES.has(types[i] ?? '') ? types[i] : channelType(name, true)) as ChannelType
    return { name, label: name, type: kind, unit: kind === 'stim' ? '' : 'V', samplingRate }
  })
  const size = SAMPLE_BYTES[type]
  if (!('position' in at)) throw unknownStorage(RAW_AXES, file)
  const { position } = at
  const piece = {
    file,
    position,
    first: 0,
    nSamples,
    type,
    littleEndian,
    sampleStride: size,
    channelStride: size * nSamples,
  }
  const source = new StridedSource(
    [piece],
    channels.map((_, slot) => ({ slot, gain: 1 })),
  )
  const stim = channels.findIndex(({ type: kind }) => kind === 'stim')
  const marks = stim < 0 ? [] : stimEvents(source.read([{ channel: stim, start: 0, stop: nSamples }])[0]!, samplingRate)
  return new Recording({
    ...{ name: `${subject} ${session} ${part}`, subject, session, run: part, file, format: 'pickled NumPy array' },
    ...{ channels, samplingRate, nSamples, source },
    events: marks.map(({ label, ...mark }) =>
      label === TARGET ? { ...mark, label: 'target' } : { ...mark, ...named(part, Number(label), images) },
    ),
  })
}

/** Concepts and file names of the photographs, where `image_metadata.npy` of the image set is there. */
function imagesOf(file: string): Images {
  const images = new Map<string, { concept: string; image: string }>()
  if (!existsSync(file)) return images
  const content = readPickledNpy(file)
  for (const [part, prefix] of [
    ['training', 'train'],
    ['test', 'test'],
  ] as const) {
    const concepts = textsOf(content.get(`${prefix}_img_concepts`))
    for (const [i, image] of textsOf(content.get(`${prefix}_img_files`)).entries()) {
      const concept = concepts[i] ?? image
      images.set(`${part}/${String(i + 1).padStart(5, '0')}`, { concept, image: `${concept}/${image}` })
    }
  }
  return images
}
