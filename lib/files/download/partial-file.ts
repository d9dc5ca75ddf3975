import { type FileHandle, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { EegTorchError } from '../../errors.ts'
import { type Lock, type Owner, takeLock } from '../lock.ts'

/** What a server said of the file whose first bytes are there. */
export interface Origin {
  url: string
  /** A strong entity tag, or a date of change: proves that the rest belongs to the same file. */
  validator?: string
  /** Bytes of the whole file. */
  total?: number
}

/**
 * A file on its way: `NAME.part`, with what the server said of it in `NAME.part.json`. A lock keeps two processes from writing one; that of a
 * process which has died is taken over.
 */
export class PartialFile {
  readonly target: string
  readonly #path: string
  #lock: Lock | undefined
  #handle: FileHandle | undefined
  #size = 0
  #origin: Origin | undefined
  #isPieced = false

  private constructor(target: string) {
    this.target = target
    this.#path = `${target}.part`
  }

  /** @throws EegTorchError `FILE_WRITE_FAILED` where another process is at it, or the folder takes no files */
  static async open(target: string): Promise<PartialFile> {
    const part = new PartialFile(target)
    await part.#takeLock()
    try {
      part.#origin = parseOrigin(await readFile(`${part.#path}.json`, 'utf8').catch(() => ''))
      part.#handle = await open(part.#path, 'a+')
      part.#size = (await part.#handle.stat()).size
      // Bytes of which nobody knows the origin are worth nothing.
      if (part.#origin === undefined && part.#size > 0) await part.restart()
      return part
    } catch (cause) {
      await part.close()
      throw asWriteError(part.#path, cause)
    }
  }

  /** Bytes that are there. */
  get size(): number {
    return this.#size
  }

  get origin(): Origin | undefined {
    return this.#origin
  }

  /** Whether what is there came in several answers. */
  get isPieced(): boolean {
    return this.#isPieced
  }

  get path(): string {
    return this.#path
  }

  /** Throws away what is there. */
  async restart(): Promise<void> {
    this.#origin = undefined
    this.#size = 0
    this.#isPieced = false
    await this.#writing(async () => {
      await rm(`${this.#path}.json`, { force: true })
      await this.#handle!.truncate(0)
    })
  }

  /** Remembers whose bytes follow. */
  async remember(origin: Origin): Promise<void> {
    this.#origin = origin
    this.#isPieced ||= this.#size > 0
    await this.#writing(() => writeFile(`${this.#path}.json`, JSON.stringify(origin)))
  }

  async append(bytes: Uint8Array): Promise<void> {
    await this.#writing(async () => {
      await this.#handle!.appendFile(bytes)
    })
    this.#size += bytes.length
  }

  /** Gives the finished file its name. @returns its size */
  async finish(): Promise<number> {
    await this.#writing(async () => {
      await this.#handle!.sync()
      if ((await stat(this.target).catch(() => undefined)) !== undefined) {
        throw new EegTorchError('FILE_WRITE_FAILED', 'came into being meanwhile, and is not overwritten', {
          file: this.target,
        })
      }
      await rename(this.#path, this.target)
      await rm(`${this.#path}.json`, { force: true })
    })
    return this.#size
  }

  /** Lets go of the file; what is not finished stays for a later call. */
  async close(): Promise<void> {
    await this.#handle?.close().catch(() => undefined)
    this.#handle = undefined
    if (this.#size === 0 && this.#origin === undefined) await rm(this.#path, { force: true }).catch(() => undefined)
    await this.#lock?.release().catch(() => undefined)
    this.#lock = undefined
  }

  async #takeLock(): Promise<void> {
    const path = `${this.#path}.lock`
    const refuse = ({ pid, host }: Owner) =>
      new EegTorchError('FILE_WRITE_FAILED', 'another process is downloading it', {
        file: this.target,
        expected: 'one download at a time',
        received: `process ${pid} of ${host}`,
      })
    try {
      this.#lock = await takeLock(path, { refuse })
    } catch (cause) {
      throw asWriteError(path, cause)
    }
  }

  async #writing(body: () => Promise<unknown>): Promise<void> {
    try {
      await body()
    } catch (cause) {
      throw asWriteError(this.#path, cause)
    }
  }
}

function parseOrigin(text: string): Origin | undefined {
  try {
    const { url, validator, total } = JSON.parse(text) as Record<string, unknown>
    if (typeof url !== 'string') return undefined
    return {
      url,
      ...(typeof validator === 'string' && { validator }),
      ...(typeof total === 'number' && total >= 0 && { total }),
    }
  } catch {
    return undefined
  }
}

function asWriteError(file: string, cause: unknown): EegTorchError {
  if (cause instanceof EegTorchError) return cause
  const { code, message } = cause as NodeJS.ErrnoException
  const what = code === 'ENOSPC' || code === 'EDQUOT' ? 'the disk is full' : `cannot be written (${message})`
  return new EegTorchError('FILE_WRITE_FAILED', what, { file, cause })
}
