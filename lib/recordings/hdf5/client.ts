import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads'
import { EegTorchError } from '../../errors.ts'
import type { MatValue } from '../matlab/values.ts'
import type { Hdf5Block, Hdf5Reply, Hdf5Request } from './protocol.ts'
import { checkLength } from './superblock.ts'

/** The built file, which lies at the same place seen from the sources and from what is built of them. */
const SCRIPT = new URL('../../../dist/recordings/hdf5/worker.js', import.meta.url)
/** Milliseconds without an answer after which the library hangs: to begin with, and for each byte of the file or of what is wanted. */
const PATIENCE = 30_000
const PATIENCE_PER_BYTE = 1 / 1000
/** However large the file: nobody waits longer for a program that stands still. */
const LONGEST_PATIENCE = 300_000
/** Milliseconds after the last question at which the thread ends. */
const IDLE = 5000

interface Thread {
  readonly worker: Worker
  readonly port: MessagePort
  readonly answered: Int32Array
}

let thread: Thread | undefined
let idle: NodeJS.Timeout | undefined

/** The variables of a MATLAB file of version 7.3. @throws EegTorchError `FILE_INVALID`, `FILE_TRUNCATED`, `FILE_UNSUPPORTED` for filters that are not HDF5's own */
export function listVariables(file: string): ReadonlyMap<string, MatValue> {
  const size = checkLength(file)
  const reply = ask({ op: 'list', file }, PATIENCE + size * PATIENCE_PER_BYTE, file)
  ask({ op: 'close' }, PATIENCE, file)
  return 'variables' in reply ? reply.variables : new Map()
}

/** Lends a function that reads blocks of one file, which is open until `use` returns. */
export function withBlocks<T>(
  file: string,
  use: (read: (path: string, start: readonly number[], count: readonly number[]) => Hdf5Block) => T,
): T {
  checkLength(file)
  const result = use((path, start, count) => {
    const wanted = count.reduce((product, n) => product * n, 8)
    const reply = ask({ op: 'read', file, path, start, count }, PATIENCE + wanted * PATIENCE_PER_BYTE, file)
    return 'block' in reply ? reply.block : []
  })
  // After an error there is nothing to close.
  ask({ op: 'close' }, PATIENCE, file)
  return result
}

/** Asks and waits, this thread standing still: samples are read synchronously. */
function ask(request: Hdf5Request, wanted: number, file: string): Hdf5Reply {
  const patience = Math.min(wanted, LONGEST_PATIENCE)
  // What was not asked for is the last word of a thread that has ended.
  if (thread !== undefined && receiveMessageOnPort(thread.port) !== undefined) end()
  thread ??= start()
  const { port, answered } = thread
  Atomics.store(answered, 0, 0)
  port.postMessage(request)
  const isLate = Atomics.wait(answered, 0, 0, patience) === 'timed-out'
  const reply: Hdf5Reply | undefined = isLate ? undefined : receiveMessageOnPort(port)?.message
  clearTimeout(idle)
  idle = setTimeout(end, IDLE).unref()
  if (reply !== undefined && !('failure' in reply)) return reply
  if (reply === undefined || reply.isBroken) end()
  if (reply?.filter !== undefined) {
    throw new EegTorchError('FILE_UNSUPPORTED', reply.failure, {
      file,
      expected: 'gzip (deflate), or no filter',
      received: reply.filter,
    })
  }
  const reason = reply?.failure ?? `no answer within ${Math.round(patience / 1000)} s`
  throw new EegTorchError('FILE_INVALID', `the HDF5 file is damaged (${reason})`, { file })
}

function start(): Thread {
  if (!existsSync(SCRIPT)) {
    throw new EegTorchError('INTERNAL', 'the thread that reads HDF5 files is missing', { file: fileURLToPath(SCRIPT) })
  }
  const { port1: port, port2: far } = new MessageChannel()
  const answered = new SharedArrayBuffer(4)
  const worker = new Worker(SCRIPT, {
    workerData: { port: far, answered },
    transferList: [far],
    stdout: true,
    stderr: true,
  })
  // A thread that dies answers no more; the next question finds out.
  worker.on('error', end)
  worker.unref()
  port.unref()
  return { worker, port, answered: new Int32Array(answered) }
}

function end(): void {
  clearTimeout(idle)
  void thread?.worker.terminate()
  thread?.port.close()
  thread = undefined
}
