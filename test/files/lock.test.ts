import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EegTorchError } from '../../lib/errors.ts'
import { takeLock, thisProcess, withLock } from '../../lib/files/lock.ts'
import { rejectionOf } from '../thrown.ts'

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'eegtorch-lock-'))
  path = join(folder, 'lock')
})
afterEach(() => rmSync(folder, { recursive: true }))

const refuse = () => new EegTorchError('FILE_WRITE_FAILED', 'it is held')
const aged = (seconds: number) => utimesSync(path, Date.now() / 1000 - seconds, Date.now() / 1000 - seconds)

test('of many that ask at once, one gets the lock, and nothing is left of it', async () => {
  const asked = await Promise.allSettled(Array.from({ length: 20 }, () => takeLock(path, { refuse })))
  const held = asked.filter(({ status }) => status === 'fulfilled') as PromiseFulfilledResult<{
    release(): Promise<void>
  }>[]
  expect(held.length).toBe(1)
  expect(readdirSync(folder)).toEqual(['lock'])
  await held[0]!.value.release()
  expect(readdirSync(folder)).toEqual([])
})

test('who waits gets it in turn', async () => {
  const order: string[] = []
  const work = (name: string) =>
    withLock(path, {}, async () => {
      order.push(name)
      await new Promise((resolve) => setTimeout(resolve, 20))
      order.push(name)
    })
  await Promise.all(['a', 'b', 'c'].map(work))
  expect(order.filter((_, i) => i % 2 === 0)).toEqual(order.filter((_, i) => i % 2 === 1))
})

test('an empty lock is being written, and is not taken until it is old', async () => {
  writeFileSync(path, '')
  const stop = AbortSignal.timeout(400)
  expect((await rejectionOf(takeLock(path, { refuse, signal: stop }))).code).toBe('CANCELLED')
  expect(existsSync(path)).toBe(true)
  aged(10)
  await (await takeLock(path, { refuse })).release()
})

test('that of the dead is taken over, and its late release leaves the new one alone', async () => {
  const first = await takeLock(path)
  aged(120)
  const second = await takeLock(path, { refuse })
  const content = readFileSync(path, 'utf8')
  await first.release()
  expect(readFileSync(path, 'utf8')).toBe(content)
  await second.release()
  writeFileSync(path, JSON.stringify({ ...(await thisProcess()), pid: 99999999 }))
  await (await takeLock(path, { refuse })).release()
  expect(readdirSync(folder)).toEqual([])
})
