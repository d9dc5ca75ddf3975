import { noGrad } from '../autograd.ts'
import { fromTypedArray } from '../creation.ts'
import { asyncSignal } from '../signal/index.ts'
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
  /** Time of the first sample against the cue, in seconds, where it is known. */
  from?: number
}

/** Where motor imagery shows first, then the midline; a montage without these gives channels spread over its list. */
const PREFERRED = ['C3', 'Cz', 'C4', 'Fz', 'Pz', 'Oz', 'Fp1', 'O1']

/**
 * Picks what a report shows of the signals: the first window of a class in several channels, and the mean over the windows
 * of each class, as signals and as power spectra.
 *
 * @param windows the windows of a run; means use all of them, or the first 2,000, spectra the first 200 of a class
 * @param options class names, and how many channels to show (6)
 */
export async function exampleSignals(
  windows: SignalWindows,
  { classes, channels = 6 }: { classes: readonly string[]; channels?: number },
): Promise<ExampleSignals> {
  const shown = chooseChannels(windows.channelNames.slice(0, windows.nChannels), channels)
  const used = Math.min(windows.labels.length, 2000)
  const members = classes.map((_, c) =>
    Array.from({ length: used }, (_, i) => i).filter((i) => windows.labels[i] === c),
  )
  const present = classes.flatMap((label, c) => (members[c]!.length > 0 ? [{ label, windows: members[c]! }] : []))
  const first = present[0] ?? { label: '', windows: [0] }
  const segment = 2 ** Math.floor(Math.log2(Math.min(windows.nSamples, 2 * windows.samplingRate)))
  return {
    samplingRate: windows.samplingRate,
    ...(windows.from !== undefined && { from: windows.from }),
    channels: shown.map((channel) => windows.channelNames[channel]!),
    trial: {
      title: first.label,
      samples: shown.map((channel) => meanSignal(windows, first.windows.slice(0, 1), channel)),
    },
    averages: present.map(({ label, windows: group }) => ({
      label,
      trials: group.length,
      samples: shown.map((channel) => meanSignal(windows, group, channel)),
    })),
    // Fewer than 32 samples hold no spectrum worth looking at.
    ...(segment >= 32 && {
      spectra: {
        resolution: windows.samplingRate / segment,
        classes: await Promise.all(
          present.map(async ({ label, windows: group }) => ({
            label,
            density: await meanSpectra(windows, group.slice(0, 200), shown, segment),
          })),
        ),
      },
    }),
  }
}

function chooseChannels(names: readonly string[], count: number): number[] {
  const find = (name: string) => names.findIndex((other) => other.toLowerCase() === name.toLowerCase())
  const preferred = PREFERRED.map(find).filter((i) => i !== -1)
  const spread = Array.from({ length: count }, (_, i) => Math.floor((i * names.length) / count))
  return [...new Set([...preferred, ...spread])].slice(0, Math.min(count, names.length))
}

function meanSignal(windows: SignalWindows, members: readonly number[], channel: number): number[] {
  const total = new Array<number>(windows.nSamples).fill(0)
  for (const window of members) {
    for (const [i, value] of signalOf(windows, window, channel).entries()) total[i]! += value / members.length
  }
  return total.map(short)
}

/** Of each channel up to 45 Hz, where mains hum begins. */
async function meanSpectra(
  windows: SignalWindows,
  members: readonly number[],
  channels: readonly number[],
  segment: number,
): Promise<number[][]> {
  const { nSamples, samplingRate } = windows
  const values = new Float64Array(channels.length * members.length * nSamples)
  const signals = channels.flatMap((channel) => members.map((window) => signalOf(windows, window, channel)))
  for (const [i, samples] of signals.entries()) values.set(samples, i * nSamples)
  using x = fromTypedArray(values, { shape: [channels.length, members.length, nSamples] })
  const { power } = await asyncSignal.welch(x, {
    samplingRate,
    segment,
    range: [0, Math.max(45, samplingRate / segment)],
  })
  using spectra = power
  using mean = noGrad(() => spectra.mean(1))
  return (mean.toArray() as number[][]).map((density) => density.map(short))
}

function signalOf({ data, nChannels, nSamples }: SignalWindows, window: number, channel: number) {
  const start = (window * nChannels + channel) * nSamples
  return data.subarray(start, start + nSamples)
}

/** Five digits are plenty for a picture, and keep files small. */
function short(value: number): number {
  return Number(value.toPrecision(5))
}
