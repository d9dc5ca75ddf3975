import { monitorEventLoopDelay } from 'node:perf_hooks'
import { asyncOps, type EegTorchError, numThreads, randn, setNumThreads } from 'eegtorch'

/** The 99th percentile of the event loop's delay in milliseconds while products are computed, and how many were. */
async function delayWhileComputing(milliseconds: number): Promise<{ delay: number; products: number }> {
  const x = randn([1200, 1200])
  const histogram = monitorEventLoopDelay({ resolution: 1 })
  const end = Date.now() + milliseconds
  let products = 0
  histogram.enable()
  while (Date.now() < end) {
    ;(await asyncOps.aten.matmul(x, x)).dispose()
    products++
  }
  histogram.disable()
  return { delay: histogram.percentile(99) / 1e6 - 1, products }
}

test('the event loop is free while the compute thread works', async () => {
  // One thread for the product, so that a core is left for the loop on two cores that other tests use too.
  const threads = numThreads()
  await setNumThreads(1)
  await delayWhileComputing(200)
  const windows: { delay: number; products: number }[] = []
  // Other processes on the cores spoil a window now and then; a loop that waits for each product (10 ms and more) spoils all.
  while (windows.length < 8 && !windows.some(({ delay }) => delay < 5)) windows.push(await delayWhileComputing(1000))
  await setNumThreads(threads)
  expect(Math.min(...windows.map(({ delay }) => delay))).toBeLessThan(5)
  expect(Math.max(...windows.map(({ products }) => products))).toBeGreaterThan(2)
})

test('an aborted signal rejects what waits, and leaves the rest alone', async () => {
  const x = randn([1500, 1500])
  const controller = new AbortController()
  const running = asyncOps.aten.matmul(x, x)
  const waiting = asyncOps.until(controller.signal).aten.matmul(x, x)
  const other = asyncOps.aten.sum(x)
  controller.abort()
  await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' })
  expect([(await running).shape, (await other).shape]).toEqual([[1500, 1500], []])
  const late = asyncOps.until(controller.signal).aten.sum(x)
  await expect(late.catch((error: EegTorchError) => error.code)).resolves.toBe('CANCELLED')
})
