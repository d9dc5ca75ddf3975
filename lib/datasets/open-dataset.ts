import { stat } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { EegTorchError } from '../errors.ts'
import type { Recording } from '../recordings/recording.ts'
import { Dataset, type KnownDataset, type OpenOptions } from './dataset.ts'
import { type DatasetDescription, describedDataset, readDescription } from './description.ts'
import { Recordings } from './recordings.ts'
import { findDataset, knownDatasets, rememberDataset } from './registry.ts'

/** How to open a data set. */
export interface OpenDatasetOptions extends OpenOptions {
  /** Where its files are; default {@link datasetFolder}. */
  folder?: string
}

/**
 * Opens a data set: by name, one of {@link datasetCards}; by the YAML file that describes any other folder of recordings; or by such a description
 * itself. Samples stay in the files; recordings know their subject, session and run, events their meaning and stimulus.
 *
 * @throws EegTorchError `UNKNOWN_NAME`, `FILE_NOT_FOUND` where the folder or a subject is missing, `INVALID_OPTION` for a wrong description,
 *   and what the readers throw
 */
export async function openDataset(
  source: string | DatasetDescription,
  { folder, subjects }: OpenDatasetOptions = {},
): Promise<Dataset> {
  const known = await findOrDescribe(source)
  const place = folder ?? datasetFolder(source)
  if (!(await stat(place).catch(() => undefined))?.isDirectory()) throw noFolder(place, known)
  const isAll = subjects === undefined
  const recordings = await known.open(place, { isAll, has: (subject) => isAll || subjects.includes(subject) })
  const { name } = known.card
  const missing = subjects?.find((subject) => !recordings.some((recording) => recording.subject === subject))
  if (missing !== undefined || recordings.length === 0) {
    throw new EegTorchError('FILE_NOT_FOUND', `${place} holds no recording of ${missing ?? name}`, {
      expected: known.card.layout,
      received: recordings.length === 0 ? 'nothing of that kind' : `subjects ${subjectsOf(recordings).join(', ')}`,
    })
  }
  return new Dataset(
    known,
    new Recordings(withOwnNames(recordings, place).map((one) => one.withMetadata({ dataset: name }))),
  )
}

/** By its name a checkpoint remembers a recording: those of one name are called by their path. */
function withOwnNames(recordings: readonly Recording[], folder: string): Recording[] {
  const count = new Map<string, number>()
  for (const { name } of recordings) count.set(name, (count.get(name) ?? 0) + 1)
  return recordings.map((recording) => {
    const { name, file } = recording
    if (count.get(name) === 1 || file === undefined) return recording
    const path = relative(folder, file).split(sep).slice(0, -1)
    return recording.describedBy({ name: [...path, name].join('/') })
  })
}

/** Where a data set is looked for: the folder of its description, else `NAME` inside `data`, or inside the folder that `EEGTORCH_DATASETS` names. */
export function datasetFolder(source: string | DatasetDescription): string {
  if (typeof source !== 'string') return '.'
  if (isFile(source)) return dirname(source)
  return join(process.env.EEGTORCH_DATASETS || 'data', findDataset(source)?.card.name ?? source)
}

/** What is known of a data set without opening it. @throws EegTorchError as {@link openDataset} */
export async function findOrDescribe(source: string | DatasetDescription): Promise<KnownDataset> {
  const known = typeof source === 'string' ? findDataset(source) : undefined
  if (known !== undefined) return known
  if (typeof source === 'string' && !isFile(source)) {
    throw new EegTorchError('UNKNOWN_NAME', `no data set is called ${source}`, {
      option: 'dataset',
      expected: `${knownDatasets.map(({ card }) => card.name).join(', ')}, or a YAML file that describes one`,
      received: source,
    })
  }
  const described = describedDataset(typeof source === 'string' ? await readDescription(source) : source)
  rememberDataset(described)
  return described
}

const isFile = (source: string) => /\.ya?ml$/i.test(source)

function noFolder(place: string, { card, remote }: KnownDataset): EegTorchError {
  const advice = remote === undefined ? (card.byHand ?? 'the folder of its files') : `eegtorch fetch ${card.name}`
  return new EegTorchError('FILE_NOT_FOUND', `there is no folder ${place}`, {
    expected: `${card.layout} (${advice})`,
    received: 'nothing there',
  })
}

const subjectsOf = (recordings: readonly Recording[]) => [...new Set(recordings.map(({ subject }) => subject ?? '?'))]
