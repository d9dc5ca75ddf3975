import { existsSync, readdirSync } from 'node:fs'
import { join, parse } from 'node:path'
import type { EegWindows } from '../datasets/windows.ts'
import { EegTorchError } from '../errors.ts'
import type { PictureWork } from '../generation/generate-pictures.ts'

/** The pictures of the first trials of a store. */
export function workOfWindows(windows: EegWindows, n = windows.length, stimuli?: string): PictureWork[] {
  const find = stimuli === undefined ? undefined : stimulusFinder(stimuli)
  return Array.from({ length: Math.min(n, windows.length) }, (_, i) => {
    const { name, subject, session, run } = windows.recordingOf(i)
    const { trial, start, stimulus, label } = windows.origins[i]!
    const truth = windows.classNames[label]!
    const parts = [subject, session, run, name].filter((part) => part !== undefined)
    const seen = find?.(stimulus, truth)
    return { trial: `${parts.join('/')} trial ${trial} sample ${start}`, number: i, true: truth, stimulus: seen }
  })
}

/** The file of a stimulus: that of its own name, else of its class, alone or after an underscore (`Animal_dog.jpg`). */
function stimulusFinder(folder: string): (stimulus: string | undefined, className: string) => string {
  if (!existsSync(folder)) throw new EegTorchError('FILE_NOT_FOUND', 'there is no folder of stimuli', { file: folder })
  const files = readdirSync(folder).sort()
  return (stimulus, className) => {
    for (const wanted of [stimulus, className]) {
      if (wanted === undefined) continue
      const stem = parse(wanted).name.toLowerCase()
      const found =
        files.find((file) => parse(file).name.toLowerCase() === stem) ??
        files.find((file) => parse(file).name.toLowerCase().endsWith(`_${stem}`))
      if (found !== undefined) return join(folder, found)
    }
    throw new EegTorchError('FILE_NOT_FOUND', `there is no picture of ${stimulus ?? className}`, {
      file: folder,
      expected: `a file named ${className}, with the extension of a picture`,
    })
  }
}
