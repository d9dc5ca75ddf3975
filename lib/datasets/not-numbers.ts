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

/**
 * Refuses windows of which a network would make nothing but what is no number. One is in memory at a time.
 *
 * @param count of the windows, from the first on
 * @throws EegTorchError `FILE_INVALID` naming the first such trial and its channel
 */
export function requireNumbers(windows: EegWindows, file: string, count = windows.length): void {
  const { nSamples, channelNames } = windows
  for (let row = 0; row < Math.min(count, windows.length); row++) {
    const { data } = windows.batch([row])
    const place = data.findIndex((value) => !Number.isFinite(value))
    if (place < 0) continue
    const { recording, trial } = windows.origins[row]!
    const where = `${windows.recordings[recording]!.name} trial ${trial}, channel ${channelNames[Math.floor(place / nSamples)]}`
    throw new EegTorchError('FILE_INVALID', `a window holds values that are no numbers (${where})`, {
      ...{
        file,
        expected: 'finite samples: leave the window out when the store is made',
        received: String(data[place]),
      },
    })
  }
}
