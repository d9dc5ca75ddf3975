import { EegTorchError, readEdf } from 'eegtorch'
import fc from 'fast-check'
import { edfBytes } from './edf-bytes.ts'
import { put, temporaryFolder } from './temporary.ts'

/*
 * Every file either reads, to no more samples than it has bytes for, or gives one EegTorchError; and nothing large is ever allocated.
 * Files are below 10 kB, so anything over a few megabytes came from believing a claim.
 */
const folder = temporaryFolder()
const LIMIT = 8 * 2 ** 20
const RUNS = 2000
const outcomes = { read: 0, refused: 0 }

async function survive(bytes: Uint8Array, options = {}): Promise<void> {
  const file = put(folder, 'hostile.edf', bytes)
  const before = process.memoryUsage().arrayBuffers
  try {
    const recording = await readEdf(file, options)
    const samples = recording.read().reduce((sum, { length }) => sum + length, 0)
    expect(samples * 2).toBeLessThanOrEqual(bytes.length)
    outcomes.read++
  } catch (error) {
    // Compared by name: an unexpected error must show itself, not be counted.
    if (!(error instanceof EegTorchError)) throw error
    expect(error.message).toContain('hostile.edf')
    expect(error.code).toMatch(/^FILE_/)
    outcomes.refused++
  }
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(LIMIT)
}

const annotations = { label: 'EDF Annotations', samples: 24 }
const templates = (['', 'EDF+C', 'EDF+D'] as const).map((reserved) =>
  edfBytes({
    reserved,
    signals: [{ label: 'Fc5.', samples: 16 }, { label: 'EOG', samples: 4 }, annotations],
    records: [0, 1, 2].map((i) => [
      Array.from({ length: 16 }, (_, k) => 100 * k - 700),
      [1, -1, 32767, -32768],
      `+${i}\x14\x14\0+${i}.5\x150.25\x14T1\x14\0`,
    ]),
  }),
)
const template = fc.constantFrom(...templates).map((bytes) => Buffer.from(bytes))
const hostileNumber = fc.oneof(
  fc.constantFrom(
    '-1',
    '0',
    '99999999',
    '-9999999',
    '1e99',
    '1e-99',
    'NaN',
    'Infinity',
    '',
    '0x10',
    '1,5',
    '+.5',
    '1e308',
    '-1e308',
    '2147483648'.slice(0, 8),
    '\0\0\0',
    '\xff\xfe',
  ),
  fc.integer().map(String),
  fc.double().map(String),
)
const fieldStarts = [0, 168, 176, 184, 192, 236, 244, 252, ...Array.from({ length: 96 }, (_, i) => 256 + i * 8)]

test('fields of the header replaced by hostile numbers', async () => {
  const change = fc.record({ start: fc.constantFrom(...fieldStarts), text: hostileNumber })
  await fc.assert(
    fc.asyncProperty(template, fc.array(change, { minLength: 1, maxLength: 4 }), async (bytes, changes) => {
      for (const { start, text } of changes)
        bytes.write(text.padEnd(8).slice(0, start === 252 ? 4 : 8), start, 'latin1')
      await survive(bytes)
    }),
    { numRuns: RUNS },
  )
})

test('bytes changed anywhere', async () => {
  const change = fc.record({ at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), byte: fc.nat(255) })
  await fc.assert(
    fc.asyncProperty(template, fc.array(change, { minLength: 1, maxLength: 30 }), async (bytes, changes) => {
      for (const { at, byte } of changes) bytes[Math.floor(at * bytes.length)] = byte
      await survive(bytes)
    }),
    { numRuns: RUNS },
  )
})

test('annotations replaced by text like theirs', async () => {
  const list = fc.string({ unit: fc.constantFrom(...'+-.0123456789aT\x14\x15\0\u00fc'), maxLength: 48 })
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('EDF+C', 'EDF+D'),
      fc.array(list, { minLength: 1, maxLength: 4 }),
      async (reserved, lists) => {
        const records = lists.map((text) => [[1, 2, 3, 4], text])
        await survive(edfBytes({ reserved, signals: [{ label: 'Cz', samples: 4 }, annotations], records }))
      },
    ),
    { numRuns: RUNS },
  )
})

test('files cut short or lengthened, read either way', async () => {
  const options = fc.constantFrom({}, { truncated: 'read' })
  await fc.assert(
    fc.asyncProperty(
      template,
      fc.nat(1600),
      fc.uint8Array({ maxLength: 400 }),
      options,
      async (bytes, length, tail, opts) => {
        await survive(Buffer.concat([bytes.subarray(0, length), tail]), opts)
      },
    ),
    { numRuns: RUNS },
  )
})

test('random bytes behind a true beginning', async () => {
  const start = templates[1]!.subarray(0, 256)
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), fc.boolean(), async (bytes, isTrue) => {
      await survive(Buffer.concat([isTrue ? start : Buffer.alloc(0), bytes]))
    }),
    { numRuns: RUNS / 4 },
  )
})

afterAll(() => {
  // Both ends must have been reached, or the properties above said little.
  expect(outcomes.read).toBeGreaterThan(500)
  expect(outcomes.refused).toBeGreaterThan(2000)
  expect(outcomes.read + outcomes.refused).toBeGreaterThanOrEqual(8000)
})
