import {
  decimate,
  element,
  extent,
  formatTick,
  join,
  linearScale,
  linePath,
  type Markup,
  niceTicks,
  picture,
  type Scale,
  text,
} from '../svg.ts'

/**
 * The charts of a report. Colours are classes of style.ts, never values, so that one picture serves light and dark.
 */

export interface LineSeries {
  /** CSS class that gives the colour: `train`, `validation`, `class-0` .. `class-7`. */
  tone: string
  /** Strong lines stand for means, faint ones for single runs. */
  faint?: boolean
  points: readonly (readonly [x: number, y: number])[]
}

export interface LineChartOptions {
  description: string
  xLabel: string
  yLabel: string
  series: readonly LineSeries[]
  /** Range of the vertical axis; from the points by default. */
  yRange?: readonly [number, number]
  /** A level to compare with, drawn across. */
  level?: { y: number; label: string }
  width?: number
  height?: number
}

/** Lines over a common horizontal axis. Points that are not finite leave a gap. */
export function lineChart(options: LineChartOptions): Markup {
  const { description, series, level, width = 520, height = 260 } = options
  const frame = { left: 46, right: width - 10, top: 22, bottom: height - 36 }
  const all = series.flatMap((s) => s.points)
  const whole = all.every(([value]) => Number.isInteger(value))
  const x = linearScale(extent(all.map(([value]) => value)), [frame.left, frame.right])
  const y = linearScale(options.yRange ?? widen(extent(all.map(([, value]) => value))), [frame.bottom, frame.top])
  const ordered = [...series.filter((s) => s.faint), ...series.filter((s) => !s.faint)]
  return picture(
    width,
    height,
    description,
    yAxis(y, frame, options.yLabel),
    xAxis(x, frame, options.xLabel, whole),
    level === undefined ? text('') : levelLine(y(level.y), frame, level.label),
    ...ordered.map(({ tone, faint, points }) =>
      element('path', {
        class: `line ${tone}${faint ? ' faint' : ''}`,
        d: linePath(points.map(([px, py]) => [x(px), y(py)])),
      }),
    ),
  )
}

export interface HeatMapOptions {
  description: string
  /** Shape (rows, columns). */
  values: readonly (readonly number[])[]
  /** What is written in a cell; the share of its row gives the shade. */
  format: (value: number) => string
  rowLabels: readonly string[]
  columnLabels: readonly string[]
  rowTitle: string
  columnTitle: string
  width?: number
}

/** A matrix as shaded cells; each row is shaded by its own total, so that small classes are seen as well as large ones. */
export function heatMap(options: HeatMapOptions): Markup {
  const { values, width = 420 } = options
  const most = 18
  const margin = { left: 32 + widthOf(options.rowLabels, most), top: 44 }
  const size = Math.min(96, (width - margin.left) / Math.max(1, values[0]?.length ?? 1))
  const cells = values.flatMap((row, i) => {
    const total = row.reduce((a, b) => a + b, 0)
    return row.map((value, j) =>
      cell(margin.left + j * size, margin.top + i * size, size, total > 0 ? value / total : 0, options.format(value)),
    )
  })
  const labels = [
    ...options.columnLabels.map((label, j) => {
      const at = margin.left + (j + 0.5) * size
      return element('text', { x: at, y: margin.top - 8, class: 'middle' }, text(shorten(label, size / 6.2)))
    }),
    ...options.rowLabels.map((label, i) => {
      const at = margin.top + (i + 0.5) * size + 4
      return element('text', { x: margin.left - 8, y: at, class: 'end' }, text(shorten(label, most)))
    }),
  ]
  const across = margin.left + (size * (values[0]?.length ?? 0)) / 2
  const down = margin.top + (size * values.length) / 2
  return picture(
    margin.left + size * (values[0]?.length ?? 0) + 2,
    margin.top + size * values.length + 2,
    options.description,
    element('text', { x: across, y: 14, class: 'middle muted' }, text(options.columnTitle)),
    element(
      'text',
      { x: 0, y: 0, class: 'middle muted', transform: `translate(12 ${down}) rotate(-90)` },
      text(options.rowTitle),
    ),
    ...labels,
    ...cells,
  )
}

