import { resolve } from 'node:path'
import { datasetFolder, findOrDescribe, openDataset } from '../datasets/open-dataset.ts'
import type { Recordings } from '../datasets/recordings.ts'
import { EegTorchError } from '../errors.ts'

/**
 * Puts what a data set says under what a person said: where its files are, and (but for a pipeline that says) its window and band.
 *
 * @throws EegTorchError as `openDataset` does for a name or a description that is wrong
 */
export async function withDataset(said: Record<string, unknown>): Promise<Record<string, unknown>> {
  const { dataset: source, pipeline } = said
  if (typeof source !== 'string') return said
  const { card, window, band } = await findOrDescribe(source)
  const dataset = /\.ya?ml$/i.test(source) ? resolve(source) : card.name
  const cut = pipeline === undefined ? { window, band: band ?? null } : {}
  return { data: datasetFolder(dataset), ...cut, ...said, dataset }
}

/** Opens the data set of a configuration, and says what its reader had to assume. */
export async function openConfigured(dataset: string, data: string | readonly string[]): Promise<Recordings> {
  const [folder, ...more] = typeof data === 'string' ? [data] : data
  if (more.length > 0) {
    throw new EegTorchError('INVALID_OPTION', 'a data set lies in one folder', {
      option: 'data',
      expected: 'one folder',
      received: `${more.length + 1} paths`,
    })
  }
  const { recordings, warnings } = await openDataset(dataset, folder === undefined ? {} : { folder })
  for (const sentence of warnings) console.error(`warning: ${sentence}`)
  return recordings
}
