import type { OverlayOptions } from 'sharp'
import { element, text } from '../../svg.ts'
import { encodePng, type Picture, resizePicture } from './picture.ts'

/** What stands above a picture. */
export interface Heading {
  /** Class of what was seen; absent where nobody knows. */
  readonly truth?: string | undefined
  /** Class that was read from the EEG. */
  readonly predicted: string
}

/** A picture of the grid with its heading. */
export interface Tile extends Heading {
  readonly picture: Picture
}

const [GREEN, RED, GREY] = ['#1a7f37', '#c62828', '#555555']
const GAP = 8
const HEADER = 28
const COLUMNS = 4
/** Letters of a bold face of size 1 are this wide on average. */
const LETTER = 0.62
const TEXT = 15

/**
 * Stimulus and result side by side under a header: green where the class that was read is the true one, red where it is not, grey where the true
 * one is not known. The stimulus takes the result's size.
 *
 * @returns a PNG file
 */
export async function drawComparison(stimulus: Picture, generated: Picture, heading: Heading): Promise<Buffer> {
  const { width, height } = generated
  const beside = await resizePicture(stimulus, generated)
  const total = 2 * width + GAP
  const words = heading.truth === undefined ? `read ${heading.predicted}` : wordsOf(heading.truth, heading.predicted)
  return compose({ width: total, height: height + HEADER }, [
    { input: headerSvg(total, words, colourOf(heading)), left: 0, top: 0 },
    { input: await encodePng(beside), left: 0, top: HEADER },
    { input: await encodePng(generated), left: width + GAP, top: HEADER },
  ])
}

/**
 * Pictures in four columns, in their order, each under its header.
 *
 * @param tiles one at least; all take the size of the first
 * @returns a PNG file
 */
export async function drawGrid(tiles: readonly Tile[]): Promise<Buffer> {
  const [
    {
      picture: { width, height },
    },
  ] = tiles as readonly [Tile]
  const columns = Math.min(COLUMNS, tiles.length)
  const rows = Math.ceil(tiles.length / COLUMNS)
  const overlays: OverlayOptions[] = []
  for (const [i, { picture, ...heading }] of tiles.entries()) {
    const left = (i % COLUMNS) * (width + GAP)
    const top = Math.floor(i / COLUMNS) * (height + HEADER + GAP)
    const words = heading.truth === undefined ? heading.predicted : wordsOf(heading.truth, heading.predicted)
    overlays.push({ input: headerSvg(width, words, colourOf(heading)), left, top })
    overlays.push({ input: await encodePng(await resizePicture(picture, { width, height })), left, top: top + HEADER })
  }
  const size = { width: columns * (width + GAP) - GAP, height: rows * (height + HEADER + GAP) - GAP }
  return compose(size, overlays)
}

function wordsOf(truth: string, predicted: string): string {
  return `true ${truth} · read ${predicted}`
}

function colourOf({ truth, predicted }: Heading): string {
  if (truth === undefined) return GREY
  return truth === predicted ? GREEN : RED
}

/** A band of colour with words that fit into it. */
function headerSvg(width: number, words: string, colour: string): Buffer {
  const letters = Math.max(1, Math.floor((width - GAP) / (TEXT * LETTER)))
  const shown = words.length <= letters ? words : `${words.slice(0, letters - 1)}…`
  const band = element('rect', { width, height: HEADER, fill: colour })
  const place = { x: width / 2, y: HEADER / 2 + TEXT * 0.36, fill: '#ffffff', 'text-anchor': 'middle' }
  const face = { 'font-family': 'DejaVu Sans, Arial, sans-serif', 'font-weight': 'bold', 'font-size': TEXT }
  const size = { xmlns: 'http://www.w3.org/2000/svg', width, height: HEADER }
  return Buffer.from(element('svg', size, band, element('text', { ...place, ...face }, text(shown))))
}

async function compose(size: { width: number; height: number }, overlays: OverlayOptions[]): Promise<Buffer> {
  const { default: sharp } = await import('sharp')
  const canvas = sharp({ create: { ...size, channels: 3, background: '#ffffff' } })
  return canvas.composite(overlays).png().toBuffer()
}