export interface TracesOptions {
  description: string
  channels: readonly string[]
  /** Sets of signals drawn over each other, each of shape (channels, samples), in one unit. */
  sets: readonly { tone: string; samples: readonly (readonly number[])[] }[]
  samplingRate: number
  /** Time of the first sample against the cue, in seconds, where it is known. */
  from?: number | undefined
  /** Says an amplitude in words, e.g. `20 µV`. */
  formatAmplitude: (value: number) => string
  width?: number
  rowHeight?: number
}

/** Signals of several channels, one under another on a common scale, with a bar that tells it. */
export function traces(options: TracesOptions): Markup {
  const { channels, sets, samplingRate, from = 0, width = 1040, rowHeight = 46 } = options
  const frame = { left: 46, right: width - 62, top: 8, bottom: 8 + rowHeight * channels.length }
  const samples = sets[0]?.samples[0]?.length ?? 0
  const x = linearScale([from, from + samples / samplingRate], [frame.left, frame.right])
  const centred = sets.map((set) => ({ tone: set.tone, samples: set.samples.map(subtractMean) }))
  const [low, high] = extent(centred.flatMap((set) => set.samples.flat()))
  const reach = Math.max(Math.abs(low), Math.abs(high)) || 1
  const unit = (rowHeight * 0.62) / reach
  const rows = channels.map((channel, c) => {
    const middle = frame.top + (c + 0.5) * rowHeight
    return join([
      element('line', { class: 'grid', x1: frame.left, x2: frame.right, y1: middle, y2: middle }),
      element('text', { class: 'end', x: frame.left - 8, y: middle + 4 }, text(shorten(channel, 6))),
      ...centred.map(({ tone, samples: rowsOfSet }) => {
        const points = decimate(rowsOfSet[c] ?? [], frame.right - frame.left)
        const d = linePath(points.map(([i, value]) => [x(from + i / samplingRate), middle - value * unit]))
        return element('path', { class: `line trace ${tone}`, d })
      }),
    ])
  })
  const cue =
    from < 0 && x.domain[1] > 0
      ? element('line', { class: 'level', x1: x(0), x2: x(0), y1: frame.top, y2: frame.bottom })
      : text('')
  const bar = roundDown(reach)
  return picture(
    width,
    frame.bottom + 38,
    options.description,
    ...rows,
    cue,
    xAxis(x, frame, options.from === undefined ? 'seconds' : 'seconds after the cue'),
    scaleBar(frame.right + 12, frame.top + rowHeight * 0.5, bar * unit, options.formatAmplitude(bar)),
  )
}

export interface IntervalRow {
  label: string
  tone: string
  mean: number
  low: number
  high: number
  /** Single results behind the mean, e.g. one a seed. */
  dots?: readonly number[]
}

/** Means with their intervals on a scale from 0 to 1, with the chance level drawn through. */
export function intervalChart(
  rows: readonly IntervalRow[],
  options: { description: string; chance: number; width?: number },
): Markup {
  const { chance, width = 640 } = options
  const most = 40
  const names = rows.map(({ label }) => label)
  const frame = {
    left: Math.max(150, 24 + widthOf(names, most)),
    right: width - 12,
    top: 24,
    bottom: 24 + 34 * rows.length,
  }
  const x = linearScale([0, 1], [frame.left, frame.right])
  const drawn = rows.map(({ label, tone, mean, low, high, dots = [] }, i) => {
    const middle = frame.top + 34 * (i + 0.5)
    return join([
      element('text', { class: 'end', x: frame.left - 12, y: middle + 4 }, text(shorten(label, most))),
      element('line', { class: 'grid', x1: frame.left, x2: frame.right, y1: middle, y2: middle }),
      element('line', { class: `interval ${tone}`, x1: x(low), x2: x(high), y1: middle, y2: middle }),
      ...dots.map((dot) => element('circle', { class: `dot ${tone}`, cx: x(dot), cy: middle - 9, r: 2 })),
      element('circle', { class: `point ${tone}`, cx: x(mean), cy: middle, r: 4.5 }),
    ])
  })
  const level = join([
    element('line', { class: 'level', x1: x(chance), x2: x(chance), y1: frame.top - 4, y2: frame.bottom }),
    element('text', { class: 'middle muted', x: x(chance), y: frame.top - 9 }, text(`chance ${chance.toFixed(3)}`)),
  ])
  return picture(width, frame.bottom + 38, options.description, xAxis(x, frame, 'accuracy'), level, ...drawn)
}

