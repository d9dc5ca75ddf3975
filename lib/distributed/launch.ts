import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { availableParallelism, constants } from 'node:os'
import { createInterface } from 'node:readline'
import type { Writable } from 'node:stream'
import { EegTorchError } from '../errors.ts'

/** What {@link launch} starts. */
export interface LaunchOptions {
  /** Program and arguments. */
  command: readonly [string, ...string[]]
  /** Processes on this machine. */
  processes: number
  /** Machines, and which of them this is; each runs `launch` with the same host and port. Default: one. */
  nodes?: number
  nodeRank?: number
  /** Where process 0 listens. Default: this machine, a free port. */
  host?: string
  port?: number
  environment?: NodeJS.ProcessEnv
  /** Where lines go, with the number of their process in front. */
  stdout: Writable
  stderr: Writable
  /** Its events called `signal`, with a signal's name as `detail`, are passed on to the processes. */
  signals?: EventTarget
  /** Seconds that the others have to end by themselves when one has failed, and again after SIGTERM. Default 5. */
  grace?: number
}

interface Ended {
  rank: number
  code: number | null
  signal: NodeJS.Signals | null
}

/** What is passed on to the processes. */
export const FORWARDED_SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2']

/**
 * Starts processes that find one another by `RANK`, `WORLD_SIZE`, `LOCAL_RANK`, `MASTER_ADDR` and `MASTER_PORT`, and waits for all. When one fails, the
 * others are ended.
 *
 * @returns the exit code of the first that failed, 128 + its number for a signal; 0 when none did
 * @throws EegTorchError `INVALID_OPTION`, `FILE_NOT_FOUND` when there is no such program
 */
export async function launch(options: LaunchOptions): Promise<number> {
  const { processes, nodes = 1, nodeRank = 0, stderr, grace = 5 } = options
  checkCounts(options)
  const host = options.host ?? '127.0.0.1'
  const port = options.port ?? (await freePort())
  const children = Array.from({ length: processes }, (_, localRank) => {
    const rank = nodeRank * processes + localRank
    return start(options, { rank, localRank, worldSize: nodes * processes, host, port })
  })
  const forward = (event: Event) => {
    for (const { child } of children) child.kill((event as CustomEvent<NodeJS.Signals>).detail)
  }
  options.signals?.addEventListener('signal', forward)

  const timers: NodeJS.Timeout[] = []
  let failure: Ended | undefined
  const onEnd = (ended: Ended) => {
    if (failure !== undefined || ended.code === 0) return
    failure = ended
    stderr.write(`eegtorch launch: process ${ended.rank} ${describeEnd(ended)}\n`)
    const endAll = (signal: NodeJS.Signals) => () => {
      for (const { child } of children) child.kill(signal)
    }
    timers.push(setTimeout(endAll('SIGTERM'), grace * 1000), setTimeout(endAll('SIGKILL'), 2 * grace * 1000))
  }
  try {
    await Promise.all(children.map(({ ended }) => ended.then(onEnd)))
  } catch (error) {
    for (const { child } of children) child.kill('SIGKILL')
    throw error
  } finally {
    for (const timer of timers) clearTimeout(timer)
    options.signals?.removeEventListener('signal', forward)
  }
  return failure === undefined ? 0 : exitCode(failure)
}

interface Place {
  rank: number
  localRank: number
  worldSize: number
  host: string
  port: number
}

function start(options: LaunchOptions, place: Place): { child: ChildProcess; ended: Promise<Ended> } {
  const [program, ...words] = options.command
  const child = spawn(program, words, {
    env: environmentOf(options, place),
    stdio: [place.localRank === 0 ? 'inherit' : 'ignore', 'pipe', 'pipe'],
  })
  for (const name of ['stdout', 'stderr'] as const) {
    createInterface({ input: child[name]! }).on('line', (line) => options[name].write(`[${place.rank}] ${line}\n`))
  }
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', (cause) => reject(notStarted(program, cause)))
    // After the last line, not only after the process.
    child.on('close', (code, signal) => resolve({ rank: place.rank, code, signal }))
  })
  return { child, ended }
}

function environmentOf(options: LaunchOptions, { rank, localRank, worldSize, host, port }: Place): NodeJS.ProcessEnv {
  const { environment = process.env, processes, nodes = 1 } = options
  return {
    // Each process its share of the cores: more threads than cores would wait for one another.
    OMP_NUM_THREADS: String(Math.max(1, Math.floor(availableParallelism() / processes))),
    ...(nodes === 1 && { GLOO_SOCKET_IFNAME: 'lo' }),
    ...environment,
    RANK: String(rank),
    LOCAL_RANK: String(localRank),
    WORLD_SIZE: String(worldSize),
    LOCAL_WORLD_SIZE: String(processes),
    MASTER_ADDR: host,
    MASTER_PORT: String(port),
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

function exitCode({ code, signal }: Ended): number {
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal])
}

function describeEnd({ code, signal }: Ended): string {
  return signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`
}

function notStarted(program: string, cause: Error): EegTorchError {
  return new EegTorchError('FILE_NOT_FOUND', `the program ${program} does not start (${cause.message})`, { cause })
}

function checkCounts({ processes, nodes = 1, nodeRank = 0, host, port }: LaunchOptions): void {
  const refuse = (option: string, expected: string, received: unknown): never => {
    throw new EegTorchError('INVALID_OPTION', `${option} is not usable`, {
      option,
      expected,
      received: String(received),
    })
  }
  const isCount = (value: number) => Number.isSafeInteger(value) && value >= 1 && value <= 4096
  if (!isCount(processes)) refuse('--nproc', 'a whole number from 1 to 4096', processes)
  if (!isCount(nodes)) refuse('--nodes', 'a whole number from 1 to 4096', nodes)
  if (!(Number.isSafeInteger(nodeRank) && nodeRank >= 0 && nodeRank < nodes)) {
    refuse('--node-rank', `0 to ${nodes - 1}`, nodeRank)
  }
  if (port !== undefined && !(Number.isSafeInteger(port) && port >= 1 && port < 65536)) {
    refuse('--port', '1 to 65535', port)
  }
  if (nodes > 1 && (host === undefined || port === undefined)) {
    refuse('--host', 'with several machines, --host and --port of process 0', host ?? 'none')
  }
}
