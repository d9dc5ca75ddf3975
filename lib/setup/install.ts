import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { EegTorchError } from '../errors.ts'
import { requireSpace } from '../files/free-space.ts'
import { isAlive, type Owner, removeLockDraft, thisProcess, withLock } from '../files/lock.ts'
import { extractWheel } from './extract.ts'
import type { CopyManifest } from './manifest.ts'
import { LIBTORCH_VERSION, localCopyFolder } from './paths.ts'
import { diskFull, downloadWheels } from './pip.ts'
import { toolkitWheels, torchRequirements } from './requirements.ts'
import { pinnedWheels, type Wheel } from './wheels.ts'

/** How far set-up has come. */
export interface SetupProgress {
  step: 'wait' | 'download' | 'verify' | 'unpack'
  /** The package being worked on, or the process waited for. */
  what: string
  /** Bytes done, and in all where that is known (0 otherwise). */
  done: number
  total: number
}

/** Options of {@link installLibTorch}. */
export interface InstallOptions {
  /** Take the GPU libraries too. Default false. */
  cuda?: boolean
  /** LibTorch release. Default: the pinned one; any other is taken as the package index has it, its checksums recorded, not known beforehand. */
  version?: string
  /** Make the copy again even where there is one. Default false. */
  force?: boolean
  onProgress?: (progress: SetupProgress) => void
  signal?: AbortSignal
  /** The wheels to take instead of the pinned ones; tests use it. */
  wheels?: Wheel[]
}

/** The local copy that set-up made or found. */
export interface Installed {
  folder: string
  version: string
  /** False when the copy was there already. */
  isNew: boolean
  /** Whether the checksums were known beforehand, rather than only recorded. */
  isPinned: boolean
}

/** Unpacked LibTorch and the wheels it comes from lie side by side for a while. */
const NEEDED_BYTES = { cpu: 1.2e9, cuda: 6.5e9 }

/**
 * Makes a local copy of LibTorch from wheels that pip downloads. The copy is built under another name and renamed when it is complete: whatever
 * interrupts it, there is either nothing or a whole copy. Two set-ups at once end in one copy; the second waits for the first.
 *
 * @throws EegTorchError `SETUP_FAILED` with what to do about it; `CANCELLED` when the signal fires
 */
export async function installLibTorch(options: InstallOptions = {}): Promise<Installed> {
  const { cuda = false, version = LIBTORCH_VERSION, force = false } = options
  const folder = localCopyFolder(version, cuda)
  const isPinned = options.wheels !== undefined || version === LIBTORCH_VERSION
  const found = { folder, version, isNew: false, isPinned }
  if (!force && isComplete(folder)) return found
  try {
    await mkdir(dirname(folder), { recursive: true })
    const onWait = ({ pid }: Owner) => options.onProgress?.({ step: 'wait', what: `process ${pid}`, done: 0, total: 0 })
    return await withLock(`${folder}.lock`, { onWait, ...pick(options.signal) }, async () => {
      if (!force && isComplete(folder)) return found
      await removeLeftovers(folder)
      if (options.wheels === undefined) {
        const advice = 'free some, or set XDG_CACHE_HOME to a folder on a larger disk'
        await requireSpace(dirname(folder), NEEDED_BYTES[cuda ? 'cuda' : 'cpu'], { code: 'SETUP_FAILED', advice })
      }
      await makeCopy(folder, version, options)
      return { ...found, isNew: true }
    })
  } catch (error) {
    throw asSetupError(error, folder)
  }
}

/** Whether a local copy is there, whole. */
function isComplete(folder: string): boolean {
  return existsSync(join(folder, 'eegtorch.json'))
}

async function makeCopy(folder: string, version: string, options: InstallOptions): Promise<void> {
  const owner = await thisProcess()
  const work = `${folder}.partial-${Buffer.from(JSON.stringify(owner)).toString('base64url')}-${randomBytes(3).toString('hex')}`
  try {
    const copy = join(work, 'copy')
    await mkdir(copy, { recursive: true })
    const wheels = await fetchWheels(work, version, options)
    const manifest: CopyManifest = { version, cuda: options.cuda ?? false, wheels: [], files: {} }
    for (const { wheel, path } of wheels) {
      manifest.wheels.push({
        file: basename(path),
        sha256: await verify(wheel, path, options),
        pinned: wheel.sha256 !== undefined,
      })
      const onBytes = (done: number, total: number) =>
        options.onProgress?.({ step: 'unpack', what: wheel.name, done, total })
      Object.assign(
        manifest.files,
        await extractWheel(path, copy, { cuda: manifest.cuda, onBytes, ...pick(options.signal) }),
      )
      await rm(path)
    }
    await flush(copy)
    await writeFile(join(copy, 'eegtorch.json'), `${JSON.stringify(manifest, undefined, 1)}\n`, { flush: true })
    await putInPlace(copy, folder)
  } finally {
    await rm(work, { recursive: true, force: true, maxRetries: 3 })
  }
}

