import { EegWindows, type WindowOrigin, type WindowRecording } from '../datasets/windows.ts'
import { EegTorchError } from '../errors.ts'
import { LmdbFile } from '../lmdb/lmdb-file.ts'
import { type RecordShape, recordBytes } from './samples.ts'
import {
  damaged,
  decodeHeader,
  decodeRecording,
  HEADER_KEY,
  recordingKey,
  type StoredRecording,
  type StoreHeader,
  windowKey,
} from './store-format.ts'
import { StoredSamples } from './stored-samples.ts'
import { decodeStatistic } from './stored-statistics.ts'

/** A store that was opened: its header, and its windows. */
export interface WindowStore {
  readonly path: string
  readonly header: StoreHeader
  /** All windows. Their samples stay in the store until they are read. */
  readonly windows: EegWindows
}

/**
 * Opens a store that `eegtorch prepare` wrote. What it says of windows is read and checked; samples are read, and their checksums compared, when they are asked for.
 *
 * @param path the store's folder
 * @throws EegTorchError `FILE_NOT_FOUND`, `FILE_INVALID` for a store that is damaged or was never finished, `FILE_TRUNCATED`, `FILE_UNSUPPORTED`
 */
export function openStore(path: string): WindowStore {
  const lmdb = new LmdbFile(path)
  const bytes = lmdb.get(HEADER_KEY)
  if (bytes === undefined) throw headless(lmdb)
  const header = decodeHeader(bytes, lmdb.path)
  const recordings = header.recordings.map((checksum, i) => {
    const stored = lmdb.get(recordingKey(i))
    if (stored === undefined) throw damaged(`recording ${i} is missing`, lmdb.path)
    return decodeRecording(stored, checksum, lmdb.path)
  })
  const origins = recordings.flatMap((recording, i) => originsOf(recording, i, header, lmdb.path))
  if (origins.length !== header.windows) throw damaged('windows are missing', lmdb.path)
  const { channelNames, channelTypes, nSamples, samplingRate, step, classNames, simulated, skipped, pipeline } = header
  const windows = new EegWindows({
    data: samplesOf(lmdb, recordings, header, origins),
    ...{ origins, channelNames, channelTypes, nSamples, samplingRate, step, classNames, simulated, skipped },
    recordings: recordings.map(describe),
    fitted: (header.fitted ?? []).map(decodeStatistic),
    pipeline: pipeline.hash === '' ? undefined : pipeline.hash,
    sampleType: header.sampleType,
  })
  return { path, header, windows }
}

function headless(lmdb: LmdbFile): EegTorchError {
  const isOurs = lmdb.keys.some((key) => /^[rw][0-9]{8}/.test(key))
  if (!isOurs) return new EegTorchError('FILE_INVALID', 'this LMDB file is no store of windows', { file: lmdb.path })
  return new EegTorchError('FILE_INVALID', 'this store was never finished: run eegtorch prepare again to complete it', {
    file: lmdb.path,
  })
}

function originsOf(recording: StoredRecording, index: number, header: StoreHeader, file: string): WindowOrigin[] {
  const classes = recording.classNames.map((name) => header.classNames.indexOf(name))
  if (classes.includes(-1)) throw damaged('a class of a recording is not among those of the store', file)
  const { labels, trials, onsets, starts, stimuli } = recording
  return labels.map((label, i) => {
    const stimulus = stimuli?.[i] ?? undefined
    return {
      ...{ recording: index, trial: trials[i]!, onset: onsets[i]!, start: starts[i]!, label: classes[label]! },
      ...(stimulus !== undefined && { stimulus }),
    }
  })
}

function describe({ name, identity, subject, session, run, dataset }: StoredRecording): WindowRecording {
  const known = { subject: subject ?? undefined, session: session ?? undefined, run: run ?? undefined }
  return { name, identity, ...known, ...(dataset !== null && { dataset }) }
}

function samplesOf(
  lmdb: LmdbFile,
  recordings: readonly StoredRecording[],
  header: StoreHeader,
  origins: readonly WindowOrigin[],
): StoredSamples {
  const shape: RecordShape = {
    type: header.sampleType,
    nChannels: header.channelNames.length,
    nSamples: header.nSamples,
  }
  const bytes = recordBytes(shape)
  const offsets = new Float64Array(header.windows)
  let row = 0
  for (const [i, { labels }] of recordings.entries()) {
    // Keys are in the order of the windows.
    let at = lmdb.indexOf(windowKey(i, 0))
    for (let window = 0; window < labels.length; window++, at++) {
      if (lmdb.keys[at] !== windowKey(i, window) || lmdb.sizes[at] !== bytes) {
        throw damaged(`window ${row} is missing or of another size`, lmdb.path)
      }
      offsets[row++] = lmdb.offsets[at]!
    }
  }
  const checksums = Uint32Array.from(recordings.flatMap((recording) => recording.checksums))
  const labels = Int32Array.from(origins, ({ label }) => label)
  const { path, fileSize } = lmdb
  return new StoredSamples({ path, fileSize, shape, offsets, checksums, labels }, Int32Array.from(labels.keys()))
}
