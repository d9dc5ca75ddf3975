import { execFile } from 'node:child_process'

/** One line of the doctor's report. */
export interface Finding {
  /** `node`, `compiler`, `cmake`, `libtorch`, `cpu`, `gpu` or `addon`. */
  name: string
  /** `missing`: not there, and not needed as things are. `failed`: eegtorch does not work without it. */
  state: 'ok' | 'missing' | 'failed'
  /** What was found, in words. */
  text: string
  /** What to do about it. */
  advice?: string
  /** The parts of `text` that a program may want. */
  details?: Record<string, unknown>
}

/** What a command printed, or undefined when it is not installed or fails. */
export function outputOf(command: string, args: string[], input = ''): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = execFile(command, args, { env: process.env, timeout: 20_000 }, (error, stdout) =>
      resolve(error ? undefined : stdout),
    )
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(input)
  })
}

/** Whether a dotted version is at least another: `3.22` against `3.9`. */
export function isAtLeast(version: string, minimum: string): boolean {
  const [have, need] = [version, minimum].map((text) => text.split('.').map(Number)) as [number[], number[]]
  for (const [i, wanted] of need.entries()) {
    const difference = (have[i] ?? 0) - wanted
    if (difference !== 0) return difference > 0
  }
  return true
}
