import { monitorEventLoopDelay } from 'node:perf_hooks'
import { asyncOps, type EegTorchError, randn } from 'eegtorch'

test('the event loop is free while the compute thread works', async () => {
  const x = randn([1200, 1200])
  await asyncOps.aten.matmul(x, x)
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const end = Date.now() + 1500
  let turns = 0
  while (Date.now() < end) {
    await asyncOps.aten.matmul(x, x)
    turns++
  }
  delay.disable()
  expect(turns).toBeGreaterThan(2)
  expect(delay.percentile(99) / 1e6 - 1).toBeLessThan(5)
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
