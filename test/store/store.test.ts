import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import {
  DataLoader,
  type EegWindows,
  type LoadedBatch,
  libtorchVersion,
  openStore,
  Standardiser,
  windowTensors,
  writeStore,
} from 'eegtorch'
import { EegTorchError } from '../../lib/errors.ts'
import { LmdbFile } from '../../lib/lmdb/lmdb-file.ts'
import { Random } from '../../lib/random.ts'
import { formatStore, inspectStore } from '../../lib/store/inspect-store.ts'
import { makeWindows } from '../evaluation/make-windows.ts'

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-store-'))
afterAll(() => rmSync(folder, { recursive: true }))

const random = new Random(4)
const source = makeWindows(
  Array.from({ length: 30 }, (_, i) => ({
    subject: `S${i % 3}`,
    run: `R${i % 3}`,
    session: '1',
    trial: 1 + Math.floor(i / 3),
    start: 40 * i,
    label: i % 2,
  })),
)
const windows = source.with({ data: source.data.map(() => 1e-5 * random.normal()) })
/** Recording by recording, as a store gives them back. */
const order = [0, 1, 2].flatMap((k) => Array.from({ length: 10 }, (_, i) => 3 * i + k))

test('a store gives back every window and what is known of it', async () => {
  const path = join(folder, 'whole')
  const split = { name: 'mine', train: [0, 1, 3], validation: [4], test: [2, 5] }
  await writeStore(path, windows, { pipeline: { text: 'steps: []', hash: 'abc' }, splits: [split] })
  const { header, windows: stored } = openStore(path)
  expect(header).toMatchObject({ windows: 30, sampleType: 'float32', montage: [[0, 0, 1]] })
  expect(header.pipeline).toEqual({ text: 'steps: []', hash: 'abc' })
  expect(header.splits).toEqual([{ name: 'mine', train: [0, 10, 1], validation: [11], test: [20, 21] }])
  expect([...stored.labels]).toEqual(order.map((i) => windows.labels[i]))
  expect(stored.origins).toEqual(order.map((i) => windows.origins[i]))
  expect(stored.recordings).toEqual(windows.recordings)
  expect(stored.channelNames).toEqual(['Cz'])
  for (const [i, index] of order.entries()) expect([...stored.window(i)]).toEqual([...windows.window(index)])
  await expect(writeStore(path, windows)).rejects.toThrow(/not overwritten/)
  expect(readdirSync(path)).toEqual(['data.mdb'])

  const copy = join(folder, 'copy')
  await writeStore(copy, stored)
  expect(openStore(copy).windows.pipeline).toBe('abc')
  expect(formatStore(inspectStore(copy))).toMatch(/^pipeline abc$/m)
})

test.each([
  ['int16', 1 / 65534],
  ['float16', 1 / 4096],
] as const)('%s keeps samples to a share of the largest of the channel', async (sampleType, share) => {
  const path = join(folder, sampleType)
  await writeStore(path, windows, { sampleType })
  const { windows: stored } = openStore(path)
  const errors = order.map((index, i) => {
    const [kept, given] = [stored.window(i), windows.window(index)]
    const largest = Math.max(...given.map(Math.abs))
    return Math.max(...kept.map((value, k) => Math.abs(value - given[k]!) / largest))
  })
  expect(Math.max(...errors)).toBeLessThan(share * 1.001)
  expect(Math.max(...errors)).toBeGreaterThan(share / 4)
})

