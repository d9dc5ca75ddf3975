import { InvalidArgumentError } from 'commander'

/** `0.5..3.5` as two numbers, the first one smaller. */
export function parseRange(text: string): [number, number] {
  const [from, to, ...more] = text.split('..').map((part) => (part.trim() === '' ? Number.NaN : Number(part)))
  if (from !== undefined && to !== undefined && from < to && more.length === 0) return [from, to]
  throw new InvalidArgumentError(`Expected FROM..TO such as 0.5..3.5, received ${JSON.stringify(text)}.`)
}

/** {@link parseRange}, or `none`. */
export const parseBand = (text: string): [number, number] | 'none' => (text === 'none' ? text : parseRange(text))
