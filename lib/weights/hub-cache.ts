import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs'
import { copyFile, mkdir, symlink } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { writeFileAtomically } from '../files/atomic.ts'
import { makeFolder } from '../files/make-folder.ts'

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

  /** Puts a blob under its name into a commit's folder. */
  async link(commit: string, path: string, blob: string): Promise<string> {
    const target = join(this.snapshot(commit), path)
    const source = join(this.blobs, blob)
    await makeFolder(dirname(target))
    if (isLinkTo(target, source)) return target
    const to = relative(realpathSync(dirname(target)), realpathSync(source))
    await symlink(to, target).catch(async (error: NodeJS.ErrnoException) => {
      // a file that another program put there stays
      if (error.code === 'EEXIST' && existsSync(target)) return
      // some file systems have no links
      await copyFile(source, target)
    })
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

function isLinkTo(path: string, source: string): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (!found?.isSymbolicLink()) return false
  return existsSync(path) && join(dirname(path), readlinkSync(path)) === source
}
