import { workerData } from 'node:worker_threads'
import type { Hdf5Reply, Hdf5Request, Hdf5WorkerData } from './protocol.ts'
import { Hdf5Variables } from './variables.ts'

// The thread that runs the HDF5 library (h5wasm): damaged files make it loop or abort, and only a thread can be thrown away.

type Library = typeof import('h5wasm')

/** Instances of the library that a thread may use up; each keeps its memory until the thread ends. */
const MOST_INSTANCES = 8

const { port, answered } = workerData as Hdf5WorkerData
const flag = new Int32Array(answered)
let library: Promise<Library> = load(1)
let instances = 1
let open: Hdf5Variables | undefined

/** A new instance of the library, which shares nothing with those before. */
async function load(instance: number): Promise<Library> {
  const h5: Library = await import(`${import.meta.resolve('h5wasm/node')}?instance=${instance}`)
  const module = await h5.ready
  module.activate_throwing_error_handler()
  return h5
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
    return { failure: reasonOf(message) || name, isBroken }
  }
}

/** The innermost of HDF5's messages, which says most; other errors have one line. */
function reasonOf(message: string): string {
  const inner = [...message.matchAll(/ in \w+\(\): (.*)/g)].at(-1)?.[1]
  return inner ?? message.trim().split('\n')[0] ?? ''
}

port.on('message', async (request: Hdf5Request) => {
  port.postMessage(await answer(request))
  Atomics.store(flag, 0, 1)
  Atomics.notify(flag, 0)
})