interface Fetched {
  wheel: Wheel
  path: string
}

async function fetchWheels(work: string, version: string, options: InstallOptions): Promise<Fetched[]> {
  const cuda = options.cuda ?? false
  if (options.wheels) return fetch(options.wheels, work, options)
  if (version === LIBTORCH_VERSION) return fetch(pinnedWheels(cuda), work, options)
  const torch = await fetch([{ name: 'torch', version }], work, options)
  const { wheels, toolkit } = torchRequirements(torch[0]!.path, cuda)
  if (toolkit) {
    const [metadata] = await fetch([toolkit.wheel], work, options)
    wheels.push(...toolkitWheels(metadata!.path, toolkit.extras))
  }
  return wheels.length === 0 ? torch : [...torch, ...(await fetch(wheels, work, options))]
}

async function fetch(wheels: Wheel[], work: string, { onProgress, signal }: InstallOptions): Promise<Fetched[]> {
  const total = wheels.every(({ bytes }) => bytes !== undefined)
    ? wheels.reduce((sum, { bytes }) => sum + bytes!, 0)
    : 0
  const names = wheels.map(({ name }) => name)
  const what = names.length > 2 ? `${names[0]} and ${names.length - 1} more` : names.join(', ')
  onProgress?.({ step: 'download', what, done: 0, total })
  const onBytes = (done: number) =>
    onProgress?.({ step: 'download', what, done: total ? Math.min(done, total) : done, total })
  const paths = await downloadWheels(wheels, work, { onBytes, ...pick(signal) })
  return wheels.map((wheel, index) => ({ wheel, path: paths[index]! }))
}

/** Compares a wheel with its known checksum, where there is one. @returns the checksum */
async function verify(wheel: Wheel, path: string, { onProgress }: InstallOptions): Promise<string> {
  const total = (await stat(path)).size
  onProgress?.({ step: 'verify', what: wheel.name, done: 0, total })
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash)
  const sha256 = hash.digest('hex')
  if (wheel.sha256 === undefined || wheel.sha256 === sha256) return sha256
  throw new EegTorchError('SETUP_FAILED', 'the download is not the file that was published, so it was thrown away', {
    file: basename(path),
    expected: `sha256 ${wheel.sha256}`,
    received: sha256,
  })
}

/** One flush of the file system instead of one for each of 10,000 files; without the command the kernel flushes in its own time. */
async function flush(folder: string): Promise<void> {
  await promisify(execFile)('sync', ['-f', folder]).catch(() => undefined)
}

/** Renames the finished copy to its name; a copy that another process finished first is as good. */
async function putInPlace(copy: string, folder: string): Promise<void> {
  if (existsSync(folder)) await rename(folder, `${copy}-old`)
  try {
    await rename(copy, folder)
  } catch (error) {
    if (!isComplete(folder)) throw error
  }
}

/** Removes what earlier set-ups of this copy left behind when they were killed. */
async function removeLeftovers(folder: string): Promise<void> {
  const name = basename(folder)
  for (const entry of await readdir(dirname(folder))) {
    const path = join(dirname(folder), entry)
    if (entry.startsWith(`${name}.lock.`)) await removeLockDraft(path)
    if (!entry.startsWith(`${name}.partial-`)) continue
    const owner = decodeOwner(entry.slice(`${name}.partial-`.length))
    if (owner !== undefined && (await isAlive(owner))) continue
    await rm(path, { recursive: true, force: true, maxRetries: 3 })
  }
}

function decodeOwner(text: string): Owner | undefined {
  try {
    return JSON.parse(Buffer.from(text.slice(0, text.lastIndexOf('-')), 'base64url').toString()) as Owner
  } catch {
    return undefined
  }
}

function asSetupError(error: unknown, folder: string): unknown {
  const { name, code, message } = error as NodeJS.ErrnoException
  if (name?.startsWith('EegTorchError')) return error
  if (code === 'ENOSPC' || code === 'EDQUOT') return diskFull(error)
  return new EegTorchError('SETUP_FAILED', `LibTorch could not be set up in ${folder} (${message})`, { cause: error })
}

function pick(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal }
}
