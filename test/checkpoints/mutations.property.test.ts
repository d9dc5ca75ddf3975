import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EegTorchError, openCheckpoint } from 'eegtorch'
import fc from 'fast-check'
import { parseSafetensorsHeader, readHeaderLength } from '../../lib/checkpoints/safetensors-header.ts'
import { checkpointNames } from '../../lib/checkpoints/torch-file.ts'
import { toPlain } from '../../lib/pickle/to-plain.ts'
import { unpickle } from '../../lib/pickle/unpickle.ts'
import { readFixture } from './fixtures.ts'

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-mutations-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** One change to a file, as places relative to its length. */
type Mutation = (bytes: Buffer) => Buffer

const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const at = (bytes: Buffer, where: number) => Math.floor(where * bytes.length)

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.tuple(place, fc.nat(255)).map(([where, value]) => (bytes: Buffer) => {
    const changed = Buffer.from(bytes)
    if (changed.length > 0) changed[at(bytes, where)] = value
    return changed
  }),
  fc.tuple(place, fc.constantFrom(0, 0x7fffffff, 0x80000000, 0xffffffff)).map(([where, value]) => (bytes: Buffer) => {
    const changed = Buffer.from(bytes)
    if (changed.length >= 4) changed.writeUInt32LE(value, Math.min(at(bytes, where), changed.length - 4))
    return changed
  }),
  place.map((where) => (bytes: Buffer) => bytes.subarray(0, at(bytes, where))),
  fc.tuple(place, place).map(([from, to]) => (bytes: Buffer) => {
    const [start, end] = [at(bytes, Math.min(from, to)), at(bytes, Math.max(from, to))]
    return Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)])
  }),
  fc.tuple(place, place).map(([from, to]) => (bytes: Buffer) => {
    const [start, end] = [at(bytes, Math.min(from, to)), at(bytes, Math.max(from, to))]
    return Buffer.concat([bytes.subarray(0, end), bytes.subarray(start)])
  }),
  fc.tuple(place, fc.uint8Array({ minLength: 1, maxLength: 12 })).map(([where, inserted]) => (bytes: Buffer) => {
    const position = at(bytes, where)
    return Buffer.concat([bytes.subarray(0, position), inserted, bytes.subarray(position)])
  }),
)

const mutations = fc.array(mutation, { minLength: 1, maxLength: 4 })
const mutate = (bytes: Uint8Array, changes: readonly Mutation[]) =>
  changes.reduce<Buffer>((changed, change) => change(changed), Buffer.from(bytes))

/** Counts how it went, so that a test can say that both ways were seen. */
function tally(outcomes: Record<string, number>, run: () => unknown): void {
  let outcome = 'read'
  try {
    run()
  } catch (error) {
    if (!(error instanceof EegTorchError) || error.code === 'INTERNAL') throw error
    expect(error.message.length).toBeLessThan(1000)
    outcome = error.code
  }
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
}

/** Every mutated file is read or refused with an EegTorchError; and the mutations are neither all harmless nor all fatal. */
function holds(run: (bytes: Buffer) => unknown, files: readonly string[], numRuns: number): void {
  const outcomes: Record<string, number> = {}
  const originals = files.map(readFixture)
  fc.assert(
    fc.property(fc.constantFrom(...originals), mutations, (original, changes) => {
      tally(outcomes, () => run(mutate(original, changes)))
    }),
    { numRuns },
  )
  const { read = 0, ...refused } = outcomes
  expect(read).toBeGreaterThan(numRuns / 500)
  expect(Object.keys(refused).length).toBeGreaterThan(1)
}

test('2,500 mutated safetensors headers', () => {
  holds(
    (bytes) => {
      const length = readHeaderLength(bytes.subarray(0, 8), bytes.length, 'a')
      const { tensors } = parseSafetensorsHeader(bytes.subarray(8, 8 + length), bytes.length, 'a')
      for (const { storage, bytes: size } of tensors.values()) {
        expect(storage.offset + size).toBeLessThanOrEqual(bytes.length)
      }
    },
    ['linear.safetensors', 'odd-names.safetensors', 'every-dtype.safetensors'],
    2500,
  )
})

