import { inspect, isDeepStrictEqual } from 'node:util'

/** What tells a decoder from others of its kind. */
interface NameParts {
  /** In hertz; `null` for windows that are filtered already. */
  band?: readonly [low: number, high: number] | null
  /** Options, of which those are told that are not as usual. */
  options?: object
  usual?: Readonly<Record<string, unknown>>
}

/** `CSP + LDA, 8-30 Hz, filters 2`: equal names are equal decoders. */
export function decoderName(kind: string, { band = null, options = {}, usual = {} }: NameParts): string {
  const told = Object.entries(options).filter(
    ([name, value]) => value !== undefined && !isDeepStrictEqual(value, usual[name]),
  )
  return [
    kind,
    ...(band === null ? [] : [`${band[0]}-${band[1]} Hz`]),
    ...told.map(([name, value]) => `${name} ${typeof value === 'string' ? value : inspect(value)}`),
  ].join(', ')
}
