// A worker that computes: `mode` says how it ends.
import { parentPort, workerData } from 'node:worker_threads'

const { asyncOps, ones, ops, randn } = await import(workerData.entry)

if (workerData.mode === 'finish') {
  const x = randn([64, 64])
  const results = await Promise.all([1, 2, 3].map(() => asyncOps.aten.matmul(x, x)))
  parentPort.postMessage(results.map((y) => y.shape.join()).join(';'))
} else {
  parentPort.postMessage('started')
  const x = randn([900, 900])
  if (workerData.mode === 'async') for (;;) await Promise.all([1, 2, 3, 4].map(() => asyncOps.aten.matmul(x, x)))
  for (;;) ops.aten.mul(ones([100]), 2)
}
