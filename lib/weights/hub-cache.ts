import { constants, existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { copyFile, lstat, mkdir, realpath, rm, stat, symlink } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { EegTorchError } from '../errors.ts'
import { writeFileAtomically } from '../files/atomic.ts'
import { checkFile } from '../files/download/checksum.ts'
import { makeFolder } from '../files/make-folder.ts'
import { sha256Of } from './sums.ts'

const COMMIT = /^[0-9a-f]{40}$/

/**
 * Where Hugging Face's tools keep repositories, and so do we: `HF_HUB_CACHE`, else `hub` in `HF_HOME`, else `huggingface/hub` in the user's cache.
 */
function hubCacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const { HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME, XDG_CACHE_HOME } = environment
  const cache = XDG_CACHE_HOME?.startsWith('/') ? XDG_CACHE_HOME : join(homedir(), '.cache')
  return HF_HUB_CACHE || HUGGINGFACE_HUB_CACHE || join(HF_HOME || join(cache, 'huggingface'), 'hub')
}

/** One repository in the cache: `blobs` by checksum, `snapshots` of links to them by commit, `refs` from names to commits. */
export class CachedRepository {
  readonly folder: string

  constructor(repository: string, cache = hubCacheFolder()) {
    this.folder = join(cache, `models--${repository.replaceAll('/', '--')}`)
  }

  get blobs(): string {
    return join(this.folder, 'blobs')
  }

  /** The commit that a branch had when something of it was last fetched. */
  commitOf(revision: string): string | undefined {
    if (COMMIT.test(revision)) return revision
    const ref = join(this.folder, 'refs', revision)
    const commit = existsSync(ref) ? readFileSync(ref, 'utf8').trim() : ''
    return COMMIT.test(commit) ? commit : undefined
  }

  /** The folder of a commit's files. */
  snapshot(commit: string): string {
    return join(this.folder, 'snapshots', commit)
  }

  /** The folder of the files of a revision, if anything of it is there. Files put there by hand, under the name of the revision, count too. */
  find(revision: string): string | undefined {
    const names = [this.commitOf(revision), revision].filter((name) => name !== undefined)
    return names.map((name) => this.snapshot(name)).find(existsSync)
  }

  /**
   * Puts a blob under its name into a commit's folder. What another program put there stays if it is the same file.
   *
   * @throws EegTorchError `FILE_INVALID` for another file in its place, which is not overwritten
   */
  async link(commit: string, path: string, blob: string): Promise<string> {
    const target = join(this.snapshot(commit), path)
    const source = join(this.blobs, blob)
    await makeFolder(dirname(target))
    const found = await lstat(target).catch(() => undefined)
    // a link of this cache, such as one to a blob that is gone or was replaced
    if (found?.isSymbolicLink() && !(await isSameFile(target, source))) await rm(target)
    else if (found !== undefined) return await requireCopy(target, source)
    const to = relative(realpathSync(dirname(target)), realpathSync(source))
    // some file systems have no links
    await symlink(to, target).catch(() => copyFile(source, target, constants.COPYFILE_EXCL))
    return target
  }

  /** Remembers which commit a branch has. */
  async remember(revision: string, commit: string): Promise<void> {
    if (revision === commit) return
    await mkdir(join(this.folder, 'refs'), { recursive: true })
    await writeFileAtomically(join(this.folder, 'refs', revision), commit)
  }

  /** Bytes of downloads that were broken off. */
  partialBytes(): number {
    if (!existsSync(this.blobs)) return 0
    const parts = readdirSync(this.blobs).filter((name) => name.endsWith('.part'))
    return parts.reduce((sum, name) => sum + statSync(join(this.blobs, name)).size, 0)
  }
}

async function isSameFile(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([realpath(one).catch(() => undefined), realpath(other)])
  return a === b
}

/** Large files are not read where links tell that they are the same. */
async function requireCopy(target: string, source: string): Promise<string> {
  if (await isSameFile(target, source)) return target
  const state = await checkFile(target, { bytes: (await stat(source)).size, sha256: await sha256Of(source) })
  if (state.state === 'right') return target
  throw new EegTorchError('FILE_INVALID', 'is there, but it is not the file that was pulled; it is not overwritten', {
    file: target,
    expected: state.state === 'wrong' ? `${state.expected}, or no file of this name` : 'a file',
    received: state.state === 'wrong' ? state.received : 'nothing that can be read',
  })
}
