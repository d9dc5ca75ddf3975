import { EegTorchError } from '../errors.ts'
import { atOnce, type Pieces } from './in-pieces.ts'

/** A number that JavaScript would write otherwise, as it stands in the text: `1.0` is not `1`, and `9007199254740993` keeps its last digit. */
export class JsonNumber {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** What {@link parseStrictJson} yields; objects are maps, so that a key such as `__proto__` is only a key. */
export type JsonValue = null | boolean | number | string | JsonNumber | JsonValue[] | Map<string, JsonValue>

const MAX_DEPTH = 64
/** Characters that the engine reads in a millisecond or two. */
const AT_ONCE = 2 ** 18
/** Characters between two chances to stop. */
const PIECE = 2 ** 13
/** A string in which nothing is escaped: nearly all of them, and looked through by one call. */
const PLAIN_STRING = /"([^"\\\p{Cc}]*)"/uy
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const WORDS: ReadonlyMap<string, null | boolean> = new Map([
  ['null', null],
  ['true', true],
  ['false', false],
])

/**
 * Reads JSON for which `JSON.parse` is too forgiving: a key that occurs twice is refused, numbers keep their digits,
 * nesting is bounded at 64.
 *
 * @param file names the file in errors
 * @throws EegTorchError `FILE_INVALID` with the position of what is wrong
 */
export function parseStrictJson(text: string, file: string): JsonValue {
  return atOnce(strictJson(text, file))
}

/** {@link parseStrictJson} as work that stops now and then, for files of megabytes. */
export function* strictJson(text: string, file: string): Pieces<JsonValue> {
  return readCanonical(text) ?? (yield* readAny(text, file))
}

/**
 * Text that `JSON.stringify` would write the same, as the headers of most checkpoints are: no key occurs twice in it and each number
 * keeps its digits, so that the engine's own parser, a tenth of the work, may read it.
 */
function readCanonical(text: string): JsonValue | undefined {
  if (text.length > AT_ONCE) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return JSON.stringify(value) === text.trimEnd() ? strictValue(value, 0) : undefined
  } catch {
    return undefined // what is wrong, and where, is for the reader of any text to say
  }
}

function strictValue(value: unknown, depth: number): JsonValue {
  if (typeof value !== 'object' || value === null) return value as string | number | boolean | null
  if (depth > MAX_DEPTH) throw new RangeError('nesting')
  if (Array.isArray(value)) return value.map((item) => strictValue(item, depth + 1))
  const members = new Map<string, JsonValue>()
  for (const [key, member] of Object.entries(value)) members.set(key, strictValue(member, depth + 1))
  return members
}

function* readAny(text: string, file: string): Pieces<JsonValue> {
  let at = 0
  let pause = PIECE

  const fail = (what: string): never => {
    throw new EegTorchError('FILE_INVALID', `the JSON is not valid: ${what} at character ${at}`, { file })
  }
  const skipSpace = (): void => {
    while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at++
  }
  const skip = (character: string): boolean => {
    skipSpace()
    if (text[at] !== character) return false
    at++
    return true
  }

  const isPause = (): boolean => {
    if (at < pause) return false
    pause = at + PIECE
    return true
  }
  const isContainer = (): boolean => {
    skipSpace()
    return text[at] === '{' || text[at] === '['
  }

  function string(): string {
    const start = at
    PLAIN_STRING.lastIndex = at
    const plain = PLAIN_STRING.exec(text)?.[1]
    if (plain !== undefined) {
      at += plain.length + 2
      return plain
    }
    if (text[at] !== '"') fail('a string was expected')
    for (at++; text[at] !== '"'; at += text[at] === '\\' ? 2 : 1) {
      if (at >= text.length) fail('a string does not end')
      if (text.charCodeAt(at) < 0x20) fail('a string holds a control character')
    }
    const token = text.slice(start, ++at)
    if (!token.includes('\\')) return token.slice(1, -1)
    try {
      return JSON.parse(token) as string
    } catch {
      return fail('a string holds an unknown escape')
    }
  }

  function number(): number | JsonNumber {
    NUMBER.lastIndex = at
    const token = NUMBER.exec(text)?.[0] ?? fail('a value was expected')
    at += token.length
    const value = Number(token)
    return String(value) === token ? value : new JsonNumber(token)
  }

  function* object(depth: number): Pieces<Map<string, JsonValue>> {
    const members = new Map<string, JsonValue>()
    if (skip('}')) return members
    do {
      if (isPause()) yield
      skipSpace()
      const key = string()
      if (members.has(key)) fail(`the key ${JSON.stringify(key.slice(0, 100))} occurs twice`)
      if (!skip(':')) fail('":" was expected')
      members.set(key, isContainer() ? yield* container(depth) : scalar())
    } while (skip(','))
    if (!skip('}')) fail('"," or "}" was expected')
    return members
  }

  function* array(depth: number): Pieces<JsonValue[]> {
    const items: JsonValue[] = []
    if (skip(']')) return items
    do {
      if (isPause()) yield
      items.push(isContainer() ? yield* container(depth) : scalar())
    } while (skip(','))
    if (!skip(']')) fail('"," or "]" was expected')
    return items
  }

  function* container(depth: number): Pieces<JsonValue> {
    if (depth > MAX_DEPTH) fail(`nesting deeper than ${MAX_DEPTH}`)
    return skip('{') ? yield* object(depth + 1) : skip('[') ? yield* array(depth + 1) : fail('a value was expected')
  }

  function scalar(): JsonValue {
    if (text[at] === '"') return string()
    for (const [word, meaning] of WORDS) {
      if (!text.startsWith(word, at)) continue
      at += word.length
      return meaning
    }
    return number()
  }

  const result = isContainer() ? yield* container(0) : scalar()
  skipSpace()
  if (at < text.length) fail('something follows the value')
  return result
}

/** What `JSON.parse` would have made of it. */
export function looseJson(value: JsonValue): unknown {
  if (value instanceof JsonNumber) return Number(value.text)
  if (Array.isArray(value)) return value.map(looseJson)
  if (!(value instanceof Map)) return value
  return Object.fromEntries([...value].map(([key, member]) => [key, looseJson(member)]))
}
