import { resolve } from 'node:path'
import { datasetFolder, findOrDescribe } from '../datasets/open-dataset.ts'

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
