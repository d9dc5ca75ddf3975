import { createHash } from 'node:crypto'
import type { StoreHeader } from './store-format.ts'

/** A short text that tells whether a store still has the windows that it had: its header holds checksums of them all. When it was made does not count. */
export function storeIdentity({ createdAt: _at, createdBy: _by, ...content }: StoreHeader): string {
  return `sha256:${createHash('sha256').update(JSON.stringify(content)).digest('hex')}`
}
