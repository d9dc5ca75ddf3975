import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import { EegWindows, memory, openStore, writeStore } from 'eegtorch'
import { requireNumbers } from '../../lib/cli/require-numbers.ts'
import { useOneThread } from '../one-thread.ts'
import { rejectionOf } from '../thrown.ts'

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-numbers-'))
const store = join(folder, 'store')
afterAll(() => rmSync(folder, { recursive: true }))
useOneThread()

/** 48 MiB: more than is read at a time. The last window holds what is no number. */
const [count, channels, samples] = [96, 16, 8192]

beforeAll(async () => {
  const data = new Float32Array(count * channels * samples)
  data[((count - 1) * channels + 3) * samples + 5] = Number.POSITIVE_INFINITY
  const origins = Array.from({ length: count }, (_, i) => ({
    ...{ recording: 0, trial: i + 1, onset: i, start: i * samples, label: i % 2 },
  }))
  const windows = new EegWindows({
    ...{ data, origins, nSamples: samples, samplingRate: 256, classNames: ['a', 'b'] },
    recordings: [{ name: 'one.edf', identity: 'one', subject: 'A', session: undefined, run: undefined }],
    channelNames: Array.from({ length: channels }, (_, i) => `E${i + 1}`),
  })
  await writeStore(store, windows)
})

test('the trial is named, however far behind, and what is not asked for is not looked at', async () => {
  const { windows } = openStore(store)
  const before = memory().tensors
  const error = await rejectionOf(requireNumbers(windows, store))
  expect(error).toMatchObject({ code: 'FILE_INVALID', file: store, received: 'Infinity' })
  expect(error.message).toMatch(/one\.edf trial 96, channel E4/)
  await requireNumbers(windows, store, count - 1)
  expect(memory().tensors).toBe(before)
})

test('the event loop is free while windows are judged', async () => {
  const { windows } = openStore(store)
  const delay = monitorEventLoopDelay({ resolution: 1 })
  /** The longest stall as a share of the whole time: near 1 where windows are read and judged in one piece. */
  const stallOf = async (): Promise<number> => {
    delay.reset()
    delay.enable()
    await setTimeout(5) // it measures from turn to turn
    const begin = performance.now()
    await requireNumbers(windows, store, count - 1)
    const took = performance.now() - begin
    await setTimeout(5)
    delay.disable()
    return delay.max / 1e6 / took
  }
  await stallOf() // compiles what is called
  const shares: number[] = []
  // Other processes on the cores spoil a window now and then.
  while (shares.length < 8 && !shares.some((share) => share < 0.5)) shares.push(await stallOf())
  expect(Math.min(...shares)).toBeLessThan(0.5)
})
