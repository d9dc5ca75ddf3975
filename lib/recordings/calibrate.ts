/** Lowest and highest value of a channel, as a header gives them. */
export type Range = readonly [low: number, high: number]

export interface Calibration {
  /** Physical value of one digital step. */
  readonly gain: number
  /** Physical value of digital 0. */
  readonly offset: number
  /** The header does not tell the scale: one of the ranges is empty, as filler channels have it. */
  readonly hasEmptyRange: boolean
}

/**
 * What turns stored numbers into physical values; undefined if the ranges are too wide for a number. An empty range counts as 1, as in
 * MNE-Python; a digital range may descend.
 */
export function calibration(physical: Range, digital: Range): Calibration | undefined {
  const gain = width(physical) / width(digital)
  const offset = physical[0] - digital[0] * gain
  if (!Number.isFinite(gain) || !Number.isFinite(offset) || gain === 0) return undefined
  return { gain, offset, hasEmptyRange: isEmpty(physical) || isEmpty(digital) }
}

/** What a recording warns of where channels (by their labels) have an empty range. */
export function emptyRangeWarnings(labels: readonly string[]): string[] {
  if (labels.length === 0) return []
  const named = labels.map((label) => label || '(no label)').join(', ')
  return [`The header gives an empty range of values, which was taken as 1, so the scale is not known of ${named}.`]
}

const isEmpty = ([low, high]: Range) => low === high

const width = (range: Range) => (isEmpty(range) ? 1 : range[1] - range[0])
