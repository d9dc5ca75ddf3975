import { relative, sep } from 'node:path'
import { findFiles } from '../files/find-files.ts'
import type { FileOptions } from '../recordings/file-options.ts'
import { openRecording } from '../recordings/formats.ts'
import type { Recording } from '../recordings/recording.ts'

/** Files of a folder, and of those inside it, whose path from the folder matches; sorted, with what the pattern found. */
export async function matchFiles(
  folder: string,
  pattern: RegExp,
  keep: (match: RegExpExecArray) => boolean = () => true,
): Promise<{ file: string; match: RegExpExecArray }[]> {
  const files = await findFiles(folder, [''])
  return files.flatMap((file) => {
    const match = pattern.exec(relative(folder, file).split(sep).join('/'))
    return match !== null && keep(match) ? [{ file, match }] : []
  })
}

/** Opens the recordings among the files of a folder whose path matches. */
export async function openFiles(
  folder: string,
  pattern: RegExp,
  keep?: (match: RegExpExecArray) => boolean,
  options: FileOptions = {},
): Promise<Recording[]> {
  const recordings: Recording[] = []
  for (const { file } of await matchFiles(folder, pattern, keep)) recordings.push(await openRecording(file, options))
  return recordings
}
