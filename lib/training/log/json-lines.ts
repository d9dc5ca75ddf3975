import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { EegTorchError } from '../../errors.ts'
import { temporaryName } from '../../files/atomic.ts'
import { isObject } from '../../is-object.ts'

/** One line of a log. Numbers that JSON cannot hold are written as the strings "NaN", "Infinity" and "-Infinity". */
export type LogRecord = Record<string, unknown>

/** How {@link JsonLinesLog} opens a log that is there. */
export interface JsonLinesOptions {
  /**
   * Asked for each record that the file already holds, in order. Those that it refuses are dropped: a resumed run drops
   * what was logged after its checkpoint, and will log it again.
   */
  keep?: (record: LogRecord) => boolean
}

/**
 * A log of one JSON object a line, appended to. Every line is one write to the operating system, so that killing the
 * process at any moment costs at most the line being written; opening the log again cuts such a half line off.
 */
export class JsonLinesLog {
  readonly path: string
  #file: number | undefined

  /** @throws EegTorchError `FILE_WRITE_FAILED` where the file cannot be opened, `FILE_INVALID` for one that is no such log */
  constructor(path: string, { keep = () => true }: JsonLinesOptions = {}) {
    this.path = path
    this.#file = guard(path, () => openSync(path, 'a+'))
    try {
      const bytes = read(path)
      const held = scan(path, bytes)
      const kept = held.filter(({ record }) => keep(record))
      // Without what stands between others it is another file; an end is cut off.
      if (kept.at(-1) !== held[kept.length - 1]) this.#rewrite(kept.map(({ start, end }) => bytes.subarray(start, end)))
      else guard(path, () => ftruncateSync(this.#file!, kept.at(-1)?.end ?? 0))
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** @throws EegTorchError `FILE_WRITE_FAILED` for a full disk or a closed log */
  append(record: LogRecord): void {
    const line = Buffer.from(`${JSON.stringify(record, nameNonFinite)}\n`)
    guard(this.path, () => {
      if (this.#file === undefined) throw new Error('the log is closed')
      for (let at = 0; at < line.length; ) at += writeSync(this.#file, line, at)
    })
  }

  #rewrite(lines: readonly Buffer[]): void {
    const temporary = temporaryName(this.path)
    guard(this.path, () => {
      writeFileSync(temporary, Buffer.concat(lines))
      renameSync(temporary, this.path)
    })
    this.close()
    this.#file = guard(this.path, () => openSync(this.path, 'a+'))
  }

  /** Waits until the disk has everything; needed against power failure only. */
  flush(): void {
    guard(this.path, () => this.#file !== undefined && fsyncSync(this.#file))
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

/**
 * Reads the records of a log; a half line at the end is left out.
 *
 * @throws EegTorchError `FILE_NOT_FOUND`, or `FILE_INVALID` naming the line
 */
export function readJsonLines(path: string): LogRecord[] {
  return scan(path, read(path)).map(({ record }) => record)
}

/** A whole line: its record, and the bytes where it begins and ends. */
interface Line {
  record: LogRecord
  start: number
  end: number
}

function scan(path: string, bytes: Buffer): Line[] {
  const lines: Line[] = []
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(0x0a, start)
    if (newline === -1) break
    const record = parse(bytes.toString('utf8', start, newline))
    if (record !== undefined) lines.push({ record, start, end: newline + 1 })
    // After a power failure the last line may have its length but not its content.
    else if (newline + 1 === bytes.length) break
    else throw new EegTorchError('FILE_INVALID', `line ${lines.length + 1} is no JSON object`, { file: path })
    start = newline + 1
  }
  return lines
}

function read(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'FILE_NOT_FOUND' : 'FILE_INVALID'
    throw new EegTorchError(code, `cannot be read (${(cause as Error).message})`, { file: path, cause })
  }
}

function parse(line: string): LogRecord | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function nameNonFinite(_: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value
}

function guard<T>(file: string, action: () => T): T {
  try {
    return action()
  } catch (cause) {
    throw new EegTorchError('FILE_WRITE_FAILED', `cannot be written (${(cause as Error).message})`, { file, cause })
  }
}
