import { crc32 } from 'node:zlib'
import type { FittedStatistic } from '../datasets/fitted.ts'
import { requireSameLayout } from '../datasets/same-layout.ts'
import type { EegWindows } from '../datasets/windows.ts'
import { electrodePosition } from '../electrodes.ts'
import { EegTorchError } from '../errors.ts'
import { LmdbFile } from '../lmdb/lmdb-file.ts'
import { packageVersion } from '../setup/paths.ts'
import { encodeWindow, type SampleType } from '../store/samples.ts'
import {
  decodeRecording,
  encodeHeader,
  encodeRecording,
  HEADER_KEY,
  recordingKey,
  type StoredRecording,
  type StoreHeader,
  windowKey,
} from '../store/store-format.ts'
import { encodeStatistic } from '../store/stored-statistics.ts'
import { nativeLmdb } from './native.ts'

/** Bytes that are put on disk in one transaction. */
const CHUNK = 32 * 2 ** 20

/** A kind of trial: its class, and the label of its event. */
export type TrialKind = readonly [className: string, label: string]

/** Writes windows into an LMDB environment, recording by recording. Several processes may write to the same one. */
export class StoreWriter implements Disposable {
  readonly #folder: string
  readonly #sampleType: SampleType
  #id: number

  /**
   * @param folder is there
   * @throws EegTorchError `FILE_WRITE_FAILED`, `FILE_INVALID`
   */
  constructor(folder: string, sampleType: SampleType) {
    this.#folder = folder
    this.#sampleType = sampleType
    this.#id = nativeLmdb.openLmdbWriter(folder)
  }

  /**
   * Writes all windows of one recording. What is known of them goes to disk with the last of them: a recording that has its record is whole.
   *
   * @param recording its number, from 0
   * @param windows of one recording
   * @throws EegTorchError `FILE_WRITE_FAILED` for a full disk; `INVALID_OPTION` for samples that the type cannot keep
   */
  async write(recording: number, windows: EegWindows, kinds: readonly TrialKind[]): Promise<void> {
    const { nChannels, nSamples } = windows
    const shape = { type: this.#sampleType, nChannels, nSamples }
    const checksums: number[] = []
    let [keys, values, bytes]: [string[], Uint8Array[], number] = [[], [], 0]
    for (let i = 0; i < windows.length; i++) {
      const record = encodeWindow(windows.window(i), shape)
      checksums.push(crc32(record))
      keys.push(windowKey(recording, i))
      values.push(record)
      bytes += record.length
      if (bytes < CHUNK) continue
      await nativeLmdb.writeLmdb(this.#id, keys, values)
      ;[keys, values, bytes] = [[], [], 0]
    }
    const known = encodeRecording(describeWindows(windows, kinds, checksums))
    await nativeLmdb.writeLmdb(this.#id, [...keys, recordingKey(recording)], [...values, known])
  }

  /** Writes the header, which makes the store whole. Every recording below `count` must be there. */
  async finish(
    count: number,
    {
      pipeline,
      classNames,
      splits,
      fitted = [],
    }: Pick<StoreHeader, 'pipeline' | 'classNames' | 'splits'> & { fitted?: readonly FittedStatistic[] },
  ): Promise<void> {
    const { recordings, checksums } = readRecordings(this.#folder, count)
    const first = recordings.find((one) => one.layout !== undefined)
    const layout = first?.layout
    if (layout === undefined) {
      throw new EegTorchError('INVALID_OPTION', 'no recording gives a window', {
        expected: 'events that are trials, and samples around them',
        received: `${recordings.reduce((sum, { skipped }) => sum + skipped, 0)} trials without room for a window`,
      })
    }
    for (const one of recordings) {
      if (one.layout !== undefined) requireSameLayout(one.name, one.layout, first!.name, layout)
    }
    const header: StoreHeader = {
      createdAt: new Date().toISOString(),
      createdBy: `eegtorch ${packageVersion()}`,
      windows: recordings.reduce((sum, { labels }) => sum + labels.length, 0),
      ...layout,
      montage: layout.channelNames.map((name) => place(name)),
      sampleType: this.#sampleType,
      classNames,
      simulated: recordings.some(({ simulated }) => simulated),
      skipped: recordings.reduce((sum, { skipped }) => sum + skipped, 0),
      pipeline,
      ...(splits && { splits }),
      ...(fitted.length > 0 && { fitted: fitted.map(encodeStatistic) }),
      recordings: checksums,
    }
    await nativeLmdb.writeLmdb(this.#id, [HEADER_KEY], [encodeHeader(header)])
  }

  [Symbol.dispose](): void {
    if (this.#id > 0) nativeLmdb.closeLmdbWriter(this.#id)
    this.#id = 0
  }
}

/** Recordings of an unfinished store that are whole, by number. */
export function writtenRecordings(folder: string): Map<number, StoredRecording> {
  const lmdb = new LmdbFile(folder)
  const found = new Map<number, StoredRecording>()
  for (const [at, key] of lmdb.keys.entries()) {
    const number = /^r([0-9]{8})$/.exec(key)?.[1]
    if (number === undefined) continue
    const bytes = lmdb.read(at)
    found.set(Number(number), decodeRecording(bytes, crc32(bytes), lmdb.path))
  }
  return found
}

function readRecordings(folder: string, count: number): { recordings: StoredRecording[]; checksums: number[] } {
  const lmdb = new LmdbFile(folder)
  const stored = Array.from({ length: count }, (_, i) => {
    const bytes = lmdb.get(recordingKey(i))
    if (bytes === undefined) throw new EegTorchError('INTERNAL', `recording ${i} was not written`)
    return bytes
  })
  const checksums = stored.map((bytes) => crc32(bytes))
  return { checksums, recordings: stored.map((bytes, i) => decodeRecording(bytes, checksums[i]!, lmdb.path)) }
}

function describeWindows(
  windows: EegWindows,
  kinds: readonly TrialKind[],
  checksums: readonly number[],
): StoredRecording {
  const { origins, channelNames, channelTypes, nSamples, samplingRate, step, simulated, skipped } = windows
  const { name, identity, subject, session, run, dataset } = windows.recordings[0]!
  const stimuli = origins.map(({ stimulus }) => stimulus ?? null)
  return {
    ...{ name, identity, subject: subject ?? null, session: session ?? null, run: run ?? null },
    dataset: dataset ?? null,
    classNames: [...windows.classNames],
    labels: origins.map(({ label }) => label),
    trials: origins.map(({ trial }) => trial),
    onsets: origins.map(({ onset }) => onset),
    starts: origins.map(({ start }) => start),
    ...(stimuli.some((stimulus) => stimulus !== null) && { stimuli }),
    checksums: [...checksums],
    kinds: kinds.map(([className, label]) => [className, label]),
    ...(windows.length > 0 && {
      layout: {
        ...{ channelNames: [...channelNames], nSamples, samplingRate, step },
        ...(channelTypes && { channelTypes: [...channelTypes] }),
      },
    }),
    ...{ simulated, skipped },
  }
}

function place(name: string): [number, number, number] | null {
  const [x, y, z] = electrodePosition(name) ?? []
  return x === undefined ? null : [x, y!, z!]
}
