import type { RecordingEvent } from './recording.ts'

// Taken once: a look-up of a global for each sample is slow inside a vm context.
const { abs, trunc } = Math

/**
 * Events of a trigger channel, as MNE-Python's `find_events` takes them by default: each sample at which the value rises. A value
 * that is there from the first sample on is no event, since nobody saw it begin; its sign does not count.
 *
 * @param mask bits that count as trigger
 */
export function stimEvents(
  samples: Float64Array,
  samplingRate: number,
  mask: number = 0xffff_ffff,
): Omit<RecordingEvent, 'sample'>[] {
  const events: Omit<RecordingEvent, 'sample'>[] = []
  const value = (i: number) => (abs(trunc(samples[i]!)) & mask) >>> 0
  for (let i = 1; i < samples.length; i++) {
    const now = value(i)
    if (now > 0 && now > value(i - 1)) events.push({ onset: i / samplingRate, duration: 0, label: String(now) })
  }
  return events
}
