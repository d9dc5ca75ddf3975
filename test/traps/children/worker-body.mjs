// A worker that computes: `mode` says how it ends.
import { parentPort, workerData } from 'node:worker_threads'

const { asyncOps, ones, ops, randn, record } = await import(workerData.entry)

if (workerData.mode === 'finish') {
  const x = randn([64, 64])
  const results = await Promise.all([1, 2, 3].map(() => asyncOps.aten.matmul(x, x)))
  parentPort.postMessage(results.map((y) => y.shape.join()).join(';'))
} else {
  parentPort.postMessage('started')
  const x = randn([900, 900])
  if (workerData.mode === 'async') for (;;) await Promise.all([1, 2, 3, 4].map(() => asyncOps.aten.matmul(x, x)))
  if (workerData.mode === 'results') {
    // so that the end comes while a promise is kept: each call has many results to wrap
    const many = record((y) => Array.from({ length: 60 }, (_, i) => y.add(i)))
    const small = ones([10])
    many(small)
    const loop = async () => {
      for (;;) await many.async(small)
    }
    await Promise.all(Array.from({ length: 8 }, loop))
  }
  for (;;) ops.aten.mul(ones([100]), 2)
}
