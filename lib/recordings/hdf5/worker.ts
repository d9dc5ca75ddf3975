import { workerData } from 'node:worker_threads'
import type { Hdf5Reply, Hdf5Request, Hdf5WorkerData } from './protocol.ts'
import { ForeignFilter, Hdf5Variables } from './variables.ts'

// The thread that runs the HDF5 library (h5wasm): damaged files make it loop or abort, and only a thread can be thrown away.

type Library = typeof import('h5wasm')
/** What is used of WebAssembly, which TypeScript's library for Node does not declare. */
interface Engine {
  instantiate(binary: Uint8Array, imports: object): Promise<{ module: object; instance: object }>
  Instance: new (module: object, imports: object) => object
}

/** Instances of the library that a thread may use up; each keeps its memory (6 MB and what it unpacked) until the thread ends. */
const MOST_INSTANCES = 32

const { port, answered } = workerData as Hdf5WorkerData
const flag = new Int32Array(answered)
const { WebAssembly: engine } = globalThis as unknown as { WebAssembly: Engine }
let program: object | undefined
let open: Hdf5Variables | undefined
let instances = 1
let library = load(instances)
library.catch(() => undefined)

/** A new instance of the library, which shares nothing with those before but its compiled program. */
async function load(instance: number): Promise<Library> {
  const h5: Library = await withProgram(() => import(`${import.meta.resolve('h5wasm/node')}?instance=${instance}`))
  h5.Module.activate_throwing_error_handler()
  return h5
}

/**
 * Lends `start` the compiled program while it makes an instance. Unpacking it from the library's text takes most of a start, and the library makes
 * the object on which Emscripten looks for `instantiateWasm` itself: in this thread, which has nothing else to do, its prototype can be reached.
 */
async function withProgram(start: () => Promise<Library>): Promise<Library> {
  const { instantiate } = engine
  if (program === undefined) {
    engine.instantiate = async (binary, imports) => {
      const made = await instantiate(binary, imports)
      program = made.module
      return made
    }
  } else {
    const lent = program
    const lend = (imports: object, receive: (instance: object, module: object) => void) =>
      receive(new engine.Instance(lent, imports), lent)
    Object.defineProperty(Object.prototype, 'instantiateWasm', { value: lend, configurable: true })
  }
  try {
    const h5 = await start()
    await h5.ready
    return h5
  } finally {
    engine.instantiate = instantiate
    Reflect.deleteProperty(Object.prototype, 'instantiateWasm')
  }
}

async function answer(request: Hdf5Request): Promise<Hdf5Reply> {
  try {
    const h5 = await library
    if (request.op === 'close' || open?.file !== request.file) {
      open?.close()
      open = undefined
    }
    if (request.op === 'close') return { closed: true }
    open ??= new Hdf5Variables(h5, request.file)
    return request.op === 'list'
      ? { variables: open.all() }
      : { block: open.block(request.path, request.start, request.count) }
  } catch (error) {
    // An error leaves the library with objects open, by which it would take a mended file for the damaged one.
    open = undefined
    const isBroken = instances === MOST_INSTANCES
    if (!isBroken) library = load(++instances)
    library.catch(() => undefined)
    const { name, message } = error as Error
    const filter = error instanceof ForeignFilter ? error.filter : undefined
    return { failure: reasonOf(message) || name, isBroken, filter }
  }
}

/** The innermost of HDF5's messages, which says most; other errors have one line. */
function reasonOf(message: string): string {
  const inner = [...message.matchAll(/ in \w+\(\): (.*)/g)].at(-1)?.[1]
  return inner ?? message.trim().split('\n')[0] ?? ''
}

function reply(message: Hdf5Reply): void {
  port.postMessage(message)
  Atomics.store(flag, 0, 1)
  Atomics.notify(flag, 0)
}

port.on('message', async (request: Hdf5Request) => reply(await answer(request)))
// Whoever waits stands still and does not see that a thread has ended.
process.on('uncaughtException', ({ message }) => reply({ failure: reasonOf(message), isBroken: true }))
process.once('exit', () => reply({ failure: 'the library ended its thread', isBroken: true }))
