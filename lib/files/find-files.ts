import { readdir, stat } from 'node:fs/promises'
import { join, posix, sep } from 'node:path'
import { sortNaturally } from './natural-order.ts'

/**
 * Files that a path names, numbers in their paths sorted by value: the file itself; every file of a folder, and of folders inside it, with one of the extensions; or the files that match a
 * pattern in which `*` and `?` stand for characters of one name and `**` for any folders. Links to folders are not followed.
 */
export async function findFiles(path: string, extensions: readonly string[]): Promise<string[]> {
  const kind = await stat(path).catch(() => undefined)
  if (kind?.isDirectory()) {
    const files = await walk(path)
    return sortNaturally(files.filter((file) => extensions.some((extension) => file.toLowerCase().endsWith(extension))))
  }
  if (kind !== undefined || !/[*?]/.test(path)) return [path]
  const parts = posix.normalize(path.split(sep).join('/')).split('/')
  const fixed = parts.slice(
    0,
    parts.findIndex((part) => /[*?]/.test(part)),
  )
  const root = fixed.length === 0 ? '.' : fixed.join('/') || '/'
  const pattern = toRegExp(parts.slice(fixed.length))
  const depth = parts.includes('**') ? Number.POSITIVE_INFINITY : parts.length - fixed.length
  const files = await walk(root, depth)
  const prefix = root === '/' ? 1 : root === '.' ? 0 : root.length + 1
  return sortNaturally(files.filter((file) => pattern.test(file.slice(prefix))))
}

async function walk(folder: string, depth = Number.POSITIVE_INFINITY): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const nested = await Promise.all(
    entries.map((entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return depth > 1 ? walk(path, depth - 1) : []
      return [path]
    }),
  )
  return nested.flat()
}

function toRegExp(parts: readonly string[]): RegExp {
  const source = parts.map((part, i) => {
    const end = i === parts.length - 1 ? '' : '/'
    if (part === '**') return end === '' ? '.*' : '(?:[^/]+/)*'
    return (
      part
        .replace(/[.+^${}()|[\]\\]/g, '\\$&')
        .replaceAll('*', '[^/]*')
        .replaceAll('?', '[^/]') + end
    )
  })
  return new RegExp(`^${source.join('')}$`)
}
