import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export const COMMIT = 'c0ffee'.padEnd(40, '0')

export const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
export const gitSha1 = (bytes: Buffer) =>
  createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')

/** A hub of one repository on this machine: large files are redirected to another place, as the hub does, small ones sent at once. */
export class HubServer {
  readonly requests: { method: string; path: string; range: string | undefined; token: string | undefined }[] = []
  /** Answers in place of the hub while it gives true. */
  behave: (request: IncomingMessage, response: ServerResponse) => boolean = () => false
  /** Where large files are; empty for here. */
  large = ''
  readonly #server: Server
  readonly #files: ReadonlyMap<string, { bytes: Buffer; isLarge: boolean }>

  private constructor(files: ReadonlyMap<string, { bytes: Buffer; isLarge: boolean }>) {
    this.#files = files
    this.#server = createServer((request, response) => this.#answer(request, response))
  }

  static async start(files: ReadonlyMap<string, { bytes: Buffer; isLarge: boolean }>): Promise<HubServer> {
    const server = new HubServer(files)
    await new Promise<void>((resolve) => {
      server.#server.listen(0, '127.0.0.1', resolve)
    })
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => {
      this.#server.close(resolve)
    })
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = decodeURIComponent(request.url ?? '')
    const { range, authorization } = request.headers
    this.requests.push({ method: request.method!, path, range, token: authorization })
    if (this.behave(request, response)) return
    const [, revision, name] = /^\/(?:org\/net\/resolve\/([^/]+)|large)\/(.*)$/.exec(path) ?? []
    const file = this.#files.get(name ?? '')
    if (file === undefined || (revision !== undefined && revision !== 'main' && revision !== COMMIT)) {
      response.writeHead(404, { 'x-error-code': 'EntryNotFound' }).end()
      return
    }
    const { bytes, isLarge } = file
    const tag = isLarge ? sha256(bytes) : gitSha1(bytes)
    const told = { 'x-repo-commit': COMMIT, etag: `"${tag}"` }
    if (revision !== undefined && isLarge) {
      const linked = { 'x-linked-etag': `"${tag}"`, 'x-linked-size': String(bytes.length) }
      response.writeHead(302, { ...told, ...linked, location: `${this.large}/large/${name}` }).end()
      return
    }
    const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0)
    const part = bytes.subarray(from)
    const where = from > 0 ? { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {}
    response.writeHead(from > 0 ? 206 : 200, { ...told, ...where, 'content-length': part.length })
    response.end(request.method === 'HEAD' ? undefined : part)
  }
}
