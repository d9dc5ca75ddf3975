import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import {
  type BaselineDecoder,
  bandPowerLda,
  blockControl,
  cspLda,
  decodeFolds,
  EegWindows,
  kFold,
  mdm,
  openStore,
  proveSplit,
  Random,
  Standardiser,
  tangentSpaceLr,
  writeStore,
} from 'eegtorch'
import { StoredSamples } from '../../lib/store/stored-samples.ts'
import { leastOf } from '../event-loop.ts'
import { errorOf } from '../thrown.ts'

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-large-'))
afterAll(() => rmSync(folder, { recursive: true }))

const [nChannels, nSamples, count] = [6, 128, 1200]
const random = new Random(4)
const inMemory = new EegWindows({
  data: Float32Array.from({ length: count * nChannels * nSamples }, (_, i) => {
    const window = Math.floor(i / nSamples / nChannels)
    return 1e-5 * random.normal() * (window % 2 === 1 && Math.floor(i / nSamples) % nChannels === 2 ? 2 : 1)
  }),
  origins: Array.from({ length: count }, (_, i) => ({
    ...{ recording: i % 2, trial: 1 + (i >> 1), start: 200 * i, onset: 2 * i, label: (i >> 1) % 2 },
  })),
  recordings: ['a', 'b'].map((run) => ({ name: run, identity: `/data/${run}`, subject: 'S1', session: '1', run })),
  classNames: ['rest', 'left'],
  channelNames: ['C3', 'C1', 'Cz', 'C2', 'C4', 'CPz'],
  ...{ nSamples, samplingRate: 100 },
})

let stored: EegWindows
beforeAll(async () => {
  await writeStore(join(folder, 'store'), inMemory)
  stored = openStore(join(folder, 'store')).windows
})

/** How many windows are read one by one, which holds up the event loop. */
async function blockingReads(run: () => unknown): Promise<number> {
  const read = jest.spyOn(StoredSamples.prototype, 'read')
  try {
    await run()
    return read.mock.calls.length
  } finally {
    read.mockRestore()
  }
}

test('a split of stored windows is proved without reading them, and copies are found all the same', async () => {
  const splits = kFold(stored, { folds: 4 })
  expect(await blockingReads(() => kFold(stored, { folds: 4 }))).toBe(0)
  const loaded = stored.with({ data: stored.data })
  expect(proveSplit(stored, splits[0]!)).toEqual(proveSplit(loaded, splits[0]!))

  const size = nChannels * nSamples
  const data = inMemory.data.slice()
  data.fill(3, 0, 2 * size)
  data.copyWithin(9 * size, 40 * size, 41 * size)
  const flawed = inMemory.with({ data })
  await writeStore(join(folder, 'flawed'), flawed)
  const { windows } = openStore(join(folder, 'flawed'))
  const find = (wanted: number) => windows.origins.findIndex(({ onset }) => onset === inMemory.origins[wanted]!.onset)
  const split = { name: 'x', train: [find(0), find(9), find(20)], test: [find(3), find(40), find(1)] }
  expect(errorOf(() => proveSplit(windows, split)).message).toMatch(/hold the same samples/)
  // Flat windows equal each other without being copies.
  const flat = { name: 'x', train: [find(0), find(20)], test: [find(1), find(44)] }
  expect(await blockingReads(() => expect(proveSplit(windows, flat).compared).toBe(2))).toBeLessThan(5)
})

test('a standardiser learns the same, to the bit, from a store, and reads no window by itself', async () => {
  const indices = Array.from({ length: 500 }, (_, i) => (7 * i) % count)
  const expected = Standardiser.fit(stored, indices)
  let found = expected
  expect(await blockingReads(async () => (found = await Standardiser.fitAsync(stored, indices)))).toBe(0)
  expect(found.toJSON()).toEqual(expected.toJSON())
  expect(found.fittedOn).toEqual(expected.fittedOn)
})

test.each<BaselineDecoder>([tangentSpaceLr({ band: null }), mdm({ band: null }), cspLda(), bandPowerLda()])(
  '$name answers alike from a store and from memory, and the event loop goes on',
  async (decoder) => {
    const splits = kFold(stored, { folds: 2 })
    const expected = (await decodeFolds(stored.with({ data: stored.data }), splits, decoder)).predictions
    /** The longest stall as a share of the whole time. */
    const stallOf = async (): Promise<number> => {
      const delays: number[] = []
      let since = performance.now()
      const ticking = setInterval(() => {
        delays.push(performance.now() - since)
        since = performance.now()
      }, 1)
      const begun = performance.now()
      let predictions: unknown
      const reads = await blockingReads(async () => {
        ;({ predictions } = await decodeFolds(stored, splits, decoder))
      })
      const took = performance.now() - begun
      clearInterval(ticking)
      expect(reads).toBe(0)
      expect(predictions).toEqual(expected)
      expect(delays.length).toBeGreaterThan(4)
      return Math.max(...delays) / took
    }
    expect(await leastOf(0.7, stallOf)).toBeLessThan(0.7)
  },
)

test('controls look at stored windows in the same way', async () => {
  let results: unknown
  expect(await blockingReads(async () => (results = await blockControl(stored)))).toBe(0)
  expect(results).toEqual(await blockControl(stored.with({ data: stored.data })))
})

test('a record that has changed is found by the way that does not block', async () => {
  const { path } = (stored.source as StoredSamples).layout
  const source = new StoredSamples(
    { ...(stored.source as StoredSamples).layout, checksums: new Uint32Array(count) },
    Int32Array.from([3, 4]),
  )
  await expect(source.load([1])).rejects.toMatchObject({ code: 'FILE_INVALID' })
  const short = { ...(stored.source as StoredSamples).layout, offsets: new Float64Array(count).fill(1e9) }
  await expect(new StoredSamples(short, Int32Array.from([3])).load([0])).rejects.toMatchObject({
    code: 'FILE_TRUNCATED',
    file: path,
  })
  const gone = { ...short, path: join(folder, 'none') }
  await expect(new StoredSamples(gone, Int32Array.from([3])).load([0])).rejects.toMatchObject({
    code: 'FILE_NOT_FOUND',
  })
})
