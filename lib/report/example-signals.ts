import type { ExampleSignals } from './run-report.ts'

/** Windows to choose examples from. */
export interface SignalWindows {
  /** Volts, shape (windows, channels, samples). */
  data: Float32Array | Float64Array
  nChannels: number
  nSamples: number
  /** Class of each window. */
  labels: ArrayLike<number>
  samplingRate: number
  channelNames: readonly string[]
  /** Time of the first sample against the cue, in seconds; 0 by default. */
  from?: number
}

/** Where motor imagery shows first, then the midline; a montage without these gives channels spread over its list. */
const PREFERRED = ['C3', 'Cz', 'C4', 'Fz', 'Pz', 'Oz', 'Fp1', 'O1']

/**
 * Picks what a report shows of the signals: the first window of a class in several channels, and the mean over the windows
 * of each class.
 *
 * @param windows the windows of a run; averages use all of them, or the first 2,000
 * @param options class names, and how many channels to show (6)
 */
export function exampleSignals(
  windows: SignalWindows,
  { classes, channels = 6 }: { classes: readonly string[]; channels?: number },
): ExampleSignals {
  const shown = chooseChannels(windows.channelNames.slice(0, windows.nChannels), channels)
  const used = Math.min(windows.labels.length, 2000)
  const members = classes.map((_, c) =>
    Array.from({ length: used }, (_, i) => i).filter((i) => windows.labels[i] === c),
  )
  const firstClass = Math.max(
    0,
    members.findIndex((list) => list.length > 0),
  )
  const first = members[firstClass]?.[0] ?? 0
  return {
    samplingRate: windows.samplingRate,
    from: windows.from ?? 0,
    channels: shown.map((channel) => windows.channelNames[channel]!),
    trial: {
      title: classes[firstClass] ?? '',
      samples: shown.map((channel) => meanSignal(windows, [first], channel)),
    },
    averages: classes
      .map((label, c) => ({
        label,
        trials: members[c]!.length,
        samples: shown.map((channel) => meanSignal(windows, members[c]!, channel)),
      }))
      .filter(({ trials }) => trials > 0),
  }
}

function chooseChannels(names: readonly string[], count: number): number[] {
  const find = (name: string) => names.findIndex((other) => other.toLowerCase() === name.toLowerCase())
  const preferred = PREFERRED.map(find).filter((i) => i !== -1)
  const spread = Array.from({ length: count }, (_, i) => Math.floor((i * names.length) / count))
  return [...new Set([...preferred, ...spread])].slice(0, Math.min(count, names.length))
}

function meanSignal(windows: SignalWindows, members: readonly number[], channel: number): number[] {
  const { data, nChannels, nSamples } = windows
  const total = new Array<number>(nSamples).fill(0)
  for (const window of members) {
    const start = (window * nChannels + channel) * nSamples
    for (let i = 0; i < nSamples; i++) total[i]! += data[start + i]! / members.length
  }
  return total
}
