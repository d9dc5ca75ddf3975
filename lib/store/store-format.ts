import { crc32 } from 'node:zlib'
import { z } from 'zod'
import { EegTorchError } from '../errors.ts'
import type { ChannelType } from '../recordings/recording.ts'
import { SAMPLE_TYPES } from './samples.ts'

// A store is an LMDB environment. Keys:
//   eegtorch           the header, written last: a store without it is not whole
//   r00000012          what is known of the windows of recording 12
//   w00000012/00000345 the samples of its window 345
// Header and recordings are JSON after a line that names the format, its version and the CRC-32 of the JSON.

/** The key of the header. */
export const HEADER_KEY = 'eegtorch'

export const recordingKey = (recording: number) => `r${padded(recording)}`
export const windowKey = (recording: number, window: number) => `w${padded(recording)}/${padded(window)}`

const VERSION = 1
const MOST_RECORDINGS = 10 ** 8

const CHANNEL_TYPES = ['eeg', 'eog', 'ecg', 'emg', 'stim', 'misc'] as const satisfies readonly ChannelType[]

const count = z.number().int().min(0)
const name = z.string().nullable()
const splitSchema = z.strictObject({
  name: z.string(),
  train: z.array(count),
  validation: z.array(count).optional(),
  test: z.array(count),
})

const channelTypes = z.array(z.enum(CHANNEL_TYPES)).optional()

/** Stretches of recordings: the number of one's identity in `identities`, and seconds from and to. */
const stretches = z.array(z.tuple([count, z.number(), z.number()]))
const fittedSchema = z.strictObject({
  name: z.string(),
  identities: z.array(z.string()),
  from: stretches,
  shaped: stretches.optional(),
})

const headerSchema = z.strictObject({
  createdAt: z.string(),
  createdBy: z.string(),
  /** Windows of all recordings. */
  windows: count,
  channelNames: z.array(z.string()).min(1),
  /** What each channel measures, where it is known. */
  channelTypes,
  /** Where each electrode is on a spherical head or in metres, or null. */
  montage: z.array(z.tuple([z.number(), z.number(), z.number()]).nullable()),
  nSamples: count.min(1),
  samplingRate: z.number().positive(),
  /** Samples between the starts of two windows of a trial. */
  step: count.min(1),
  sampleType: z.enum(SAMPLE_TYPES),
  classNames: z.array(z.string()).min(1),
  simulated: z.boolean(),
  /** Events that gave no window. */
  skipped: count,
  /** What was done to the recordings: text as it was written, and a hash of what it means. */
  pipeline: z.strictObject({ text: z.string(), hash: z.string() }),
  /** Splits that came with the windows. */
  splits: z.array(splitSchema).optional(),
  /** What was learned from recordings and shaped the windows before they were written. */
  fitted: z.array(fittedSchema).optional(),
  /** CRC-32 of what is stored about each recording, in order. */
  recordings: z.array(z.number()).max(MOST_RECORDINGS),
})

/** A statistic as a header keeps it. */
export type StoredStatistic = z.infer<typeof fittedSchema>

/** What the header of a store says. */
export type StoreHeader = z.infer<typeof headerSchema>

const recordingSchema = z.strictObject({
  name: z.string(),
  identity: z.string(),
  subject: name,
  session: name,
  run: name,
  dataset: name,
  /** Names of the classes of `labels`. */
  classNames: z.array(z.string()),
  /** Of each window, as are those that follow. */
  labels: z.array(count),
  trials: z.array(count),
  onsets: z.array(z.number()),
  starts: z.array(z.number().int()),
  stimuli: z.array(name).optional(),
  /** CRC-32 of each window's record. */
  checksums: z.array(count),
  /** Kinds of trials, whether they gave windows or not: class and label of the event. They order the classes of a store. */
  kinds: z.array(z.tuple([z.string(), z.string()])),
  /** Shape of the windows, undefined where there are none: all recordings of a store agree in it. */
  layout: z
    .strictObject({
      channelNames: z.array(z.string()).min(1),
      channelTypes,
      nSamples: count.min(1),
      samplingRate: z.number().positive(),
      step: count.min(1),
    })
    .optional(),
  simulated: z.boolean(),
  /** Events that gave no window. */
  skipped: count,
})

/** What a store knows of a recording and its windows. */
export type StoredRecording = z.infer<typeof recordingSchema>

export const encodeHeader = (header: StoreHeader) => encode(header, 'windows')
export const encodeRecording = (recording: StoredRecording) => encode(recording, 'recording')

/** @throws EegTorchError `FILE_INVALID` for a header that is none or is damaged, `FILE_UNSUPPORTED` for a later version */
export function decodeHeader(bytes: Buffer, file: string): StoreHeader {
  const header = decode(bytes, 'windows', headerSchema, file)
  const { montage, channelNames, channelTypes: types = channelNames, fitted = [] } = header
  const isWhole = [montage, types].every(({ length }) => length === channelNames.length)
  const areKnown = fitted.every(({ identities, from, shaped = [] }) =>
    [...from, ...shaped].every(([identity]) => identity < identities.length),
  )
  if (!isWhole || !areKnown) throw damaged('the header', file)
  return header
}

/** @throws EegTorchError as {@link decodeHeader} */
export function decodeRecording(bytes: Buffer, checksum: number, file: string): StoredRecording {
  if (crc32(bytes) !== checksum) throw damaged('what it says of a recording', file)
  const recording = decode(bytes, 'recording', recordingSchema, file)
  const { labels, trials, onsets, starts, checksums, stimuli = labels, classNames } = recording
  const isWhole = [trials, onsets, starts, checksums, stimuli].every(({ length }) => length === labels.length)
  if (isWhole && labels.every((label) => label < classNames.length)) return recording
  throw damaged('what it says of a recording', file)
}

function encode(value: object, kind: string): Buffer {
  const json = Buffer.from(JSON.stringify(value))
  return Buffer.concat([Buffer.from(`eegtorch ${kind} ${VERSION} ${crc32(json)}\n`), json])
}

function decode<S extends z.ZodType>(bytes: Buffer, kind: string, schema: S, file: string): z.infer<S> {
  const end = bytes.indexOf('\n')
  const [, version, checksum] = /^eegtorch [a-z]+ ([0-9]+) ([0-9]+)$/.exec(bytes.toString('latin1', 0, end)) ?? []
  if (end < 0 || !bytes.toString('latin1', 0, end).startsWith(`eegtorch ${kind} `)) throw damaged('the header', file)
  if (version !== String(VERSION)) {
    throw new EegTorchError('FILE_UNSUPPORTED', 'this version of a store is not read', {
      file,
      expected: String(VERSION),
      received: version ?? 'none',
    })
  }
  const json = bytes.subarray(end + 1)
  if (String(crc32(json)) !== checksum) throw damaged('the header', file)
  const result = schema.safeParse(parseJson(json, file))
  if (result.success) return result.data
  throw damaged(`the header (${result.error.issues[0]!.path.join('.')})`, file)
}

function parseJson(json: Buffer, file: string): unknown {
  try {
    return JSON.parse(json.toString())
  } catch {
    throw damaged('the header is no JSON', file)
  }
}

/** The error for a store whose bytes have changed. */
export function damaged(what: string, file: string): EegTorchError {
  return new EegTorchError('FILE_INVALID', `the store is damaged: ${what}`, { file })
}

function padded(number: number): string {
  return String(number).padStart(8, '0')
}
