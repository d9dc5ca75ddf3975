/** Why a server gave no file, or not all of it. */
export class Refusal extends Error {
  /** Asking again would not help. */
  readonly isFinal: boolean
  /** What is there is of no use. */
  readonly restarts: boolean
  /** Milliseconds that the server asks to wait. */
  readonly wait: number

  constructor(message: string, { isFinal = false, restarts = false, wait = 0 } = {}) {
    super(message)
    this.isFinal = isFinal
    this.restarts = restarts
    this.wait = wait
  }
}

/** A server that answers with bytes. */
export interface Answer {
  /** Number of the first byte that it sends. */
  from: number
  /** Bytes of the whole file, where it says. */
  total: number | undefined
  /** Whether its end can be told from a broken connection. */
  isBounded: boolean
  /** What proves the file unchanged: a strong entity tag, else the date of its last change. */
  validator: string | undefined
  /** Bytes as they come; a {@link Refusal} where they stop coming. */
  body: AsyncIterable<Uint8Array>
  /** Lets go of the connection. */
  end(): void
}

interface Question {
  /** First byte wanted. */
  from: number
  validator: string | undefined
  timeout: number
  signal: AbortSignal | undefined
  headers?: Readonly<Record<string, string>> | undefined
}

const LONGEST_WAIT = 120_000
/** Answers after which another attempt makes sense. */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504])

/** Asks a server for a file, or for the rest of it. @throws Refusal */
export async function askFor(
  url: string,
  { from, validator, timeout, signal, headers: more }: Question,
): Promise<Answer> {
  const watch = new Watch(timeout, signal)
  const headers: Record<string, string> = { ...more, 'accept-encoding': 'identity' }
  if (from > 0) headers.range = `bytes=${from}-`
  if (from > 0 && validator !== undefined) headers['if-range'] = validator
  try {
    const response = await fetch(url, { headers, signal: watch.signal, redirect: 'follow' })
    if (url.startsWith('https:') && !response.url.startsWith('https:')) {
      throw new Refusal(`it is redirected to ${response.url}, which is not encrypted`, { isFinal: true })
    }
    if (response.status === 416) throw new Refusal('the server has no such part', { restarts: true })
    if (response.status !== 200 && response.status !== 206) throw refusalOf(response)
    if (/^text\/html\b/i.test(response.headers.get('content-type') ?? '') && !/\.html?$/i.test(url)) {
      throw new Refusal('the server sends a web page in place of the file', { isFinal: true })
    }
    const extent = extentOf(response)
    return {
      ...extent,
      isBounded: extent.total !== undefined || /chunked/i.test(response.headers.get('transfer-encoding') ?? ''),
      validator: validatorOf(response),
      body: watch.over(response),
      end: () => watch.end(),
    }
  } catch (error) {
    watch.end()
    throw asRefusal(error, watch)
  }
}

/** Where the bytes of an answer belong. */
function extentOf({ status, headers }: Response): { from: number; total: number | undefined } {
  const length = headers.get('content-encoding') === null ? wholeNumber(headers.get('content-length')) : undefined
  if (status === 200) return { from: 0, total: length }
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers.get('content-range') ?? '')
  if (range === null) throw new Refusal('the server sends a part and does not say which', { isFinal: true })
  return { from: Number(range[1]), total: wholeNumber(range[3]!) }
}

function validatorOf({ headers }: Response): string | undefined {
  const tag = headers.get('etag')
  return tag?.startsWith('"') ? tag : (headers.get('last-modified') ?? undefined)
}

function refusalOf({ status, statusText, headers }: Response): Refusal {
  const after = headers.get('retry-after')
  const seconds = wholeNumber(after) ?? (Date.parse(after ?? '') - Date.now()) / 1000
  const wait = Number.isFinite(seconds) ? Math.min(Math.max(0, seconds * 1000), LONGEST_WAIT) : 0
  return new Refusal(`the server answers ${status} ${statusText}`.trim(), { isFinal: !PASSING.has(status), wait })
}

const wholeNumber = (text: string | null) => (text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined)

/** Ends a request that nothing comes from for a while, or that nobody wants any more. */
class Watch {
  readonly #abort = new AbortController()
  readonly #timeout: number
  readonly #outer: AbortSignal | undefined
  readonly #stop = () => this.#abort.abort()
  #timer: NodeJS.Timeout | undefined
  isStalled = false

  constructor(timeout: number, outer: AbortSignal | undefined) {
    this.#timeout = timeout
    this.#outer = outer
    outer?.addEventListener('abort', this.#stop, { once: true })
    if (outer?.aborted) this.#stop()
    this.#wind()
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  get timeout(): number {
    return this.#timeout
  }

  async *over(response: Response): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of response.body ?? []) {
        this.#wind()
        yield chunk as Uint8Array
        this.#wind()
      }
    } catch (error) {
      throw asRefusal(error, this)
    } finally {
      this.end()
    }
  }

  end(): void {
    clearTimeout(this.#timer)
    this.#outer?.removeEventListener('abort', this.#stop)
    this.#abort.abort()
  }

  #wind(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.isStalled = true
      this.#abort.abort()
    }, this.#timeout)
  }
}

function asRefusal(error: unknown, { isStalled, timeout }: Watch): Refusal {
  if (error instanceof Refusal) return error
  if (isStalled) return new Refusal(`nothing came for ${timeout / 1000} s`)
  const { message, cause } = error as Error & { cause?: { code?: string; message?: string } }
  const reason = cause?.code ?? cause?.message ?? message
  const isWrongAddress = /Invalid URL|unknown scheme|Failed to parse URL/i.test(`${message} ${cause?.message ?? ''}`)
  return new Refusal(`the server cannot be reached or broke off (${reason})`, { isFinal: isWrongAddress })
}
