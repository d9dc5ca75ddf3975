/** Markup that is already escaped; only {@link element} and {@link text} make it. */
export type Markup = string & { readonly markup: unique symbol }

type Attribute = string | number | undefined

/** An element of SVG or HTML; attributes are escaped, `undefined` ones left out, numbers written with two decimals. */
export function element(name: string, attributes: Record<string, Attribute> = {}, ...children: Markup[]): Markup {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${escapeMarkup(typeof value === 'number' ? decimal(value) : String(value))}"`)
  return `<${name}${written.join('')}>${children.join('')}</${name}>` as Markup
}

/** Text of a user, made harmless. */
export function text(content: string | number): Markup {
  return escapeMarkup(String(content)) as Markup
}

export function join(parts: readonly Markup[]): Markup {
  return parts.join('') as Markup
}

/** A picture of width x height user units that shrinks with its place, never grows, and tells what it shows. */
export function picture(width: number, height: number, description: string, ...children: Markup[]): Markup {
  const viewBox = `0 0 ${decimal(width)} ${decimal(height)}`
  const style = `max-width: ${decimal(width)}px`
  return element('svg', { viewBox, style, role: 'img', 'aria-label': description }, ...children)
}

/** SVG path through the points; a point that is not finite lifts the pen. */
export function linePath(points: readonly (readonly [number, number])[]): string {
  let pen = 'M'
  let path = ''
  for (const [x, y] of points) {
    const finite = Number.isFinite(x) && Number.isFinite(y)
    if (finite) path += `${pen}${decimal(x)} ${decimal(y)}`
    pen = finite ? 'L' : 'M'
  }
  return path
}

/** Maps a range of values to a range of the picture. */
export interface Scale {
  (value: number): number
  readonly domain: readonly [number, number]
}

export function linearScale(domain: readonly [number, number], range: readonly [number, number]): Scale {
  const span = domain[1] - domain[0] || 1
  const scale = (value: number) => range[0] + ((value - domain[0]) / span) * (range[1] - range[0])
  return Object.assign(scale, { domain })
}

/** Round values inside [low, high], about `count` of them, in steps of 1, 2 or 5 times a power of ten. */
export function niceTicks(low: number, high: number, count = 5): number[] {
  const span = high - low
  if (!(span > 0) || !Number.isFinite(span)) return Number.isFinite(low) ? [low] : []
  const power = 10 ** Math.floor(Math.log10(span / count))
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power * count >= span * 0.999) ?? 10)
  const first = Math.ceil(low / step - 1e-9)
  const last = Math.floor(high / step + 1e-9)
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step)
}

/** A tick's value with the digits that its step calls for. */
export function formatTick(value: number, ticks: readonly number[]): string {
  const step = ticks.length > 1 ? Math.abs(ticks[1]! - ticks[0]!) : Math.abs(value) || 1
  return value.toFixed(Math.max(0, Math.min(12, -Math.floor(Math.log10(step) + 1e-9))))
}

/** Smallest and largest finite value; [0, 1] when there is none. */
export function extent(values: Iterable<number>): [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const value of values) {
    if (!Number.isFinite(value)) continue
    if (value < low) low = value
    if (value > high) high = value
  }
  return low <= high ? [low, high] : [0, 1]
}

/** Keeps the lowest and highest sample of each of `columns` stretches, so that a long signal draws small and loses no peak. */
export function decimate(samples: readonly number[], columns: number): [index: number, value: number][] {
  if (samples.length <= 2 * columns) return samples.map((value, i) => [i, value])
  const kept: [number, number][] = []
  for (let column = 0; column < columns; column++) {
    const start = Math.floor((column * samples.length) / columns)
    const end = Math.floor(((column + 1) * samples.length) / columns)
    let [low, high] = [start, start]
    for (let i = start; i < end; i++) {
      if (samples[i]! < samples[low]!) low = i
      if (samples[i]! > samples[high]!) high = i
    }
    for (const i of low === high ? [low] : [Math.min(low, high), Math.max(low, high)]) kept.push([i, samples[i]!])
  }
  return kept
}

function decimal(value: number): string {
  return String(Math.round(value * 100) / 100)
}

function escapeMarkup(raw: string): string {
  const names: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
  return raw.replace(/[&<>"']/g, (character) => names[character]!)
}