test.each(['int16', 'float16'] as const)('%s refuses samples that are not finite', async (sampleType) => {
  const bad = windows.with({ data: windows.data.map((value, i) => (i === 77 ? Number.NaN : value)) })
  await expect(writeStore(join(folder, 'nan'), bad, { sampleType })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  expect(() => openStore(join(folder, 'nan'))).toThrow(EegTorchError)
})

test.each(['float32', 'float16', 'int16'] as const)(
  'batches of %s come as from memory, bit for bit',
  async (sampleType) => {
    const path = join(folder, `loader-${sampleType}`)
    await writeStore(path, windows, { sampleType })
    const part = openStore(path).windows.subset([29, 4, 4, 0, 17, 11, 23, 8, 9, 2, 1])
    expect(await batchesOf(part)).toEqual(await batchesOf(part.with({ data: part.data })))
    const standardiser = Standardiser.fit(part, [0, 3, 5])
    const [lazy, loaded] = [standardiser.apply(part), standardiser.apply(part.with({ data: part.data }))]
    expect(lazy.source).toBeDefined()
    expect(await batchesOf(lazy)).toEqual(await batchesOf(loaded))
    expect([...lazy.window(4)]).toEqual([...loaded.window(4)])
  },
)

describe('held on the device as a whole', () => {
  const heldOn = async (device: 'cpu' | 'cuda') => {
    const path = join(folder, `held-${device}`)
    await writeStore(path, windows, { sampleType: 'int16' })
    const some = openStore(path).windows.subset([29, 4, 4, 0, 17, 11, 23])
    const part = Standardiser.fit(some, [0, 3, 5]).apply(some)
    const options = { batchSize: 3, shuffle: true, seed: 5 }
    const held = new DataLoader(part, { ...options, device, resident: true })
    const moved = new DataLoader(part, { ...options, device, resident: false })
    const read = new DataLoader(part, options)
    for (const epoch of [0, 1]) {
      const expected = await numbersOf(read.epoch(epoch), 'cpu')
      expect(await numbersOf(moved.epoch(epoch), device)).toEqual(expected)
      expect(await numbersOf(held.epoch(epoch), device)).toEqual(expected)
    }
    const expected = await numbersOf(read.epoch(2), 'cpu')
    truncateSync(join(path, 'data.mdb'), 4096)
    expect(await numbersOf(held.epoch(2), device)).toEqual(expected)
    await expect(numbersOf(moved.epoch(2), device)).rejects.toMatchObject({ code: 'FILE_TRUNCATED' })
    for (const loader of [held, moved, read]) loader.dispose()
  }

  test('the same batches in every epoch, from memory once they are there', () => heldOn('cpu'))

  const withGpu = libtorchVersion().devices > 0 ? test : test.skip
  withGpu('the same on a GPU', () => heldOn('cuda'))

  test('a store that goes bad while it is taken in is an error, and no batch', async () => {
    const path = join(folder, 'held-damaged')
    await writeStore(path, windows)
    const stored = openStore(path).windows
    const file = join(path, 'data.mdb')
    const loader = new DataLoader(stored, { batchSize: 4, resident: true })
    writeFileSync(file, readFileSync(file).fill(0, 8192))
    await expect(numbersOf(loader.epoch(0), 'cpu')).rejects.toMatchObject({ code: 'FILE_INVALID' })
    loader.dispose()
  })

  test('windows in memory, and tensors, give batches where they are asked for', async () => {
    const memory = new DataLoader(windows, { batchSize: 7, device: 'cpu', resident: true })
    const plain = new DataLoader(windowTensors(windows), { batchSize: 7 })
    expect(await numbersOf(memory.epoch(0), 'cpu')).toEqual(await numbersOf(plain.epoch(0), 'cpu'))
    memory.dispose()
  })
})

/** Inputs, classes and rows of each batch, which has to be on a device. */
async function numbersOf(batches: AsyncIterable<LoadedBatch>, device: string): Promise<unknown[]> {
  const found: unknown[] = []
  for await (const { inputs, targets, indices } of batches) {
    expect([inputs.device.split(':')[0], targets.device.split(':')[0]]).toEqual([device, device])
    found.push([inputs.to('cpu').toArray(), targets.to('cpu').toArray(), indices])
  }
  return found
}

describe('damage', () => {
  const path = join(folder, 'damaged')
  const file = join(path, 'data.mdb')
  let bytes: Buffer

  beforeAll(async () => {
    await writeStore(path, windows)
    bytes = readFileSync(file)
  })

  test('a store cut anywhere is refused', () => {
    for (let percent = 0; percent < 100; percent++) {
      writeFileSync(file, bytes.subarray(0, Math.floor((bytes.length * percent) / 100)))
      expect(outcome(path)).toMatch(/^FILE_(TRUNCATED|INVALID)$/)
    }
  })

  test('flipped bits are found, wherever they matter', () => {
    const met = new Map<string, number>()
    for (let i = 0; i < 400; i++) {
      const flipped = Buffer.from(bytes)
      const bit = random.below(bytes.length * 8)
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      writeFileSync(file, flipped)
      const code = outcome(path)
      met.set(code, 1 + (met.get(code) ?? 0))
    }
    expect([...met.keys()].filter((one) => !/^(same|FILE_(INVALID|TRUNCATED|UNSUPPORTED))$/.test(one))).toEqual([])
    expect(met.get('FILE_INVALID')).toBeGreaterThan(20)
  })

  test('the loader’s threads report a sample that has changed, and a file that got shorter', async () => {
    writeFileSync(file, bytes)
    const { windows: stored } = openStore(path)
    const lmdb = new LmdbFile(path)
    const changed = Buffer.from(bytes)
    changed[lmdb.offsets[lmdb.indexOf('w00000001/00000004')]! + 5]! ^= 1
    writeFileSync(file, changed)
    await expect(batchesOf(stored)).rejects.toMatchObject({ code: 'FILE_INVALID' })
    expect(() => stored.window(14)).toThrow(/another checksum/)
    const loader = new DataLoader(stored, { batchSize: 4 })
    writeFileSync(file, bytes.subarray(0, 20_000))
    await expect(collect(loader)).rejects.toMatchObject({ code: 'FILE_TRUNCATED' })
    expect(() => new DataLoader(stored, { batchSize: 4 })).toThrow(/size changed/)
    loader.dispose()
  })

  test('a header of a later version, or one whose counts lie, is refused', () => {
    const lmdb = new LmdbFile(writeBytes(bytes))
    const header = lmdb.get('eegtorch')!
    const write = (text: string, version = 1) => {
      const head = `eegtorch windows ${version} ${crc32(text)}\n`
      const out = Buffer.from(bytes)
      const value = Buffer.from(head + text)
      value.copy(out, lmdb.offsets[lmdb.indexOf('eegtorch')]!)
      writeFileSync(file, out)
    }
    const json = header.subarray(header.indexOf('\n') + 1).toString()
    const change = (from: string, to: string) => json.replace(from, to).padEnd(json.length)
    const cases: [string, number?][] = [
      [json, 2],
      [change('"windows":30', '"windows":99')],
      [change('"nSamples":30', '"nSamples":60')],
      [change('"step":30', '"step":-1')],
      [change('["a","b","c"]', '["a","c","c"]')],
    ]
    const codes = cases.map(([text, version]) => {
      // the checksum's digits may be fewer than before
      write(text, version)
      return outcome(path)
    })
    expect(codes[0]).toMatch(/FILE_(UNSUPPORTED|INVALID)/)
    expect(codes.slice(1).every((code) => code === 'FILE_INVALID')).toBe(true)
  })

  function writeBytes(content: Buffer): string {
    writeFileSync(file, content)
    return path
  }
})

/** `same`, or the code of the error. */
function outcome(path: string): string {
  try {
    const { windows: stored } = openStore(path)
    const isSame = order.every((index, i) => {
      const given = windows.window(index)
      return stored.window(i).every((value, k) => value === given[k])
    })
    const told = tell(stored.origins) === tell(order.map((index) => windows.origins[index]!))
    return isSame && told ? 'same' : 'other'
  } catch (error) {
    if (!(error instanceof EegTorchError)) throw error
    return error.code
  }
}

const tell = (origins: EegWindows['origins']) =>
  origins.map(({ recording, trial, onset, start, label }) => [recording, trial, onset, start, label]).join()

async function batchesOf(set: EegWindows): Promise<unknown[]> {
  const loader = new DataLoader(set, { batchSize: 4, shuffle: true, seed: 9 })
  try {
    return await collect(loader)
  } finally {
    loader.dispose()
  }
}

async function collect(loader: DataLoader): Promise<unknown[]> {
  const batches: unknown[] = []
  for await (const { inputs, targets, indices } of loader) {
    batches.push([[...inputs.shape], [...inputs.toTypedArray()], [...targets.toTypedArray()], indices])
  }
  return batches
}
