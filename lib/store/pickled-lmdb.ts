import { EegWindows, type WindowOrigin, type WindowSource } from '../datasets/windows.ts'
import { EegTorchError } from '../errors.ts'
import type { Split } from '../evaluation/split.ts'
import { fromHalf } from '../half-precision.ts'
import { LmdbFile } from '../lmdb/lmdb-file.ts'
import { NumpyArray, numpyNames } from '../pickle/numpy-names.ts'
import { unpickle } from '../pickle/unpickle.ts'
import type { RecordingMetadata } from '../recordings/recording.ts'

/** The key under which CBraMod and CSBrain keep the keys of each part. */
const KEYS = '__keys__'
/** What the parts are called in their files. */
const PART_NAMES: Readonly<Record<string, 'train' | 'validation' | 'test'>> = {
  train: 'train',
  val: 'validation',
  valid: 'validation',
  test: 'test',
}

/** What the files of CBraMod and CSBrain do not say themselves. */
export interface PickledLmdbOptions {
  /** Hertz; default 200, which both use. */
  samplingRate?: number
  /** Default `1`, `2`, ... */
  channelNames?: readonly string[]
  /** Names of labels 0, 1, ...; default the numbers. */
  classNames?: readonly string[]
  /** What samples are multiplied by to be volts; default 1e-6, as both store microvolts. */
  scale?: number
  /** Whose recording it is, by the part of a key that names it: `A01T` of `A01T-17`. */
  metadata?: (recording: string) => RecordingMetadata
}

/** Windows of a file of CBraMod or CSBrain, with the split that it came with. */
export interface PickledWindows {
  /** Samples are read when they are asked for. */
  windows: EegWindows
  /** Numbers of windows; undefined for files without a part to train on and one to test. */
  split: Split | undefined
}

/** Whether an LMDB environment is one of pickled records. */
export function isPickledLmdb(path: string): boolean {
  return new LmdbFile(path).indexOf(KEYS) >= 0
}

/**
 * Opens an LMDB environment as CBraMod's and CSBrain's preprocessing writes it: a pickled dict of the keys of each part, and for each key a pickled dict of
 * `sample`, an array (channels, samples) or (channels, patches, samples of a patch), and `label`. Pickles are read as data: nothing in them is run.
 *
 * Opening reads every record once, for its shape and label, and keeps no samples.
 *
 * A key `A01T-17` is read as trial 18 of the recording A01T. The files tell no times: windows are taken not to overlap.
 *
 * @param path the folder with `data.mdb`
 * @throws EegTorchError `FILE_INVALID` for what is no such file, `FILE_UNSAFE` for pickles that name anything but numpy arrays, `FILE_TRUNCATED`,
 *   `SHAPE_MISMATCH` for records that differ in shape, `INVALID_OPTION` for names that do not fit
 */
export function openPickledLmdb(path: string, options: PickledLmdbOptions = {}): PickledWindows {
  const { samplingRate = 200, scale = 1e-6, metadata = (): RecordingMetadata => ({}) } = options
  const lmdb = new LmdbFile(path)
  const parts = readParts(lmdb)
  const keys = [...parts.values()].flat()
  const { shape, labels } = readLabels(lmdb, keys)
  const [nChannels, nSamples] = shape
  const recordings = [...new Set(keys.map((key) => parseKey(key).recording))]
  const classes = labels.reduce((most, label) => Math.max(most, label + 1), 0)
  const numbers = new Map(recordings.map((name, i) => [name, i]))
  const origins = keys.map((key, i): WindowOrigin => {
    const { recording, trial } = parseKey(key)
    const start = (trial - 1) * nSamples
    return { recording: numbers.get(recording)!, trial, onset: start / samplingRate, start, label: labels[i]! }
  })
  const windows = new EegWindows({
    data: new PickledSamples(lmdb, keys, shape, scale),
    origins,
    recordings: recordings.map((name) => {
      const { subject, session, run } = metadata(name)
      return { name, identity: `${lmdb.path}:${name}`, subject, session, run }
    }),
    classNames: namesOf(options.classNames, classes, 'classNames', 0),
    channelNames: namesOf(options.channelNames, nChannels, 'channelNames', 1),
    ...{ nSamples, samplingRate },
  })
  return { windows, split: splitOf(parts) }
}

/** The shape that all records have, and the label of each. A pickle tells them with its samples, which are let go one record after the other. */
function readLabels(lmdb: LmdbFile, keys: readonly string[]): Pick<PickledRecord, 'shape'> & { labels: number[] } {
  let first: PickledRecord['shape'] | undefined
  const labels = keys.map((key) => {
    const { shape, label } = readRecord(lmdb, key)
    first ??= shape
    if (String(shape) !== String(first)) throw otherShape(lmdb, key, first, shape)
    return label
  })
  if (first === undefined) throw invalid(lmdb, 'records', 'none')
  return { shape: first, labels }
}

