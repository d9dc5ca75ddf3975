import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Finding } from './finding.ts'
import { packageRoot } from './paths.ts'

/** What the self-test prints. */
export interface SelfTestResult {
  /** Overloads of LibTorch's own operators. */
  operators: number
  /** LibTorch that the addon was built for. */
  libtorch: string
  /** Kernels that LibTorch chose for this CPU. */
  cpu: string
  devices: number
  /** Seconds from the first line of the self-test to its end, loading included. */
  seconds: number
}

const TIMEOUT_MS = 120_000

/**
 * Loads the addon in a process of its own and lets it compute something: whatever is wrong with the binary ends that process,
 * and becomes a sentence here.
 */
export async function checkAddon(root: string = packageRoot): Promise<Finding> {
  const script = join(root, 'dist', 'cli', 'self-test.js')
  const { code, signal, stdout, stderr } = await runNode(script)
  const result = code === 0 ? parseResult(stdout) : undefined
  if (result !== undefined) {
    const { operators, seconds } = result
    const text = `loads, ${operators.toLocaleString('en')} operators, self-test passed in ${seconds.toFixed(1)} s`
    return { name: 'addon', state: 'ok', text, details: { ...result } }
  }
  const text = signal ? `crashed while loading (${signal})` : `does not work: ${reason(stdout, stderr, code)}`
  const isClone = existsSync(join(root, 'scripts', 'bootstrap.mjs'))
  const advice = isClone
    ? 'build it again: npm run setup'
    : 'install eegtorch again (npm install eegtorch), or build from source: node node_modules/eegtorch/scripts/build-native.mjs'
  return { name: 'addon', state: 'failed', text, advice, details: { code, signal, stderr: stderr.slice(-2000) } }
}

interface Ended {
  code: number | null
  signal: string | null
  stdout: string
  stderr: string
}

function runNode(script: string): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'pipe'], timeout: TIMEOUT_MS })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk) => {
      stdout += chunk
    })
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    child.on('error', (error) => resolve({ code: 1, signal: null, stdout, stderr: error.message }))
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}

function parseResult(stdout: string): SelfTestResult | undefined {
  try {
    return JSON.parse(stdout) as SelfTestResult
  } catch {
    return undefined
  }
}

/** The self-test reports what it can as JSON; the dynamic linker writes its last words on stderr. */
function reason(stdout: string, stderr: string, code: number | null): string {
  const lines = stderr.trim().split('\n')
  try {
    return (JSON.parse(stdout) as { error: string }).error
  } catch {
    return lines.find((line) => /Error|error/.test(line))?.trim() ?? (lines.at(-1) || `it ended with exit code ${code}`)
  }
}
