import fc from 'fast-check'
import { JsonNumber, looseJson, parseStrictJson } from '../../lib/files/strict-json.ts'

test('reads what JSON.parse reads', () => {
  fc.assert(
    fc.property(fc.jsonValue({ depthSize: 'small' }), fc.constantFrom(undefined, 2), (value, indent) => {
      const text = JSON.stringify(value, null, indent)
      fc.pre(!text.includes('__proto__'))
      expect(looseJson(parseStrictJson(text, 'a'))).toEqual(JSON.parse(text))
    }),
    { numRuns: 500 },
  )
})

test('the same comes of text with and without spaces, down to the depth that is refused', () => {
  const value = fc.jsonValue({ depthSize: 'small' })
  fc.assert(
    fc.property(value, (value) => {
      const text = JSON.stringify(value)
      expect(parseStrictJson(text, 'a')).toEqual(parseStrictJson(` ${text}`, 'a'))
    }),
  )
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
  for (const space of ['', ' ']) {
    expect(() => parseStrictJson(space + nested(65), 'a')).not.toThrow()
    expect(() => parseStrictJson(space + nested(66), 'a')).toThrow(/nesting deeper than 64/)
  }
})

test('refuses what JSON.parse refuses', () => {
  const refused = (parse: () => unknown) => {
    try {
      parse()
      return false
    } catch {
      return true
    }
  }
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...'{}[]",:.-+e01 tnu\\a\n'), { maxLength: 12 }), (characters) => {
      const text = characters.join('')
      expect(refused(() => parseStrictJson(text, 'a'))).toBe(refused(() => JSON.parse(text)))
    }),
    { numRuns: 5000 },
  )
})

test.each([
  ['{"a":1,"a":2}', /the key "a" occurs twice/],
  ['{"a":1', /"," or "}" was expected at character 6/],
  ['['.repeat(100_000), /nesting deeper than 64/],
  ['', /a value was expected/],
])('%# is refused with its place', (text, message) => {
  expect(() => parseStrictJson(text, 'a.json')).toThrow(message)
})

test.each(['[1.0,-0,1e3,9007199254740993,1,-2.5]', '[1.0, -0, 1e3, 9007199254740993, 1, -2.5]'])(
  'numbers that JavaScript would write otherwise keep their digits: %s',
  (text) => {
    const kept = ['1.0', '-0', '1e3', '9007199254740993'].map((digits) => new JsonNumber(digits))
    expect(parseStrictJson(text, 'a')).toEqual([...kept, 1, -2.5])
    expect(looseJson(parseStrictJson(text, 'a'))).toEqual(JSON.parse(text))
  },
)

test('long tokens and long lists are read', () => {
  const length = 5_000_000
  expect(parseStrictJson(`"${'é'.repeat(length)}"`, 'a')).toHaveLength(length)
  expect(parseStrictJson(`${' '.repeat(length)}"\\n"`, 'a')).toBe('\n')
  expect((parseStrictJson('1'.repeat(length), 'a') as JsonNumber).text).toHaveLength(length)
  expect(parseStrictJson(`[${'1,'.repeat(length / 10)}1]`, 'a')).toHaveLength(length / 10 + 1)
})
