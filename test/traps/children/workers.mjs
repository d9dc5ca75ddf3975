// Usage: node workers.mjs ENTRY MODE COUNT. Starts workers that alone load the addon, and ends them.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

const [entry, mode, count] = process.argv.slice(2)
const body = new URL('worker-body.mjs', import.meta.url)
const workers = Array.from({ length: Number(count) }, () => new Worker(body, { workerData: { entry, mode } }))
const exits = workers.map((worker) => once(worker, 'exit'))
const messages = await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0]))
if (mode === 'finish') {
  await Promise.all(exits)
} else {
  await new Promise((resolve) => setTimeout(resolve, 100))
  await Promise.all(workers.map((worker) => worker.terminate()))
}
console.log(messages.join('|'))
