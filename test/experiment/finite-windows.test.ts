import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EegWindows, memory, openStore, writeStore } from 'eegtorch'
import { requireFinite } from '../../lib/experiment/finite-windows.ts'
import { leastOf, stallDuring } from '../event-loop.ts'
import { useOneThread } from '../one-thread.ts'
import { rejectionOf } from '../thrown.ts'

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-numbers-'))
const store = join(folder, 'store')
afterAll(() => rmSync(folder, { recursive: true }))
useOneThread()

/** 48 MiB: more than is read at a time. The last window holds what is no number. */
const [count, channels, samples] = [96, 16, 8192]
const others = Array.from({ length: count - 1 }, (_, i) => i)

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
  const error = await rejectionOf(requireFinite(windows, { file: store }))
  expect(error).toMatchObject({ code: 'FILE_INVALID', file: store, received: 'Infinity' })
  expect(error.message).toMatch(/one\.edf trial 96, channel E4/)
  await requireFinite(windows, { file: store, indices: others })
  expect(memory().tensors).toBe(before)
})

test('the event loop is free while windows are judged', async () => {
  const { windows } = openStore(store)
  const stallOf = () => stallDuring(() => requireFinite(windows, { file: store, indices: others }))
  await stallOf() // compiles what is called
  expect(await leastOf(0.5, stallOf)).toBeLessThan(0.5)
})
