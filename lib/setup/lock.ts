import { randomBytes } from 'node:crypto'
import { link, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { EegTorchError } from '../errors.ts'

/** A holder that has given no sign of life for this long is taken for dead, whatever machine it runs on. */
const STALE_MS = 60_000
const HEARTBEAT_MS = 5_000
const POLL_MS = 250

/** Which process wrote something: enough to tell it from a later process with the same number. */
export interface Owner {
  pid: number
  host: string
  /** When the process started, in clock ticks since boot; empty where /proc is missing. */
  started: string
}

export interface LockOptions {
  /** Called once when another process holds the lock. */
  onWait?: (owner: Owner) => void
  signal?: AbortSignal
}

/**
 * Runs `work` while holding a lock file; waits while another living process holds it. A lock whose process has died, by
 * SIGKILL or power loss, is taken over. The lock only saves double work: what is done under it must stay right without it.
 */
export async function withLock<T>(path: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  await acquire(path, options)
  const heartbeat = setInterval(() => {
    utimes(path, new Date(), new Date()).catch(() => undefined)
  }, HEARTBEAT_MS)
  heartbeat.unref()
  try {
    return await work()
  } finally {
    clearInterval(heartbeat)
    await rm(path, { force: true })
  }
}

/** This process, as others can recognise it. */
export async function thisProcess(): Promise<Owner> {
  return { pid: process.pid, host: hostname(), started: await startTime(process.pid) }
}

/** Whether the process still runs; on another machine it cannot be known and counts as running. */
export async function isAlive(owner: Owner): Promise<boolean> {
  if (owner.host !== hostname()) return true
  try {
    process.kill(owner.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  return owner.started === (await startTime(owner.pid))
}

/** Removes a lock file in the making (`LOCK.hex`) whose process was killed before it could take or drop it. */
export async function removeLockDraft(path: string): Promise<void> {
  const content = await readFile(path, 'utf8').catch(() => '')
  if (content !== '' && (await isStale(path, content))) await rm(path, { force: true })
}

async function acquire(path: string, { onWait, signal }: LockOptions): Promise<void> {
  const content = JSON.stringify(await thisProcess())
  for (let hasWaited = false; ; hasWaited = true) {
    if (signal?.aborted) throw new EegTorchError('CANCELLED', 'set-up was cancelled')
    if (await create(path, content)) return
    const held = await readFile(path, 'utf8').catch(() => undefined)
    if (held === undefined) continue
    if (await isStale(path, held)) {
      await discard(path, held)
      continue
    }
    if (!hasWaited) onWait?.(JSON.parse(held) as Owner)
    await sleep(POLL_MS)
  }
}

/** Creates the lock with its content in one step, so that nobody reads half of it; false when it exists. */
async function create(path: string, content: string): Promise<boolean> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`
  await writeFile(temporary, content)
  try {
    await link(temporary, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    await rm(temporary, { force: true })
  }
}

async function isStale(path: string, content: string): Promise<boolean> {
  const age = await stat(path).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => 0,
  )
  if (age > STALE_MS) return true
  try {
    return !(await isAlive(JSON.parse(content) as Owner))
  } catch {
    return true
  }
}

/** Removes a stale lock; when another process was quicker and the file is its new lock, that one is put back. */
async function discard(path: string, content: string): Promise<void> {
  const aside = `${path}.${randomBytes(6).toString('hex')}`
  try {
    await rename(path, aside)
  } catch {
    return
  }
  if ((await readFile(aside, 'utf8')) !== content) await link(aside, path).catch(() => undefined)
  await rm(aside, { force: true })
}

/** Field 22 of /proc/PID/stat; the name in field 2 may hold spaces and brackets, so fields are counted after it. */
async function startTime(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}
