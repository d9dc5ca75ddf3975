import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { runInWorkers } from '../../lib/experiment/worker-pool.ts'
import { rejectionOf } from '../thrown.ts'

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-workers-'))
const script = join(folder, 'worker.mjs')
const begun = (job: number) => join(folder, `begun-${job}`)
afterAll(() => rmSync(folder, { recursive: true }))

/** A worker that tells its number for each job, and does the jobs from 1 on without end. */
const WORKER = `import { renameSync, writeFileSync } from 'node:fs'
process.on('disconnect', () => process.exit())
process.on('message', (message) => {
  if (!('job' in message)) return process.send({ ready: true })
  const file = process.argv[1].replace('worker.mjs', 'begun-' + message.job)
  writeFileSync(file + '.draft', String(process.pid))
  renameSync(file + '.draft', file)
  if (message.job === 0) process.send({ done: process.pid })
})
`

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('what a caller throws ends every worker before it is thrown on, and no other job is begun', async () => {
  writeFileSync(script, WORKER)
  const pids: number[] = []
  const error = await rejectionOf(
    runInWorkers([0, 1, 2, 3], {
      ...{ script: pathToFileURL(script), size: 2, greeting: {} },
      onDone: async (_, pid) => {
        while (!existsSync(begun(1))) await sleep(5)
        pids.push(pid as number, Number(readFileSync(begun(1), 'utf8')))
        throw new Error('the disk is full')
      },
      onFailed: () => pids.push(-1),
    }),
  )
  expect(error.message).toBe('the disk is full')
  expect(pids.map(isAlive)).toEqual([false, false])
  expect([2, 3].map(begun).some(existsSync)).toBe(false)
})
