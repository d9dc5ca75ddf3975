import { InvalidArgumentError } from 'commander'

/** A whole number from 0 on. */
export function parseCount(text: string): number {
  if (/^\d{1,9}$/.test(text.trim())) return Number(text)
  throw new InvalidArgumentError(`Expected a whole number from 0 on, received ${JSON.stringify(text)}.`)
}
