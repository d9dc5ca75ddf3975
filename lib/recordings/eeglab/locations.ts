import type { Position } from '../../electrodes.ts'
import { channelType } from '../channels.ts'
import { itemsIn, type MatValue, numberIn, textIn } from '../matlab/values.ts'
import type { ChannelType } from '../recording.ts'
import type { EegSet } from './eeglab.ts'

/** What `chanlocs` says about a channel. */
export interface Location {
  readonly label: string
  readonly type: ChannelType
  /** Metres. */
  readonly position?: Position
}

const TYPES: ReadonlySet<string> = new Set(['eeg', 'eog', 'ecg', 'emg', 'stim', 'misc'] satisfies ChannelType[])

/**
 * Names, types and places of the channels. EEGLAB's x points to the nose and its y to the left ear; the unit is judged by the size
 * of the head, as MNE-Python judges it.
 */
export function describeLocations({ fields, warnings }: EegSet, nChannels: number): Location[] {
  const items = itemsIn(fields.get('chanlocs'))
  if (items.length > 0 && items.length !== nChannels) {
    warnings.push(
      `The set describes ${items.length} channels and holds ${nChannels}: the others have numbers for names.`,
    )
  }
  const described = Array.from({ length: nChannels }, (_, i) => items[i] ?? new Map<string, MatValue>())
  const places = described.map(electrodeOf)
  const scale = metresPer(places)
  return described.map((item, i) => {
    const label = textIn(item.get('labels')) ?? numberIn(item.get('labels'))?.toString() ?? ''
    const type = (textIn(item.get('type')) ?? '').trim().toLowerCase()
    const place = places[i]
    const named = label || `EEG ${String(i).padStart(3, '0')}`
    return {
      label: named,
      type: TYPES.has(type) ? (type as ChannelType) : channelType(named, true),
      ...(place === undefined ? {} : { position: [place[0] * scale, place[1] * scale, place[2] * scale] }),
    }
  })
}

function electrodeOf(item: ReadonlyMap<string, MatValue>): Position | undefined {
  const [x, y, z] = ['X', 'Y', 'Z'].map((axis) => numberIn(item.get(axis)) ?? Number.NaN)
  return Number.isFinite(x! + y! + z!) ? [-y!, x!, z!] : undefined
}

function metresPer(places: readonly (Position | undefined)[]): number {
  const radii = places.flatMap((place) => (place === undefined ? [] : [Math.hypot(...place)]))
  const mean = radii.reduce((sum, radius) => sum + radius, 0) / radii.length
  if (mean < 0.25) return 1
  if (mean < 2.5) return 0.1
  return mean < 25 ? 0.01 : 0.001
}
