import { randomBytes } from 'node:crypto'
import { link, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { EegTorchError } from '../errors.ts'

/** A holder that has given no sign of life for this long is taken for dead, whatever machine it runs on. */
const STALE_MS = 60_000
/** Writing a few bytes takes no longer. */
const UNWRITTEN_MS = 5_000
const HEARTBEAT_MS = 5_000
const POLL_MS = 250
/** What linking fails with where the file system has no hard links. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'])

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
  /** In place of waiting: what to throw when another holds the lock. */
  refuse?: (owner: Owner) => Error
  signal?: AbortSignal
}

/** A lock file that is held until it is released. */
export interface Lock {
  /** Removes the lock file, unless another process took it over meanwhile. */
  release(): Promise<void>
}

/**
 * Runs `work` while holding a lock file; waits while another living process holds it. A lock whose process has died, by
 * SIGKILL or power loss, is taken over. The lock only saves double work: what is done under it must stay right without it.
 */
export async function withLock<T>(path: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  const lock = await takeLock(path, options)
  try {
    return await work()
  } finally {
    await lock.release()
  }
}

/** {@link withLock} for work that begins and ends in different places. */
export async function takeLock(path: string, options: LockOptions = {}): Promise<Lock> {
  // Its own mark tells this lock from another of the same process.
  const content = JSON.stringify({ ...(await thisProcess()), mark: randomBytes(6).toString('hex') })
  await acquire(path, content, options)
  const heartbeat = setInterval(() => {
    utimes(path, new Date(), new Date()).catch(() => undefined)
  }, HEARTBEAT_MS)
  heartbeat.unref()
  const release = async () => {
    clearInterval(heartbeat)
    const held = await readFile(path, 'utf8').catch(() => undefined)
    if (held === content) await discard(path, content)
  }
  return { release }
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

async function acquire(path: string, content: string, { onWait, refuse, signal }: LockOptions): Promise<void> {
  for (let hasWaited = false; ; ) {
    if (signal?.aborted)
      throw new EegTorchError('CANCELLED', 'waiting for another process was cancelled', { file: path })
    if (await create(path, content)) return
    const held = await readFile(path, 'utf8').catch(() => undefined)
    if (held === undefined) continue
    if (await isStale(path, held)) {
      await discard(path, held)
      continue
    }
    const owner = parseOwner(held)
    if (owner !== undefined && refuse !== undefined) throw refuse(owner)
    if (owner !== undefined && !hasWaited) onWait?.(owner)
    hasWaited ||= owner !== undefined
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
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return false
    if (code === undefined || !NO_LINKS.has(code)) throw error
    return await createInPlace(path, content)
  } finally {
    await rm(temporary, { force: true })
  }
}

/** On a file system without hard links; what was not written to the end is told by {@link isStale}. */
async function createInPlace(path: string, content: string): Promise<boolean> {
  try {
    await writeFile(path, content, { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function isStale(path: string, content: string): Promise<boolean> {
  const age = await stat(path).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => 0,
  )
  const owner = parseOwner(content)
  // No owner: being written just now, or cut short by a power loss.
  if (owner === undefined) return age > UNWRITTEN_MS
  return age > STALE_MS || !(await isAlive(owner))
}

function parseOwner(text: string): Owner | undefined {
  try {
    const { pid, host, started } = JSON.parse(text) as Owner
    const isOwner = Number.isInteger(pid) && pid > 0 && typeof host === 'string' && typeof started === 'string'
    return isOwner ? { pid, host, started } : undefined
  } catch {
    return undefined
  }
}

/** Removes a lock of this content; when another process was quicker and the file is its new lock, that one is put back. */
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
