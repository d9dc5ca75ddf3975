import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** How the server answers one request; the last entry of a list answers all further ones. */
export type Behaviour = (request: IncomingMessage, response: ServerResponse) => void

/** A server on this machine that fails as it is told to. */
export class UnreliableServer {
  /** Bytes that the client says it has: a connection breaks only when what was sent has arrived. */
  static arrived = 0
  readonly requests: { range: string | undefined; ifRange: string | undefined }[] = []
  readonly #server: Server
  #behaviours: Behaviour[] = []

  private constructor() {
    this.#server = createServer((request, response) => {
      const { range } = request.headers
      this.requests.push({ range, ifRange: request.headers['if-range'] as string | undefined })
      const behaviour = this.#behaviours.length > 1 ? this.#behaviours.shift()! : this.#behaviours[0]!
      behaviour(request, response)
    })
  }

  static async start(): Promise<UnreliableServer> {
    const server = new UnreliableServer()
    await new Promise<void>((resolve) => {
      server.#server.listen(0, '127.0.0.1', resolve)
    })
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/file.bin`
  }

  /** An address of this machine where nobody listens. */
  static async nowhere(): Promise<string> {
    const server = await UnreliableServer.start()
    const { url } = server
    await server.stop()
    return url
  }

  /** Answers the next requests so, one after another. */
  answers(...behaviours: Behaviour[]): void {
    this.#behaviours = behaviours
    this.requests.length = 0
    UnreliableServer.arrived = 0
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => {
      this.#server.close(resolve)
    })
  }
}

interface Served {
  etag?: string
  modified?: string
  /** Ends the connection after so many bytes of the answer. */
  breakAfter?: number
  /** Sends nothing more after so many bytes of the answer. */
  stallAfter?: number
  /** Content-Length, in place of the true one. */
  claims?: number
  /** Sends the whole, whatever was asked for. */
  ignoresRange?: boolean
  /** Sends parts even of a file that has changed. */
  ignoresIfRange?: boolean
}

/** Serves bytes, with ranges, and with the given faults. */
export function serve(bytes: Buffer, served: Served = {}): Behaviour {
  return ({ headers }, response) => {
    const { etag = '"one"', modified, breakAfter, stallAfter, claims, ignoresRange, ignoresIfRange } = served
    const asked = /^bytes=(\d+)-$/.exec(headers.range ?? '')
    const isSame = ignoresIfRange || [etag, modified].includes(headers['if-range'] as string)
    const from = asked !== null && !ignoresRange && (isSame || headers['if-range'] === undefined) ? Number(asked[1]) : 0
    if (from > 0 && from >= bytes.length) {
      response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end()
      return
    }
    const body = bytes.subarray(from)
    response.writeHead(from > 0 ? 206 : 200, {
      'content-length': claims ?? body.length,
      ...(etag !== '' && { etag }),
      ...(modified !== undefined && { 'last-modified': modified }),
      ...(from > 0 && { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }),
    })
    const cut = breakAfter ?? stallAfter
    if (cut === undefined) response.end(body)
    else response.write(body.subarray(0, cut), () => breakAfter !== undefined && breakAt(response, from + cut))
  }
}

/** Ends a connection when the client has so many bytes of the file, or has been given time enough. */
function breakAt(response: ServerResponse, bytes: number): void {
  const latest = performance.now() + 500
  const timer = setInterval(() => {
    if (UnreliableServer.arrived < bytes && performance.now() < latest) return
    clearInterval(timer)
    response.destroy()
  }, 5)
}

/** Answers with a status and nothing else. */
export function refuse(status: number, headers: Record<string, string> = {}): Behaviour {
  return (_, response) => {
    response.writeHead(status, headers).end('no')
  }
}
