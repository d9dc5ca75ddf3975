import { isElectrodeName } from './channels.ts'
import { examineSignal, type SignalQuality } from './quality.ts'
import type { Recording } from './recording.ts'

/** What there is to know about a recording at a glance. */
export interface RecordingSummary {
  readonly name: string
  readonly format: string
  readonly simulated: boolean
  readonly channels: readonly {
    readonly name: string
    readonly type: string
    readonly unit: string
    readonly samplingRate: number
  }[]
  /** EEG channels whose names are 10-10 electrodes. */
  readonly tenTen: number
  /** EEG channels. */
  readonly eeg: number
  /** Hertz. */
  readonly samplingRate: number
  /** Seconds. */
  readonly duration: number
  /** Gaps between stretches of a discontinuous recording. */
  readonly gaps: number
  /** Stretches: of a discontinuous recording, between pauses of unknown length, or epochs. */
  readonly segments: number
  readonly subject?: string
  readonly session?: string
  readonly run?: string
  /** How often each label occurs, and what it stands for where that is known; in order of labels. */
  readonly events: readonly { readonly label: string; readonly meaning?: string; readonly count: number }[]
  readonly quality: SignalQuality
  /** What the reader had to assume, repair or leave out. */
  readonly warnings: readonly string[]
}

/** Summarises a recording; reads up to a minute of its signal. */
export function inspectRecording(recording: Recording): RecordingSummary {
  const eeg = recording.channels.filter(({ type }) => type === 'eeg')
  const { subject, session, run } = recording
  return {
    name: recording.name,
    format: recording.format,
    simulated: recording.simulated,
    channels: recording.channels.map(({ name, type, unit, samplingRate }) => ({ name, type, unit, samplingRate })),
    tenTen: eeg.filter(({ name }) => isElectrodeName(name)).length,
    eeg: eeg.length,
    samplingRate: recording.samplingRate,
    duration: recording.duration,
    gaps: countGaps(recording),
    segments: recording.segments.length,
    ...(subject === undefined ? {} : { subject }),
    ...(session === undefined ? {} : { session }),
    ...(run === undefined ? {} : { run }),
    events: countEvents(recording),
    quality: examineSignal(recording),
    warnings: recording.warnings,
  }
}

/** Stretches that begin more than half a sample after the end of the one before. */
function countGaps({ segments, samplingRate }: Recording): number {
  return segments.slice(1).filter(({ onset }, i) => {
    const before = segments[i]!
    return onset > before.onset + (before.nSamples + 0.5) / samplingRate
  }).length
}

function countEvents(recording: Recording): RecordingSummary['events'] {
  const counts = new Map<string, { label: string; meaning?: string; count: number }>()
  for (const { label, meaning } of recording.events) {
    const key = JSON.stringify([label, meaning])
    const entry = counts.get(key) ?? { label, ...(meaning === undefined ? {} : { meaning }), count: 0 }
    entry.count++
    counts.set(key, entry)
  }
  return [...counts.values()].sort((a, b) => (a.label < b.label ? -1 : 1))
}

/** `microvolts`, or how many channels have which unit where they differ. */
function unitsOf(channels: RecordingSummary['channels']): string {
  const counts = new Map<string, number>()
  for (const { unit } of channels.filter(({ type }) => type !== 'stim')) counts.set(unit, (counts.get(unit) ?? 0) + 1)
  const named = [...counts].map(([unit, count]): [string, number] => [
    unit === 'V' ? 'microvolts' : unit || 'unknown',
    count,
  ])
  if (named.length <= 1) return named[0]?.[0] === 'unknown' ? 'unit unknown' : (named[0]?.[0] ?? 'unit unknown')
  return named.map(([unit, count]) => `${count} in ${unit}`).join(', ')
}

const shorten = (text: string) => (text.length > 40 ? `${text.slice(0, 39)}…` : text)

/** Volts; what rounding leaves of a constant. */
const FLAT = 1e-12

/** Names of channels that are not plausible, and why. */
function faultsOf({ quality: { implausible }, channels }: RecordingSummary): string {
  if (implausible.length === 0) return ''
  const reasonOf = (deviation: number, unit: string) => {
    if (Number.isNaN(deviation)) return 'no numbers'
    if (deviation < FLAT) return 'flat'
    return unit === 'V'
      ? `${(deviation * 1e6).toPrecision(3)} µV`
      : `${deviation.toPrecision(3)} ${unit || 'of an unknown unit'}`
  }
  const named = implausible.slice(0, 6).map(({ name, deviation }) => {
    const unit = channels.find((channel) => channel.name === name)?.unit ?? ''
    return `${name} (${reasonOf(deviation, unit)})`
  })
  return `; not ${named.join(', ')}${implausible.length > 6 ? ` and ${implausible.length - 6} more` : ''}`
}

/** The summary in three lines for a terminal. */
export function formatSummary(summary: RecordingSummary): string {
  const { channels, events, quality, eeg, tenTen } = summary
  const total = events.reduce((sum, { count }) => sum + count, 0)
  const kinds = events
    .slice(0, 12)
    .map(({ label, meaning, count }) =>
      [shorten(label), meaning && shorten(meaning), count].filter((part) => part !== undefined).join(' '),
    )
  const more = events.length > 12 ? ` and ${events.length - 12} more labels` : ''
  const naming =
    eeg === 0
      ? 'no EEG'
      : tenTen === eeg
        ? '10-10 names'
        : tenTen === 0
          ? 'names of their own'
          : `${tenTen} with 10-10 names`
  const gaps = summary.gaps === 0 ? '' : `, ${summary.gaps} gap${summary.gaps > 1 ? 's' : ''}`
  const segments = summary.segments > summary.gaps + 1 ? `, ${summary.segments} segments` : ''
  const judged = `${quality.plausible.length} of ${quality.plausible.length + quality.implausible.length} channels plausible`
  const line =
    quality.line === undefined ? '' : `, ${quality.line.frequency} Hz line at ${quality.line.decibels.toFixed(0)} dB`
  return [
    `${summary.simulated ? 'SIMULATED: ' : ''}${channels.length} channels (${naming}), ${summary.samplingRate} Hz, ${summary.duration.toFixed(1)} s, ${unitsOf(channels)}, ${summary.format}${segments}${gaps}`,
    total === 0 ? 'no events' : `${total} events: ${kinds.join(' · ')}${more}`,
    eeg === 0 ? 'quality: only EEG is judged' : `quality: ${judged}${faultsOf(summary)}${line}`,
  ].join('\n')
}
