import { fstatSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { EegTorchError } from '../../errors.ts'
import { readAt } from '../../files/read-at.ts'
import { withFile } from '../../files/with-file.ts'
import { flatNumbers, type NumberArray } from '../../recordings/arrays/named-arrays.ts'
import { NPY_HEADER_BYTES, npyNumbers, parseNpyHeader } from '../../recordings/numpy/npy.ts'
import type { Recording } from '../../recordings/recording.ts'
import type { KnownDataset, Wanted } from '../dataset.ts'
import { matchFiles } from '../open-files.ts'
import { meaningTask } from '../task.ts'
import { trialsRecording } from '../trials-recording.ts'
import { CHANNELS_2A, FOUR_CLASSES } from './bcic-iv-2a.ts'

const RATE = 250
const FIRST_CODE = 769
const EEG_CHANNELS = 22

/** BCI Competition IV 2a as six NumPy arrays: the release that the document `bcic_iv_2a_networks` uses. */
export const bcicIv2aNpy: KnownDataset = {
  card: {
    name: 'bcic-iv-2a-npy',
    title: 'BCI Competition IV, data set 2a, as arrays of 2,115 and 443 trials',
    source: 'material of a university course, made from the training sessions of https://www.bbci.de/competition/iv/',
    licence: 'that of BCI Competition IV, data set 2a',
    citation: 'Tangermann et al. 2012, Review of the BCI Competition IV, Frontiers in Neuroscience 6:55',
    design: 'random',
    repeats: 'each cue many times a subject, mixed',
    classes: FOUR_CLASSES,
    subjects: 9,
    amount:
      '2,115 trials to train and validate with, 443 to test with, of all nine subjects together; 1,000 samples each',
    channels: '22 EEG in microvolts, in some copies 3 EOG behind them',
    samplingRate: RATE,
    defects: [
      'The test file holds trials of the same subjects, days and runs as the training file.',
      'Runs and the order of trials are lost: no run can be left out, and trials beside each other in time fall into different parts.',
      'Windows start one sample after the cue.',
    ],
    protocol: 'train on the first file, test once on the second (leave one session out here); or leave subjects out',
    warnings: [
      'training and test trials come from the same subjects, days and runs: the score says nothing of new people or other days',
    ],
    layout: 'X_train_valid.npy, y_train_valid.npy, person_train_valid.npy, X_test.npy, y_test.npy, person_test.npy',
    byHand: 'there is no official host: put the six files into the folder, or make windows from bcic-iv-2a',
  },
  tasks: [meaningTask('four-class', FOUR_CLASSES)],
  window: [0, 4],
  async open(folder, wanted) {
    const files = await matchFiles(folder, /(?:^|\/)X_(train_valid|test)\.npy$/)
    return files.flatMap(({ file, match }) => openPart(file, match[1]!, wanted))
  },
}

function openPart(file: string, part: string, wanted: Wanted): Recording[] {
  const beside = (name: string) => join(dirname(file), `${name}_${part}.npy`)
  const signal = readArray(file)
  const [nTrials, nChannels, nSamples] = signal.dims as [number, number, number]
  const isKnown = signal.dims.length === 3 && [EEG_CHANNELS, CHANNELS_2A.length].includes(nChannels)
  const isPlain = signal.strides.at(-1)! * nSamples === signal.strides[1] && 'position' in signal.at
  if (!isKnown || !isPlain) {
    throw new EegTorchError('FILE_INVALID', 'does not hold the trials of the data set', {
      file,
      expected: '(trials, 22 or 25 channels, samples), rows first',
      received: `(${signal.dims.join(', ')})`,
    })
  }
  const codes = readColumn(beside('y'), nTrials)
  const persons = readColumn(beside('person'), nTrials)
  const unknown = codes.find((code) => FOUR_CLASSES[code - FIRST_CODE] === undefined)
  if (unknown !== undefined) {
    throw new EegTorchError('FILE_INVALID', 'has a class that the data set has not', {
      file: beside('y'),
      expected: '769 to 772',
      received: String(unknown),
    })
  }
  const { type, littleEndian } = signal
  const { position } = signal.at as { position: number }
  const stored = { file, at: { position }, type, littleEndian, nChannels, nSamples }
  return [...new Set(persons)]
    .sort((a, b) => a - b)
    .flatMap((person) => {
      const subject = `A0${person + 1}`
      if (!wanted.has(subject)) return []
      const trials = [...codes.keys()].filter((index) => persons[index] === person)
      return trialsRecording(
        stored,
        trials.map((index) => ({
          index,
          label: String(codes[index]),
          meaning: FOUR_CLASSES[codes[index]! - FIRST_CODE]!,
        })),
        {
          ...{ name: `${part} ${subject}`, part: subject, subject, session: part, format: 'NumPy arrays' },
          channels: CHANNELS_2A.slice(0, nChannels).map(([name, kind]) => ({ name, type: kind })),
          samplingRate: RATE,
          voltsPerUnit: 1e-6,
          cue: 0,
        },
      )
    })
}

function readArray(file: string): NumberArray {
  return withFile(file, (descriptor) => {
    const { size } = fstatSync(descriptor)
    const header = parseNpyHeader(readAt(descriptor, 0, Math.min(size, NPY_HEADER_BYTES), 'its header', file), file)
    return npyNumbers(header, { position: header.position }, size - header.position, file)
  })
}

function readColumn(file: string, length: number): number[] {
  const { dims, at, ...array } = readArray(file)
  const count = dims.reduce((product, dim) => product * dim, 1)
  if (count !== length) {
    const expected = `${length} numbers, one for each trial`
    throw new EegTorchError('FILE_INVALID', 'does not fit the trials', { file, expected, received: String(count) })
  }
  const { position } = at as { position: number }
  const bytes = withFile(file, (descriptor) => {
    return readAt(descriptor, position, fstatSync(descriptor).size - position, 'its numbers', file)
  })
  return [...flatNumbers({ ...array, dims, at: { bytes } })!]
}
