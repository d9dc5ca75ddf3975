import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { EegWindows } from '../../datasets/windows.ts'
import { EegTorchError } from '../../errors.ts'
import type { Split } from '../../evaluation/split.ts'
import { fileIdentity } from '../../files/content-identity.ts'
import { packageVersion } from '../../setup/paths.ts'
import { isNetwork, kindOf, type SweepModel, seedsOf } from './sweep-models.ts'

/** One training of a sweep: numbers of the row and the split, and the file of its outcome. Plain, so that it can be sent to another process. */
export interface SweepJob {
  entry: number
  fold: number
  seed: number
  file: string
}

/** Every training of a sweep, row by row. */
export function listJobs(
  models: readonly SweepModel[],
  windows: EegWindows,
  splits: readonly Split[],
  folder: string,
): SweepJob[] {
  const digests = Array.from(windows.labels, (_, index) => windowDigest(windows, index))
  const folds = splits.map((split) => digest(windows.classNames, windows.channelNames, partsOf(split, digests)))
  return models.flatMap((model, entry) => {
    const shape = digest(packageVersion(), shapeOf(model))
    return seedsOf(model).flatMap((seed) =>
      splits.map((split, fold) => {
        const key = digest(shape, folds[fold], seed).slice(0, 16)
        const file = join(folder, plain(model.name), `${plain(split.name)}-seed-${seed}-${key}.json`)
        return { entry, fold, seed, file }
      }),
    )
  })
}

/** @throws EegTorchError `INVALID_OPTION` for options that cannot be told from others, `FILE_NOT_FOUND` for weights that are not there */
function shapeOf(row: SweepModel): unknown {
  const { configuration } = row
  if (!isNetwork(row)) return [kindOf(row), configuration]
  // Where it computes shapes no training.
  const { pipeline, startFrom, device, resident, ...others } = row.options
  // Weights that were trained anew lie where the others lay.
  const weights = startFrom === undefined ? [] : [fileIdentity(startFrom)]
  if (configuration !== undefined) return [kindOf(row), configuration, ...weights]
  const [unclear] = Object.entries(others).find(([, value]) => typeof value === 'function') ?? []
  if (unclear === undefined) return [kindOf(row), pipeline?.hash, others, ...weights]
  throw new EegTorchError('INVALID_OPTION', `the outcomes of ${row.name} cannot be found again by a function`, {
    option: unclear,
    expected: 'configuration: all that shapes the trainings, as plain values',
  })
}

function windowDigest(windows: EegWindows, index: number): string {
  const { buffer, byteOffset, byteLength } = windows.window(index)
  const { name } = windows.recordingOf(index)
  const place = [name, windows.trial(index), windows.labels[index], windows.samplingRate, windows.nSamples]
  const samples = new Uint8Array(buffer, byteOffset, byteLength)
  return createHash('sha256').update(JSON.stringify(place)).update(samples).digest('hex')
}

const partsOf = ({ train, validation = [], test }: Split, digests: readonly string[]) =>
  [train, validation, test].map((part) => part.map((index) => digests[index]))

function digest(...parts: unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

/** A name that a file may have. */
function plain(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9._-]+/g, '-').replace(/^\.+/, '') || 'unnamed'
}
