import type { DenoisedExample, DenoiseResult } from '../evaluation/denoising-scores.ts'
import { decimate, element, extent, join, linearScale, linePath, type Markup, text } from '../svg.ts'

/** Dark to bright through blue and green; steps of equal size look equally large (after viridis, CC0). */
const COLOURS = [
  [68, 1, 84],
  [59, 82, 139],
  [33, 145, 140],
  [94, 201, 98],
  [253, 231, 37],
] as const
const STATES = ['clean', 'noisy', 'denoised'] as const
const INK = { clean: '#1d2126', noisy: '#b23a57', denoised: '#1d5f9e' }

const LEFT = 190
const SIDE = 140
const GAP = 14
const TOP = 34
const TRACES = LEFT + 3 * (SIDE + GAP) + 10
const WIDTH = TRACES + 330

/**
 * Draws the first held-out window, first channel, as each way of denoising leaves it: images (time from left to right, frequency upwards) and
 * signals, one below the other.
 *
 * @returns an SVG document
 */
export async function drawDenoising({ examples, size, snr }: DenoiseResult): Promise<string> {
  const height = TOP + examples.length * (SIDE + GAP) + GAP
  const heads = STATES.map((state, i) => label(LEFT + i * (SIDE + GAP), TOP - 12, state))
  const rows = await Promise.all(examples.map((example, i) => drawRow(example, size, TOP + i * (SIDE + GAP))))
  const style = 'font: 13px sans-serif; background: white'
  const frame = { xmlns: 'http://www.w3.org/2000/svg', width: WIDTH, height, style }
  const ground = element('rect', { width: WIDTH, height, fill: 'white' })
  const note = label(TRACES, TOP - 12, `signals (noise at ${snr} dB)`)
  return element('svg', frame, ground, ...heads, note, ...rows)
}

async function drawRow(example: DenoisedExample, size: readonly [number, number], y: number): Promise<Markup> {
  const images = await Promise.all(
    STATES.map(async (state, i) => {
      const href = await imageUri(example.images[state], size)
      return element('image', { href, x: LEFT + i * (SIDE + GAP), y, width: SIDE, height: SIDE })
    }),
  )
  const shown = example.signals.clean.length / (example.images.clean.length / (size[0] * size[1]))
  return join([label(10, y + SIDE / 2, example.name), ...images, drawTraces(example.signals, shown, y)])
}

/** The first channel's three traces on one scale. */
function drawTraces(signals: DenoisedExample['signals'], samples: number, y: number): Markup {
  const [low, high] = extent(signals.noisy.slice(0, samples))
  const x = linearScale([0, samples - 1], [TRACES, WIDTH - 12])
  const lane = SIDE / STATES.length
  const lines = STATES.map((state, i) => {
    const scale = linearScale([low, high], [y + (i + 1) * lane - 3, y + i * lane + 3])
    const points = decimate(signals[state].slice(0, samples), WIDTH - TRACES)
    const d = linePath(points.map(([at, value]) => [x(at), scale(value)] as const))
    return element('path', { d, fill: 'none', stroke: INK[state], 'stroke-width': 1 })
  })
  return join(lines)
}

/** One channel's image as a PNG in a link; low frequencies at the bottom. */
async function imageUri(values: readonly number[], [rows, columns]: readonly [number, number]): Promise<string> {
  const pixels = new Uint8Array(rows * columns * 3)
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      pixels.set(colour(values[(rows - 1 - row) * columns + column]!), 3 * (row * columns + column))
  // Loaded here: only pictures need it, and it is large.
  const { default: sharp } = await import('sharp')
  const raw = { width: columns, height: rows, channels: 3 } as const
  const png = await sharp(pixels, { raw })
    .resize(columns * 4, rows * 4, { kernel: 'nearest' })
    .png()
    .toBuffer()
  return `data:image/png;base64,${png.toString('base64')}`
}

function colour(value: number): [number, number, number] {
  const place = Math.min(1, Math.max(0, value)) * (COLOURS.length - 1)
  const below = COLOURS[Math.min(Math.floor(place), COLOURS.length - 2)]!
  const above = COLOURS[Math.min(Math.floor(place), COLOURS.length - 2) + 1]!
  const part = place - Math.min(Math.floor(place), COLOURS.length - 2)
  return [0, 1, 2].map((i) => Math.round(below[i]! + (above[i]! - below[i]!) * part)) as [number, number, number]
}

function label(x: number, y: number, words: string): Markup {
  return element('text', { x, y, fill: INK.clean }, text(words))
}
