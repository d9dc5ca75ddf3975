import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The built package's entry, as a URL for child processes and workers, which cannot load TypeScript. */
export const builtEntry = new URL('../dist/index.js', import.meta.url).href

if (!existsSync(fileURLToPath(builtEntry))) throw new Error('dist/ is missing: run npm test, which builds it')

export interface ChildResult {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

/** Runs a Node program to its end; a crash shows as a signal. */
export function runNode(
  args: string[],
  options: { env?: NodeJS.ProcessEnv; timeout?: number } = {},
): Promise<ChildResult> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      args,
      {
        encoding: 'utf8',
        maxBuffer: 64e6,
        timeout: options.timeout ?? 280_000,
        env: { ...process.env, ...options.env },
      },
      (_, stdout, stderr) => resolve({ code: child.exitCode, signal: child.signalCode, stdout, stderr }),
    )
  })
}
