import { defined } from '../defined.ts'
import { EegTorchError } from '../errors.ts'
import type { EegWindows } from './windows.ts'

/** Says which channels of windows in memory hold what is no number, and in how many windows; undefined where none does. */
export function toldNotNumbers({ data, channelNames, nSamples, nChannels, length }: EegWindows): string | undefined {
  const [channels, windows] = [new Set<string>(), new Set<number>()]
  for (let row = 0; row < length * nChannels; row++) {
    let sum = 0
    for (let i = row * nSamples; i < (row + 1) * nSamples; i++) sum += data[i]! - data[i]!
    if (sum === 0) continue
    channels.add(channelNames[row % nChannels]!)
    windows.add(Math.floor(row / nChannels))
  }
  if (windows.size === 0) return undefined
  const names = [...channels].slice(0, 8).join(', ') + (channels.size > 8 ? ` and ${channels.size - 8} more` : '')
  return `${windows.size} of ${length} windows hold values that are no numbers (${names}); a filter spreads one over all that it sees`
}

/** The refusal of a window. @param place of the sample in its window */
export function notNumbers(
  windows: EegWindows,
  index: number,
  place: number,
  value: number,
  file?: string,
): EegTorchError {
  const channel = windows.channelNames[Math.floor(place / windows.nSamples)]
  const where = `${windows.recordingOf(index).name} trial ${windows.trial(index)}, channel ${channel}`
  return new EegTorchError('FILE_INVALID', `a window holds values that are no numbers (${where})`, {
    ...defined({ file }),
    expected: `finite samples: leave the window out${file === undefined ? '' : ' when the store is made'}`,
    received: String(value),
  })
}