/** Samples of pickled records, unpickled one by one. */
class PickledSamples implements WindowSource {
  readonly #lmdb: LmdbFile
  readonly #keys: readonly string[]
  readonly #shape: readonly [channels: number, samples: number]
  readonly #scale: number

  constructor(lmdb: LmdbFile, keys: readonly string[], shape: readonly [number, number], scale: number) {
    this.#lmdb = lmdb
    this.#keys = keys
    this.#shape = shape
    this.#scale = scale
  }

  get length(): number {
    return this.#keys.length
  }

  read(index: number): Float32Array {
    const { sample } = readRecord(this.#lmdb, this.#keys[index]!)
    const numbers = sample.dtype === 'float16' ? Array.from(sample.values as Uint16Array, fromHalf) : sample.values
    return Float32Array.from(numbers as ArrayLike<number>, (value) => Number(value) * this.#scale)
  }

  subset(indices: ArrayLike<number>): PickledSamples {
    const keys = Array.from(indices, (index) => this.#keys[index]!)
    return new PickledSamples(this.#lmdb, keys, this.#shape, this.#scale)
  }

  scaled(): WindowSource {
    throw new EegTorchError('FILE_UNSUPPORTED', 'pickled records are not scaled: write them to a store first', {
      file: this.#lmdb.path,
      expected: 'eegtorch prepare',
    })
  }
}

function readParts(lmdb: LmdbFile): Map<string, string[]> {
  const bytes = lmdb.get(KEYS)
  if (bytes === undefined) throw invalid(lmdb, `the key ${KEYS}`, 'an LMDB file without it')
  const parts = unpickled(lmdb, KEYS, bytes)
  const isList = (list: unknown) => Array.isArray(list) && list.every((key) => typeof key === 'string')
  if (!(parts instanceof Map) || ![...parts.values()].every(isList))
    throw invalid(lmdb, 'lists of keys by part', 'others')
  return parts as Map<string, string[]>
}

interface PickledRecord {
  sample: NumpyArray
  shape: [channels: number, samples: number]
  label: number
}

const NUMBERS = new Set(['float16', 'float32', 'float64', 'int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32'])

function readRecord(lmdb: LmdbFile, key: string): PickledRecord {
  const bytes = lmdb.get(Buffer.from(key).toString('latin1'))
  if (bytes === undefined) throw invalid(lmdb, `a record ${key}, which its list of keys names`, 'none')
  const record = unpickled(lmdb, key, bytes)
  const [sample, label] = record instanceof Map ? [record.get('sample'), Number(record.get('label'))] : []
  if (!(sample instanceof NumpyArray) || !NUMBERS.has(sample.dtype) || sample.shape.length < 2) {
    throw invalid(lmdb, `${key} to hold an array 'sample' of two or more dimensions`, 'something else')
  }
  if (!Number.isSafeInteger(label) || label! < 0) throw invalid(lmdb, `${key} to hold a 'label' from 0`, String(label))
  const [channels, ...rest] = sample.shape
  return { sample, shape: [channels!, rest.reduce((product, length) => product * length, 1)], label: label! }
}

function unpickled(lmdb: LmdbFile, key: string, bytes: Buffer): unknown {
  const file = `${lmdb.path} (${key})`
  return unpickle(bytes, { names: numpyNames, file, purpose: 'a file of windows' }).value
}

/** `A01T-17` is the window after 17 others of A01T. */
function parseKey(key: string): { recording: string; trial: number } {
  const [, recording, number] = /^(.+)[-_]([0-9]+)$/.exec(key) ?? []
  return recording === undefined ? { recording: key, trial: 1 } : { recording, trial: Number(number) + 1 }
}

function splitOf(parts: ReadonlyMap<string, readonly string[]>): Split | undefined {
  const split: Partial<Record<'train' | 'validation' | 'test', number[]>> = {}
  let at = 0
  for (const [name, keys] of parts) {
    const part = PART_NAMES[name]
    if (part !== undefined) split[part] = keys.map((_, i) => at + i)
    at += keys.length
  }
  const { train, validation, test } = split
  return train && test && { name: 'as stored', train, test, ...(validation && { validation }) }
}

function namesOf(given: readonly string[] | undefined, count: number, option: string, first: number): string[] {
  const names = given ?? Array.from({ length: count }, (_, i) => String(i + first))
  if (names.length === count) return [...names]
  throw new EegTorchError('INVALID_OPTION', `the number of ${option} does not fit the file`, {
    option,
    expected: String(count),
    received: String(names.length),
  })
}

function otherShape(lmdb: LmdbFile, key: string, expected: readonly number[], received: readonly number[]) {
  return new EegTorchError('SHAPE_MISMATCH', `the record ${key} has another shape than the first`, {
    file: lmdb.path,
    expected: `(${expected.join(', ')})`,
    received: `(${received.join(', ')})`,
  })
}

function invalid(lmdb: LmdbFile, expected: string, received: string): EegTorchError {
  return new EegTorchError('FILE_INVALID', 'this is no LMDB file of CBraMod or CSBrain', {
    file: lmdb.path,
    expected,
    received,
  })
}
