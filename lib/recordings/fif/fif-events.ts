import { invalid } from '../invalid.ts'
import type { RecordingParts } from '../recording.ts'
import { BLOCK, type FifTag, KIND, readNames, readNumbers, readText } from './tags.ts'

/** Annotations in seconds since the date of the measurement (or, without one, since the clock's sample 0). */
export function readAnnotations(
  tags: readonly FifTag[],
  file: string,
  date: number | undefined,
): RecordingParts['events'] {
  const inside = tags.filter(({ blocks }) => blocks.at(-1) === BLOCK.annotations)
  const first = inside.filter(({ block }) => block === inside[0]?.block)
  const find = (kind: number) => first.find((tag) => tag.kind === kind)
  const [start, end] = [find(KIND.minimum), find(KIND.maximum)]
  if (start === undefined || end === undefined || start.size === 0) return []
  const [onsets, ends] = [readNumbers(file, start), readNumbers(file, end)]
  const labels = readNames(file, find(KIND.comment))
  if (onsets.length !== labels.length || onsets.length !== ends.length) {
    throw invalid(file, 'its annotations do not fit together', `${onsets.length} texts`, `${labels.length}`)
  }
  const origin = find(KIND.date)
  const [seconds, micros = 0] = origin === undefined ? [] : readNumbers(file, origin)
  const shift = seconds === undefined || date === undefined ? 0 : seconds + micros / 1e6 - date
  return labels.map((label, i) => ({
    onset: onsets[i]! + shift,
    duration: Math.max(0, ends[i]! - onsets[i]!),
    label,
  }))
}

/** Label of the event of each epoch: its name in the file, else its number. */
export function readEpochLabels(tags: readonly FifTag[], file: string): string[] {
  const inside = tags.filter(({ blocks }) => blocks.at(-1) === BLOCK.events)
  const list = inside.find(({ kind }) => kind === KIND.eventList)
  if (list === undefined) return []
  const numbers = readNumbers(file, list)
  const comment = inside.find(({ kind }) => kind === KIND.comment)
  const names = new Map<number, string>()
  for (const entry of comment === undefined ? [] : readText(file, comment).split(';')) {
    const colon = entry.lastIndexOf(':')
    if (colon > 0) names.set(Number(entry.slice(colon + 1)), entry.slice(0, colon))
  }
  return Array.from({ length: Math.floor(numbers.length / 3) }, (_, i) => {
    const code = numbers[3 * i + 2]!
    return names.get(code) ?? String(code)
  })
}
