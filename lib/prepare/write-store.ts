import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { EegWindows } from '../datasets/windows.ts'
import { EegTorchError } from '../errors.ts'
import type { Split } from '../evaluation/split.ts'
import { createAtomically } from '../files/atomic.ts'
import type { SampleType } from '../store/samples.ts'
import { StoreWriter } from './store-writer.ts'

/** How to write windows to a store. */
export interface WriteStoreOptions {
  /** Default `float32`; `float16` and `int16` take half the room: see docs/stores.md. */
  sampleType?: SampleType
  /** What was done to the recordings, for whoever reads the store; default: the hash that the windows carry. */
  pipeline?: { text: string; hash: string }
  /** Splits to keep with the windows; numbers of windows as they are given. */
  splits?: readonly Split[]
}

/**
 * Writes windows to a new store. They come back recording by recording, those of one recording in the order given.
 *
 * @param path the folder to make; it appears when the store is whole, and nothing that is there is overwritten
 * @throws EegTorchError `FILE_WRITE_FAILED`, `INVALID_OPTION`
 */
export async function writeStore(path: string, windows: EegWindows, options: WriteStoreOptions = {}): Promise<void> {
  const { sampleType = 'float32', pipeline = { text: '', hash: windows.pipeline ?? '' }, splits } = options
  if (windows.length === 0) throw new EegTorchError('INVALID_OPTION', 'there are no windows to write', { file: path })
  const groups = windows.recordings.map((_, recording) =>
    [...windows.labels.keys()].filter((index) => windows.origins[index]!.recording === recording),
  )
  await createAtomically(path, async (temporary) => {
    await mkdir(temporary)
    using writer = new StoreWriter(temporary, sampleType)
    for (const [recording, indices] of groups.entries()) {
      await writer.write(recording, oneRecording(windows.subset(indices), recording), [])
    }
    const { classNames, fitted } = windows
    const kept = splits && { splits: renumber(splits, groups.flat()) }
    await writer.finish(groups.length, { pipeline, classNames: [...classNames], fitted, ...kept })
    writer[Symbol.dispose]()
    await removeLock(temporary)
  })
}

/** A finished store is only read; liblmdb makes this file anew where somebody wants to write. */
export async function removeLock(folder: string): Promise<void> {
  await rm(join(folder, 'lock.mdb'), { force: true })
}

function oneRecording(windows: EegWindows, recording: number): EegWindows {
  const origins = windows.origins.map((origin) => ({ ...origin, recording: 0 }))
  return windows.with({
    origins,
    recordings: [windows.recordings[recording]!],
    skipped: recording === 0 ? windows.skipped : 0,
  })
}

function renumber(splits: readonly Split[], order: readonly number[]) {
  const places = new Map(order.map((index, place) => [index, place]))
  const moved = (indices: readonly number[]) => indices.map((index) => places.get(index)!)
  return splits.map(({ name, train, validation, test }) => ({
    name,
    train: moved(train),
    ...(validation && { validation: moved(validation) }),
    test: moved(test),
  }))
}