interface Frame {
  left: number
  right: number
  top: number
  bottom: number
}

function xAxis(x: Scale, frame: Frame, label: string, whole = false): Markup {
  const ticks = niceTicks(...x.domain, 6).filter((tick) => !whole || Number.isInteger(tick))
  return join([
    element('line', { class: 'axis', x1: frame.left, x2: frame.right, y1: frame.bottom, y2: frame.bottom }),
    ...ticks.map((tick) =>
      element('text', { class: 'middle', x: x(tick), y: frame.bottom + 15 }, text(formatTick(tick, ticks))),
    ),
    element('text', { class: 'middle muted', x: (frame.left + frame.right) / 2, y: frame.bottom + 31 }, text(label)),
  ])
}

function yAxis(y: Scale, frame: Frame, label: string): Markup {
  const ticks = niceTicks(...y.domain, 5)
  return join([
    ...ticks.map((tick) =>
      join([
        element('line', { class: 'grid', x1: frame.left, x2: frame.right, y1: y(tick), y2: y(tick) }),
        element('text', { class: 'end', x: frame.left - 7, y: y(tick) + 4 }, text(formatTick(tick, ticks))),
      ]),
    ),
    element('text', { class: 'muted', x: 0, y: 11 }, text(label)),
  ])
}

function levelLine(at: number, frame: Frame, label: string): Markup {
  return join([
    element('line', { class: 'level', x1: frame.left, x2: frame.right, y1: at, y2: at }),
    element('text', { class: 'end muted', x: frame.right, y: at - 5 }, text(label)),
  ])
}

function cell(x: number, y: number, size: number, share: number, content: string): Markup {
  const shade = { class: 'cell', x: x + 1, y: y + 1, width: size - 2, height: size - 2, rx: 3, 'fill-opacity': share }
  const label = { class: `middle${share > 0.55 ? ' on-shade' : ''}`, x: x + size / 2, y: y + size / 2 + 4 }
  return join([
    element('rect', { ...shade, class: 'cell-ground', 'fill-opacity': undefined }),
    element('rect', shade),
    element('text', label, text(content)),
  ])
}

function scaleBar(x: number, top: number, height: number, label: string): Markup {
  return join([
    element('path', { class: 'axis', d: `M${x} ${top}h6M${x + 3} ${top}v${Math.round(height * 100) / 100}m-3 0h6` }),
    element('text', { x: x + 11, y: top + height / 2 + 4 }, text(label)),
  ])
}

/** The largest 1, 2 or 5 times a power of ten that is not above the value. */
function roundDown(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  return power * (value >= 5 * power ? 5 : value >= 2 * power ? 2 : 1)
}

function subtractMean(samples: readonly number[]): number[] {
  const centre = samples.reduce((total, value) => total + value, 0) / samples.length
  return samples.map((value) => value - centre)
}

function widen([low, high]: [number, number]): [number, number] {
  const margin = (high - low || Math.abs(high) || 1) * 0.05
  return [low >= 0 ? Math.max(0, low - margin) : low - margin, high + margin]
}

/** Pixels that labels of so many letters at most take. */
function widthOf(labels: readonly string[], most: number): number {
  return 6.4 * Math.min(most, Math.max(0, ...labels.map((label) => label.length)))
}

function shorten(label: string, length: number): string {
  const most = Math.max(2, Math.floor(length))
  return label.length <= most ? label : `${label.slice(0, most - 1)}…`
}
