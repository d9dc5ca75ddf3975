import { openDataset } from '../datasets/open-dataset.ts'
import { readAll } from '../datasets/read-all.ts'
import type { Recordings } from '../datasets/recordings.ts'
import { defined } from '../defined.ts'
import { EegTorchError } from '../errors.ts'
import type { FileOptions } from '../recordings/file-options.ts'

/** What files may not say of themselves. */
type Unsaid = { [K in keyof Omit<FileOptions, 'truncated'>]?: FileOptions[K] | undefined } & {
  subject?: string | undefined
  session?: string | undefined
}

/** Where recordings are, in words by which other processes find them too. */
export interface RecordingSource {
  /** Folders, files or patterns; with `dataset`, its folder. */
  data: string | readonly string[]
  /** A data set by its name, or a YAML file that describes one. */
  dataset?: string | undefined
  read?: Unsaid | undefined
}

/**
 * Opens recordings by where they are, with what the reader of a data set had to assume.
 *
 * @throws EegTorchError as `readAll` and `openDataset`
 */
export async function openSource({
  dataset,
  data,
  read = {},
}: RecordingSource): Promise<{ recordings: Recordings; warnings: readonly string[] }> {
  if (dataset !== undefined) return openDataset(dataset, folderOf(data))
  const { subject, session, ...file } = read
  const options = { ...defined(file), metadata: () => defined({ subject, session }) }
  return { recordings: await readAll(data, options), warnings: [] }
}

function folderOf(data: RecordingSource['data']): { folder?: string } {
  const [folder, ...more] = typeof data === 'string' ? [data] : data
  if (more.length === 0) return defined({ folder })
  throw new EegTorchError('INVALID_OPTION', 'a data set lies in one folder', {
    option: 'data',
    expected: 'one folder',
    received: `${more.length + 1} paths`,
  })
}
