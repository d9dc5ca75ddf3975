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
