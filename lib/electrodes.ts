/** A point, on the unit sphere or in metres: x to the right ear, y to the nose, z to the vertex. */
export type Position = readonly [x: number, y: number, z: number]

/** Rows of the 10-10 system from front to back: degrees from vertex to midline electrode, and from the nose to the outer one (7). */
const ROWS: Readonly<Record<string, readonly [midline: number, outer: number]>> = {
  AF: [54, 36],
  F: [36, 54],
  FC: [18, 72],
  FT: [18, 72],
  C: [0, 90],
  T: [0, 90],
  CP: [-18, 108],
  TP: [-18, 108],
  P: [-36, 126],
  PO: [-54, 144],
}

/** Rows that lie on the outer circle, 72 degrees from the vertex, or on the one below it. */
const RIM: Readonly<Record<string, readonly [azimuth: number, colatitude: number]>> = {
  Fp: [18, 72],
  O: [162, 72],
  N: [18, 90],
  I: [162, 90],
}

const OLD_NAMES: Readonly<Record<string, string>> = { T3: 'T7', T4: 'T8', T5: 'P7', T6: 'P8' }

/**
 * Ideal position of a 10-10 electrode on a spherical head: ten per cent of the way round is 18 degrees, and the electrodes of a row
 * divide the arc from the midline to the outer circle evenly (Oostenveld and Praamstra 2001). Undefined for other names.
 */
export function electrodePosition(name: string): Position | undefined {
  const match = /^([A-Z]p?[A-Z]?)(z|\d+)$/.exec(OLD_NAMES[name] ?? name)
  if (match === null) return undefined
  const [, row, column] = match
  const number = column === 'z' ? 0 : Number(column)
  const side = number % 2 === 1 ? -1 : 1
  const rim = RIM[row!]
  if (rim !== undefined) return rimPosition(rim, number, side)
  const arc = ROWS[row!]
  if (arc === undefined || number > 10) return undefined
  const [midline, outer] = [spherical(midlineAzimuth(arc[0]), Math.abs(arc[0])), spherical(side * arc[1], 72)]
  return number === 0 ? midline : along(midline, outer, Math.ceil(number / 2) / 4)
}

function rimPosition(
  [azimuth, colatitude]: readonly [number, number],
  number: number,
  side: number,
): Position | undefined {
  if (number > 2) return undefined
  return spherical(number === 0 ? (azimuth < 90 ? 0 : 180) : side * azimuth, colatitude)
}

/** Angle between two points on the unit sphere, in radians. */
export function angleBetween(a: Position, b: Position): number {
  return Math.acos(Math.min(1, Math.max(-1, dot(a, b))))
}

/** A point on the unit sphere from degrees: `azimuth` from the nose to the right, `colatitude` from the vertex down. */
export function spherical(azimuth: number, colatitude: number): Position {
  const [a, c] = [(azimuth * Math.PI) / 180, (colatitude * Math.PI) / 180]
  return [Math.sin(c) * Math.sin(a), Math.sin(c) * Math.cos(a), Math.cos(c)]
}

/** The point a fraction of the way along the arc from one point to another; beyond 1 it goes on. */
function along(from: Position, to: Position, fraction: number): Position {
  const angle = angleBetween(from, to)
  const [p, q] = [Math.sin((1 - fraction) * angle), Math.sin(fraction * angle)]
  const mix = (i: 0 | 1 | 2) => (p * from[i] + q * to[i]) / Math.sin(angle)
  return [mix(0), mix(1), mix(2)]
}

const midlineAzimuth = (degrees: number) => (degrees < 0 ? 180 : 0)
const dot = (a: Position, b: Position) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
