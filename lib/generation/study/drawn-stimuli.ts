import { join } from 'node:path'
import { writeFileAtomically } from '../../files/atomic.ts'
import { makeFolder } from '../../files/make-folder.ts'
import { Random } from '../../random.ts'
import { element, type Markup } from '../../svg.ts'

const SIZE = 128
/** Pictures of each class. */
const COUNT = 24

/**
 * Draws simple faces and houses of many shapes and shades, as stimuli for simulated EEG: `faces/` and `houses/` with PNG files. The same pictures
 * each time.
 */
export async function drawStimuli(folder: string): Promise<void> {
  const { default: sharp } = await import('sharp')
  for (const [number, [name, draw]] of Object.entries({ faces: drawFace, houses: drawHouse }).entries()) {
    await makeFolder(join(folder, name))
    const random = new Random(1, number)
    for (let i = 1; i <= COUNT; i++) {
      const svg = element(
        'svg',
        { xmlns: 'http://www.w3.org/2000/svg', width: SIZE, height: SIZE },
        element('rect', { width: SIZE, height: SIZE, fill: grey(random, 70, 110) }),
        ...draw(random),
      )
      const png = await sharp(Buffer.from(svg)).png().toBuffer()
      await writeFileAtomically(join(folder, name, `${name.slice(0, -1)}_${String(i).padStart(2, '0')}.png`), png)
    }
  }
}

function drawFace(random: Random): Markup[] {
  const between = betweenOf(random)
  const [x, y] = [SIZE / 2 + between(-5, 5), SIZE / 2 + between(-5, 5)]
  const [width, height] = [between(34, 42), between(44, 54)]
  const dark = grey(random, 20, 50)
  const apart = between(14, 18)
  const eye = (side: number) =>
    element('ellipse', { cx: x + side * apart, cy: y - 12, rx: between(5, 7), ry: 4, fill: dark })
  const mouth = `M ${x - 15} ${y + 22} Q ${x} ${y + 22 + between(-4, 14)} ${x + 15} ${y + 22}`
  return [
    element('ellipse', { cx: x, cy: y - 8, rx: width + 5, ry: height + 2, fill: dark }),
    element('ellipse', { cx: x, cy: y + 2, rx: width, ry: height, fill: grey(random, 190, 235) }),
    ...[eye(-1), eye(1)],
    element('path', {
      d: `M ${x} ${y - 6} L ${x - 4} ${y + 9} L ${x + 3} ${y + 9}`,
      fill: 'none',
      stroke: dark,
      'stroke-width': 2,
    }),
    element('path', { d: mouth, fill: 'none', stroke: dark, 'stroke-width': 4 }),
  ]
}

function drawHouse(random: Random): Markup[] {
  const between = betweenOf(random)
  const [left, right] = [between(12, 24), SIZE - between(12, 24)]
  const [top, ground] = [between(48, 62), SIZE - between(8, 16)]
  const dark = grey(random, 20, 50)
  const window = (at: number) =>
    element('rect', { x: left + (right - left) * at - 8, y: top + 10, width: 16, height: between(14, 20), fill: dark })
  const door = { x: (left + right) / 2 - 8, y: ground - 30, width: 16, height: 30, fill: dark }
  const roof = `${left - 6},${top} ${(left + right) / 2 + between(-12, 12)},${top - between(26, 42)} ${right + 6},${top}`
  return [
    element('rect', { x: 0, y: ground, width: SIZE, height: SIZE - ground, fill: grey(random, 120, 160) }),
    element('rect', { x: left, y: top, width: right - left, height: ground - top, fill: grey(random, 190, 235) }),
    element('polygon', { points: roof, fill: grey(random, 40, 80) }),
    ...[window(0.22), window(0.78)],
    element('rect', door),
  ]
}

const betweenOf = (random: Random) => (low: number, high: number) => low + (high - low) * random.uniform()

function grey(random: Random, low: number, high: number): string {
  const level = Math.round(betweenOf(random)(low, high))
  return `rgb(${level}, ${level}, ${level})`
}
