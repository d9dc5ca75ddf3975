import type { RecordingParts } from '../recording.ts'
import { stimEvents } from '../stim-events.ts'
import { flatNumbers, type NamedArrays } from './named-arrays.ts'

/** Sizes that events are placed by. */
interface Timing {
  samplingRate: number
  nTrials: number
  perTrial: number
  nSamples: number
  warnings: string[]
}

/**
 * Events of arrays: `event_onset`, `event_duration` (seconds) and `event_label`; else `event_sample` and `event_code`, whose numbers from
 * 1 on (from 0 where arrays count so) stand for `event_names`; else a class for each trial (`y`, its names in
 * `classes`), at `tmin` before the trial's start; else a trigger channel `stim` as long as the recording.
 */
export function eventsOf(arrays: NamedArrays, timing: Timing): RecordingParts['events'] {
  const numbersOf = (name: string) => {
    const found = arrays.numbers.get(name)
    return found === undefined ? undefined : flatNumbers(found)
  }
  const [onsets, labels] = [numbersOf('event_onset'), arrays.texts.get('event_label')]
  if (onsets !== undefined && labels !== undefined && onsets.length === labels.length) {
    const durations = numbersOf('event_duration')
    return labels.map((label, i) => ({ onset: onsets[i]!, duration: durations?.[i] ?? 0, label }))
  }
  const [samples, codes] = [numbersOf('event_sample'), numbersOf('event_code')]
  if (samples !== undefined && codes !== undefined && samples.length === codes.length) {
    const names = arrays.texts.get('event_names')
    return Array.from(samples, (sample, i) => ({
      onset: (sample - arrays.firstSample) / timing.samplingRate,
      duration: 0,
      label: names?.[codes[i]! - arrays.firstSample] ?? String(codes[i]),
    }))
  }
  const classes = numbersOf('y') ?? numbersOf('labels')
  if (classes !== undefined && classes.length === timing.nTrials && timing.nTrials > 1) {
    return trialEvents(classes, arrays.texts.get('classes'), numbersOf('tmin')?.[0] ?? 0, timing)
  }
  const stim = numbersOf('stim')
  return stim?.length === timing.nSamples ? stimEvents(stim, timing.samplingRate) : []
}

function trialEvents(
  classes: Float64Array,
  names: readonly string[] | undefined,
  tmin: number,
  { samplingRate, perTrial, warnings }: Timing,
): RecordingParts['events'] {
  const isInside = tmin <= 0 && -tmin * samplingRate < perTrial
  if (!isInside) warnings.push(`Trials do not contain their event (tmin ${tmin} s): events stand at the start of each.`)
  const offset = isInside ? -tmin : 0
  return Array.from(classes, (code, i) => ({
    onset: (i * perTrial) / samplingRate + offset,
    duration: 0,
    label: names?.[code] ?? String(code),
  }))
}
