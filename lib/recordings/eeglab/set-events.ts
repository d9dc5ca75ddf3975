import { itemsIn, type MatValue, numberIn, textIn } from '../matlab/values.ts'
import type { RecordingParts } from '../recording.ts'
import type { EegSet } from './eeglab.ts'

/** Events in seconds, and the samples at which the recording begins again after something was cut out. */
export interface SetEvents {
  readonly events: RecordingParts['events']
  readonly boundaries: readonly number[]
}

/** Latencies count from 1 in samples; a boundary lies between two of them. Events without a latency are left out. */
export function readEvents({ fields, warnings }: EegSet, samplingRate: number): SetEvents {
  const items = itemsIn(fields.get('event'))
  const timed = items.flatMap((item) => {
    const latency = numberIn(item.get('latency'))
    return latency === undefined || !Number.isFinite(latency) ? [] : [{ item, start: latency - 1 }]
  })
  if (timed.length < items.length)
    warnings.push(`${items.length - timed.length} events have no latency and were left out.`)
  const events = timed.map(({ item, start }) => {
    const duration = numberIn(item.get('duration')) ?? 0
    return {
      onset: start / samplingRate,
      duration: duration > 0 && Number.isFinite(duration) ? duration / samplingRate : 0,
      label: labelOf(item.get('type')),
    }
  })
  const boundaries = timed.filter(({ item }) => labelOf(item.get('type')) === 'boundary')
  return { events, boundaries: boundaries.map(({ start }) => Math.ceil(start)) }
}

const labelOf = (type: MatValue | undefined) => textIn(type) ?? numberIn(type)?.toString() ?? ''