test('2,500 headers of wrong values', () => {
  const number = fc.oneof(fc.integer({ min: -2, max: 40 }), fc.double(), fc.constantFrom(2 ** 53, 2 ** 31, -0.5))
  const member = fc.oneof(number, fc.array(number, { maxLength: 4 }), fc.constantFrom('F32', 'U8', 'F99', null, true))
  const info = fc.record({ dtype: member, shape: member, data_offsets: member }, { requiredKeys: [] })
  const header = fc.dictionary(
    fc.oneof(fc.string(), fc.constantFrom('__proto__', '__metadata__', 'a')),
    fc.oneof(info, member),
  )
  const outcomes: Record<string, number> = {}
  fc.assert(
    fc.property(header, fc.nat(64), (value, data) => {
      const bytes = Buffer.from(JSON.stringify(value))
      tally(outcomes, () => parseSafetensorsHeader(bytes, 8 + bytes.length + data, 'a'))
    }),
    { numRuns: 2500 },
  )
  expect(Object.keys(outcomes).length).toBeGreaterThan(2)
})

test('6,000 mutated pickles of all protocols', () => {
  holds(
    (bytes) => {
      const { value } = unpickle(bytes, { names: checkpointNames, file: 'a' })
      JSON.stringify(toPlain(value, 'a', () => undefined))
    },
    [0, 1, 2, 3, 4, 5].map((protocol) => `values-${protocol}.pkl`),
    6000,
  )
})

test('4,000 pickles made of instructions at random', () => {
  const small = fc.nat(7).map((n) => String.fromCharCode(n))
  const names = [
    'builtins\nset',
    'collections\nOrderedDict',
    'torch\nSize',
    'numpy\ndtype',
    'torch._utils\n_rebuild_tensor_v2',
    'os\nsystem',
  ]
  const instruction = fc.oneof(
    fc.constantFrom(...'()]}N012abdelostu', ...'\x81\x85\x86\x87\x88\x89\x8f\x90\x91\x92\x93\x94'),
    fc.tuple(fc.constantFrom('K', 'h', 'q'), small).map(([code, n]) => code + n),
    fc.constantFrom(...names.map((name) => `c${name}\n`), "S'f8'\n", 'R', 'R', '\x8c\x02ab'),
  )
  const outcomes: Record<string, number> = {}
  fc.assert(
    fc.property(fc.array(instruction, { maxLength: 24 }), (instructions) => {
      const bytes = Buffer.from(`}]N${instructions.join('')}.`, 'latin1')
      tally(outcomes, () => toPlain(unpickle(bytes, { names: checkpointNames, file: 'a' }).value, 'a', () => undefined))
    }),
    { numRuns: 4000 },
  )
  expect(Object.keys(outcomes).sort()).toEqual(expect.arrayContaining(['FILE_INVALID', 'FILE_UNSAFE', 'read']))
})

test('2,500 mutated checkpoint files, opened whatever they are', () => {
  const path = join(folder, 'mutated')
  holds(
    (bytes) => {
      writeFileSync(path, bytes)
      const { tensors } = openCheckpoint(path)
      for (const { storage } of tensors.tensors.values()) {
        expect(storage.offset + storage.bytes).toBeLessThanOrEqual(bytes.length)
      }
    },
    ['state.pt', 'state-legacy.pt', 'training.pth', 'linear.safetensors', 'empty.safetensors'],
    2500,
  )
})

test('500 mutated checkpoint files whose tensors are loaded', async () => {
  const originals = ['state.pt', 'state-legacy.pt', 'linear.safetensors'].map(readFixture)
  const outcomes: Record<string, number> = {}
  let count = 0
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...originals), mutation, fc.boolean(), async (original, change, copy) => {
      // a mapped file is never written again: a new name each time
      const path = join(folder, `load-${count++}`)
      writeFileSync(path, mutate(original, [change]))
      const outcome = await load(path, copy)
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
    }),
    { numRuns: 500 },
  )
  expect(outcomes.read).toBeGreaterThan(20)
})

async function load(path: string, copy: boolean): Promise<string> {
  try {
    const tensors = await openCheckpoint(path).tensors.loadAll({ copy })
    for (const tensor of tensors.values()) {
      tensor.toArray()
      tensor.dispose()
    }
    return 'read'
  } catch (error) {
    if (error instanceof EegTorchError && error.code !== 'INTERNAL') return error.code
    throw error
  }
}
