import { invalid } from './invalid.ts'
import type { Channel } from './recording.ts'

/** A channel with the rate that most EEG channels have, or most channels where none is EEG. */
export function mainChannel(channels: readonly Pick<Channel, 'type' | 'samplingRate'>[]): number {
  const eeg = channels.filter(({ type }) => type === 'eeg')
  const counts = new Map<number, number>()
  for (const { samplingRate } of eeg.length > 0 ? eeg : channels) {
    counts.set(samplingRate, (counts.get(samplingRate) ?? 0) + 1)
  }
  const [rate] = [...counts].reduce((best, entry) => (entry[1] > best[1] ? entry : best))
  return channels.findIndex(({ samplingRate }) => samplingRate === rate)
}

/** Hertz beyond which a header is garbage, and positions in seconds would lose their precision. */
export const SLOWEST = 1e-6
export const FASTEST = 1e9

/** Refuses a rate of 0, none at all, or one that no recorder has. @throws EegTorchError `FILE_INVALID` */
export function requireRate(rate: number, file: string): void {
  if (rate >= SLOWEST && rate <= FASTEST) return
  throw invalid(file, 'the sampling rate is not usable', `${SLOWEST} to ${FASTEST} Hz`, `${rate} Hz`)
}

/** A rate that misses a whole number by rounding only is that number. */
export function roundRate(rate: number): number {
  const whole = Math.round(rate)
  return Math.abs(rate - whole) < 1e-9 * whole ? whole : rate
}
