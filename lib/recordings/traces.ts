import type { Recording } from './recording.ts'

/** How to draw traces. */
export interface TraceOptions {
  /** Channel names; default the first 32 EEG channels (of any kind but triggers, where there are none). */
  channels?: readonly string[]
  /** Seconds; default the first ten. */
  from?: number
  to?: number
  /** Pixels, default 1200 by 16 per channel and some. */
  width?: number
}

const MOST_CHANNELS = 32
const LEFT = 70
const TOP = 30
const ROW = 18

/** Draws channels one above the other, with events, as an SVG document. Each trace is centred; all share one scale, which is written beside. */
export function drawTraces(
  recording: Recording,
  { channels, from = 0, to = from + 10, width = 1200 }: TraceOptions = {},
): string {
  const names = channels ?? defaultChannels(recording)
  const end = Math.min(to, recording.duration)
  const data = recording.read({ channels: names, from, to: end }).map(centre)
  const spread = typicalSpread(data) || 1
  const height = TOP + ROW * (names.length + 1) + 30
  const x = (seconds: number) => LEFT + ((seconds - from) / (end - from || 1)) * (width - LEFT - 20)
  const rows = names.map((name, i) => {
    const y = TOP + ROW * (i + 1)
    const path = tracePath(data[i]!, y, ROW / (4 * spread), LEFT, width - 20)
    return `<text x="${LEFT - 8}" y="${y + 4}" text-anchor="end">${escapeXml(name)}</text><path d="${path}"/>`
  })
  const marks = recording.events
    .filter(({ onset }) => onset >= from && onset < end)
    .map(({ onset, label, meaning }) => {
      const at = x(onset).toFixed(1)
      return `<line x1="${at}" x2="${at}" y1="${TOP}" y2="${height - 30}"/><text class="event" x="${at}" y="${TOP - 8}">${escapeXml(meaning ?? label)}</text>`
    })
  const ticks = Array.from({ length: 6 }, (_, i) => from + ((end - from) * i) / 5)
  const axis = ticks.map(
    (t) => `<text x="${x(t).toFixed(1)}" y="${height - 10}" text-anchor="middle">${t.toFixed(1)} s</text>`,
  )
  const unit = recording.channels.find(({ name }) => name === names[0])?.unit === 'V'
  const scale = unit ? `${(4 * spread * 1e6).toFixed(0)} µV a row` : `${(4 * spread).toPrecision(3)} a row`
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
<style>text{font:11px sans-serif;fill:#333}path{fill:none;stroke:#1f4e79;stroke-width:.8}line{stroke:#c0392b;stroke-width:.8;opacity:.6}.event{fill:#c0392b}</style>
<rect width="100%" height="100%" fill="#fff"/>
<text x="${LEFT}" y="14">${escapeXml(recording.name)}${recording.simulated ? ' (simulated)' : ''}, ${scale}</text>
${marks.join('\n')}
${rows.join('\n')}
${axis.join('\n')}
</svg>
`
}

/** Those of EEG or, where there is none, all but triggers. */
function defaultChannels({ channels }: Recording): string[] {
  const eeg = channels.filter(({ type }) => type === 'eeg')
  const shown = eeg.length > 0 ? eeg : channels.filter(({ type }) => type !== 'stim')
  return shown.slice(0, MOST_CHANNELS).map(({ name }) => name)
}

/**
 * A path through the samples, or through the extremes of each pixel column where there are more samples than columns can show. It is
 * interrupted where there are no numbers.
 */
function tracePath(samples: Float64Array, y: number, scale: number, left: number, right: number): string {
  const columns = Math.max(1, Math.floor(right - left))
  const perColumn = Math.max(1, Math.ceil(samples.length / columns))
  const points: string[] = []
  let isBroken = true
  for (let start = 0; start < samples.length; start += perColumn) {
    const piece = samples.subarray(start, start + perColumn).filter(Number.isFinite)
    const at = left + (start / Math.max(1, samples.length - 1)) * (right - left)
    const extremes = piece.length < 2 ? piece : [Math.min(...piece), Math.max(...piece)]
    for (const value of extremes) {
      points.push(`${isBroken ? 'M' : 'L'}${at.toFixed(1)} ${(y - value * scale).toFixed(1)}`)
      isBroken = false
    }
    isBroken = piece.length === 0
  }
  return points.join('')
}

function centre(samples: Float64Array): Float64Array {
  const numbers = samples.filter(Number.isFinite)
  const mean = numbers.reduce((sum, value) => sum + value, 0) / Math.max(1, numbers.length)
  return samples.map((value) => value - mean)
}

/** Median of the channels' standard deviations, of those that have one. */
function typicalSpread(data: readonly Float64Array[]): number {
  const spreads = data
    .map((samples) => samples.filter(Number.isFinite))
    .filter(({ length }) => length > 0)
    .map((samples) => Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length))
  return spreads.sort((a, b) => a - b)[spreads.length >> 1] ?? 0
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const escapeXml = (text: string) => text.replaceAll(/[&<>"]/g, (c) => ENTITIES[c]!).replaceAll(/\p{Cc}/gu, ' ')
