import { EegTorchError } from '../errors.ts'
import { findFiles } from '../files/find-files.ts'
import type { FileOptions } from '../recordings/file-options.ts'
import { isSecondary, openRecording, RECORDING_ENDINGS } from '../recordings/formats.ts'
import type { Recording, RecordingMetadata } from '../recordings/recording.ts'
import { Recordings } from './recordings.ts'
import { withEegmmidbMeanings } from './sets/eegmmidb-tasks.ts'

/** How to read recordings. */
export interface ReadRecordingOptions extends FileOptions {
  /** Subject, session and run of a file, where its name does not tell; what it leaves out is taken from the name. */
  metadata?: (file: string) => RecordingMetadata
}

/**
 * Opens one recording of any format that docs/recordings.md lists, known by its content. Samples stay in the file until they are read. Events of known data sets get their meanings.
 *
 * @throws EegTorchError `FILE_NOT_FOUND`, `FILE_TRUNCATED`, `FILE_INVALID` or `FILE_UNSUPPORTED`
 */
export async function readRecording(file: string, options: ReadRecordingOptions = {}): Promise<Recording> {
  const recording = await openRecording(file, options)
  return withEegmmidbMeanings(
    options.metadata === undefined ? recording : recording.withMetadata(options.metadata(file)),
  )
}

/**
 * Opens many recordings, sorted by path (numbers by value, `ses-2` before `ses-10`): a folder (and those inside it), a pattern such as `eegmmidb/S00?R*.edf` or `data/**`,
 * a file, or a list of these.
 *
 * @throws EegTorchError `FILE_NOT_FOUND` if a part of the list matches nothing; the first error of any file
 */
export async function readAll(
  paths: string | readonly string[],
  options: ReadRecordingOptions = {},
): Promise<Recordings> {
  const files = new Set<string>()
  for (const path of typeof paths === 'string' ? [paths] : paths) {
    const found = await findFiles(path, RECORDING_ENDINGS)
    if (found.length === 0) {
      throw new EegTorchError('FILE_NOT_FOUND', `${path}: there are no recordings`, {
        expected: `files ending in ${RECORDING_ENDINGS.join(', ')}`,
        received: 'none',
      })
    }
    const isNamed = found.length === 1 && found[0] === path
    for (const file of found) if (isNamed || !isSecondary(file, path)) files.add(file)
  }
  const recordings: Recording[] = []
  for (const file of files) recordings.push(await readRecording(file, options))
  return new Recordings(recordings)
}
