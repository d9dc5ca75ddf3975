import { EegTorchError } from '../../errors.ts'
import type { RemoteFile } from '../../files/download/options.ts'
import { parseFileList } from './file-list.ts'

/** A page of a list of the Open Science Framework, as far as it is used. */
interface Page {
  data?: {
    attributes?: {
      kind?: string
      name?: string
      size?: number
      extra?: { hashes?: { sha256?: string; md5?: string } }
    }
    links?: { download?: string }
    relationships?: { files?: { links?: { related?: { href?: string } } } }
  }[]
  links?: { next?: string | null }
}

const API = 'https://api.osf.io/v2'
/** Folders inside folders, and pages, that a list may have. */
const MOST_PAGES = 500

/** Files of a project of the Open Science Framework with the checksums that it publishes. */
export async function osfFiles(
  node: string,
  read: (url: string) => Promise<string>,
  keep: (path: string) => boolean,
): Promise<RemoteFile[]> {
  const files: RemoteFile[] = []
  const pages = [{ url: `${API}/nodes/${node}/files/osfstorage/?page%5Bsize%5D=100`, folder: '' }]
  for (let count = 0; pages.length > 0; count++) {
    if (count > MOST_PAGES) throw new EegTorchError('DOWNLOAD_FAILED', `the list of ${node} does not end`)
    const { url, folder } = pages.shift()!
    const { data = [], links } = parseFileList<Page>(await read(url), url, ({ data }: Page) => Array.isArray(data))
    for (const { attributes = {}, links: own, relationships } of data) {
      const path = folder + (attributes.name ?? '')
      const inside = relationships?.files?.links?.related?.href
      if (attributes.kind === 'folder' && inside?.startsWith(API)) pages.push({ url: inside, folder: `${path}/` })
      if (attributes.kind !== 'file' || own?.download === undefined || !keep(path)) continue
      const { sha256, md5 } = attributes.extra?.hashes ?? {}
      files.push({
        path,
        urls: [own.download],
        ...(attributes.size !== undefined && { bytes: attributes.size }),
        ...(sha256 !== undefined && { sha256 }),
        ...(md5 !== undefined && { md5 }),
      })
    }
    if (links?.next?.startsWith(API)) pages.push({ url: links.next, folder })
  }
  return files
}
