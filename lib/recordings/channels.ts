import type { Channel, ChannelType } from './recording.ts'

const ROWS: readonly [row: string, columns: string][] = [
  ['N', '1 z 2'],
  ['Fp', '1 z 2'],
  ['AF', '9 7 5 3 1 z 2 4 6 8 10'],
  ['F', '9 7 5 3 1 z 2 4 6 8 10'],
  ['FT', '9 7 8 10'],
  ['FC', '5 3 1 z 2 4 6'],
  ['T', '9 7 8 10 3 4 5 6'],
  ['C', '5 3 1 z 2 4 6'],
  ['TP', '9 7 8 10'],
  ['CP', '5 3 1 z 2 4 6'],
  ['P', '9 7 5 3 1 z 2 4 6 8 10'],
  ['PO', '9 7 5 3 1 z 2 4 6 8 10'],
  ['O', '1 z 2'],
  ['I', '1 z 2'],
  ['A', '1 2'],
  ['M', '1 2'],
]

/** Electrode names of the 10-10 system in their usual spelling, by their lower-case form; T3 to T6 are the 10-20 names of T7 to P8. */
const TEN_TEN = new Map(
  ROWS.flatMap(([row, columns]) => columns.split(' ').map((column) => `${row}${column}`)).map((name) => [
    name.toLowerCase(),
    name,
  ]),
)

const PATTERNS: readonly [ChannelType, RegExp][] = [
  ['eog', /^(eog|heog|veog|[lr]oc|blink)/i],
  ['ecg', /^(ecg|ekg)/i],
  ['emg', /^emg/i],
  ['stim', /^(status|trigger|trig|stim|sti ?\d|marker|event)/i],
]

/** The 10-10 spelling of an electrode label (`Fc5.` and `EEG FC5-REF` are `FC5`), or undefined if it is none. */
function electrodeName(label: string): string | undefined {
  const bare = label
    .trim()
    .replace(/^EEG[ :_-]+/i, '')
    .replace(/[-\s](REF|LE|AR|AVG)$/i, '')
    .replace(/\.+$/, '')
  return TEN_TEN.get(bare.toLowerCase())
}

/** Whether a name is an electrode of the 10-10 system in its usual spelling. */
export function isElectrodeName(name: string): boolean {
  return TEN_TEN.get(name.toLowerCase()) === name
}

const ELECTRIC: ReadonlySet<ChannelType> = new Set(['eeg', 'eog', 'ecg', 'emg'])

/** Whether a channel measures voltage: what filters treat. */
export const isElectric = ({ type }: Pick<Channel, 'type'>): boolean => ELECTRIC.has(type)

/** What a channel measures, judged by its label and by whether its unit is electric (or unknown). */
export function channelType(label: string, isElectric: boolean): ChannelType {
  if (electrodeName(label) !== undefined) return isElectric ? 'eeg' : 'misc'
  const match = PATTERNS.find(([, pattern]) => pattern.test(label.trim()))
  if (match !== undefined) return match[0] === 'stim' || isElectric ? match[0] : 'misc'
  return isElectric ? 'eeg' : 'misc'
}

/** Display names for labels: electrodes in 10-10 spelling, others as they are; a name met again gets `-1`, `-2`, ... */
export function channelNames(labels: readonly string[]): string[] {
  const used = new Set<string>()
  return labels.map((label, index) => {
    const base = electrodeName(label) ?? (label.trim() || `channel ${index + 1}`)
    let name = base
    for (let copy = 1; used.has(name); copy++) name = `${base}-${copy}`
    used.add(name)
    return name
  })
}
