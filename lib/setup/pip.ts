import { spawn } from 'node:child_process'
import { mkdir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { EegTorchError } from '../errors.ts'
import type { Wheel } from './wheels.ts'

/** The tags under which wheels for 64-bit Linux are published; pip does not derive the older ones by itself. */
const PLATFORMS = [
  ...Array.from({ length: 24 }, (_, i) => `manylinux_2_${28 - i}`),
  'manylinux2014',
  'manylinux2010',
  'manylinux1',
].map((tag) => `${tag}_x86_64`)

const POLL_MS = 200

/** How {@link downloadWheels} tells of itself, and is stopped. */
export interface DownloadOptions {
  /** Called with the bytes that have arrived so far. */
  onBytes?: (count: number) => void
  signal?: AbortSignal
}

/**
 * Downloads wheels with pip into `folder/wheels`. The choice is made as for Python 3.12 whatever Python runs pip, so that one
 * checksum holds for everybody. pip follows the user's settings: index, proxy, certificates.
 *
 * @throws EegTorchError `SETUP_FAILED`, saying what to do, when Python, pip, the network, the release or disk space is missing
 */
export async function downloadWheels(
  wheels: Wheel[],
  folder: string,
  options: DownloadOptions = {},
): Promise<string[]> {
  const target = join(folder, 'wheels')
  const scratch = join(folder, 'scratch')
  await mkdir(target, { recursive: true })
  await mkdir(scratch, { recursive: true })
  const watch = setInterval(() => {
    folderSize(folder).then(options.onBytes, () => undefined)
  }, POLL_MS)
  try {
    await runPip(await findPython(), target, scratch, wheels, options.signal)
  } finally {
    clearInterval(watch)
  }
  return wheels.map(({ name }) => name).map(await wheelFinder(target))
}

/** pip may spell a name with dashes or underscores and capitals; the file of a package is found by its normal form. */
async function wheelFinder(folder: string): Promise<(name: string) => string> {
  const files = await readdir(folder)
  const normal = (name: string) => name.toLowerCase().replaceAll(/[-_.]+/g, '_')
  return (name) => {
    const file = files.find((candidate) => normal(candidate.split('-')[0]!) === normal(name))
    if (file === undefined) throw new EegTorchError('SETUP_FAILED', `pip reported success but did not download ${name}`)
    return join(folder, file)
  }
}

/**
 * Runs pip as `python -m pip` does, and ends with us: our end of its standard input closes when we die, by SIGKILL too. An orphaned
 * download would go on writing into a folder that the next set-up removes.
 */
const RUN_PIP = `
import os, runpy, threading
def end_with_parent():
    while os.read(0, 4096):
        pass
    os._exit(1)
threading.Thread(target=end_with_parent, daemon=True).start()
runpy.run_module('pip', run_name='__main__', alter_sys=True)
`

function pipArguments(target: string, wheels: Wheel[]): string[] {
  return [
    ...['-c', RUN_PIP, 'download', '--no-deps', '--only-binary=:all:', '--no-cache-dir', '--progress-bar', 'off'],
    ...['--python-version', '3.12', '--implementation', 'cp', '--abi', 'cp312', '--abi', 'abi3', '--abi', 'none'],
    ...PLATFORMS.flatMap((platform) => ['--platform', platform]),
    ...['--dest', target, ...wheels.map(({ name, version }) => `${name}==${version}`)],
  ]
}

async function runPip(python: string, target: string, scratch: string, wheels: Wheel[], signal?: AbortSignal) {
  const environment = {
    ...process.env,
    TMPDIR: scratch,
    PIP_NO_INPUT: '1',
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
    PIP_REQUIRE_VIRTUALENV: '0',
  }
  const { code, output } = await run(python, pipArguments(target, wheels), environment, signal)
  if (signal?.aborted) throw new EegTorchError('CANCELLED', 'set-up was cancelled')
  if (code !== 0) throw pipError(output, wheels)
}

/** The first Python that has pip. */
async function findPython(): Promise<string> {
  let hasPython = false
  for (const python of ['python3', 'python']) {
    const answer = await run(python, ['-m', 'pip', '--version'], process.env).catch(() => undefined)
    if (answer?.code === 0) return python
    hasPython ||= answer !== undefined
  }
  throw new EegTorchError(
    'SETUP_FAILED',
    hasPython
      ? 'LibTorch is downloaded through pip, and python3 has no pip: install it (Debian, Ubuntu: apt install python3-pip), or set LIBTORCH to a LibTorch folder'
      : 'LibTorch is downloaded through pip, and there is no python3: install it (Debian, Ubuntu: apt install python3-pip), or set LIBTORCH to a LibTorch folder',
  )
}

interface Answer {
  code: number | null
  output: string
}

function run(command: string, args: string[], env: NodeJS.ProcessEnv, signal?: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, stdio: ['pipe', 'pipe', 'pipe'] })
    let output = ''
    const collect = (chunk: Buffer) => {
      output = (output + chunk).slice(-100_000)
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    const stop = () => child.kill('SIGTERM')
    signal?.addEventListener('abort', stop, { once: true })
    if (signal?.aborted) stop()
    child.on('error', reject)
    child.on('close', (code) => {
      signal?.removeEventListener('abort', stop)
      resolve({ code, output })
    })
  })
}

const NETWORK =
  /Retrying|NewConnectionError|name resolution|ConnectTimeout|ReadTimeout|ProxyError|SSLError|Connection(Reset| refused| aborted)|Max retries/i

function pipError(output: string, wheels: Wheel[]): EegTorchError {
  const said = output.match(/^ERROR: (.*)$/m)?.[1] ?? output.trim().split('\n').at(-1) ?? 'no message'
  const names = wheels.map(({ name, version }) => `${name} ${version}`).join(', ')
  const cause = new Error(output)
  if (/No space left|Errno 28/i.test(output)) return diskFull(cause)
  if (NETWORK.test(output)) {
    const advice = 'check the connection (HTTPS_PROXY, PIP_INDEX_URL and PIP_CERT are honoured) and run set-up again'
    return new EegTorchError('SETUP_FAILED', `pip could not reach the package index (${said}); ${advice}`, { cause })
  }
  if (/No matching distribution|Could not find a version/i.test(output)) {
    return new EegTorchError('SETUP_FAILED', `the package index has no ${names} for 64-bit Linux (pip: ${said})`, {
      cause,
    })
  }
  return new EegTorchError('SETUP_FAILED', `pip could not download ${names} (${said})`, { cause })
}

/** The error for a disk that filled up while setting up. */
export function diskFull(cause: unknown): EegTorchError {
  return new EegTorchError(
    'SETUP_FAILED',
    'the disk is full; free some space, or set XDG_CACHE_HOME to a folder on a larger disk',
    { cause },
  )
}

async function folderSize(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true })
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      stat(join(entry.parentPath, entry.name)).then(
        ({ size }) => size,
        () => 0,
      ),
    )
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}
