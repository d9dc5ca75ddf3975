import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isMainThread } from 'node:worker_threads'
import { EegTorchError, type ErrorCode } from './errors.ts'
import { type LibTorch, resolveLibTorch } from './setup/libtorch.ts'

/** A tensor's number in the addon's table: a slot and its generation. */
export type TensorId = number

/** One argument of an operator's overload, as the loaded LibTorch describes it. */
export interface NativeArgument {
  name: string
  /** `Tensor`, `int`, `float`, `bool`, `Scalar`, `Dtype`, …, with `[]`, `[n]` and `?` as in schemas. */
  type: string
  keywordOnly: boolean
  hasDefault: boolean
}

export interface NativeOverload {
  /** What `call` wants as its first argument. */
  index: number
  overload: string
  schema: string
  arguments: NativeArgument[]
  returns: string[]
  /** Names of the results, empty where the schema gives none. */
  returnNames: string[]
  /** The argument that the operator gives back itself (in-place and `out` variants), or -1. */
  returnedArgument: number
}

export interface Counters {
  /** Tensors that JavaScript holds and has not disposed of. */
  tensors: number
  /** Bytes that they hold, handles included. */
  bytes: number
  /** Bytes outside its heap that V8 was told of, by anyone. */
  external: number
  /** Jobs on the compute thread, waiting and running, of all environments. */
  jobs: number
}

/** Everything that the addon's core exports. Only `lib/` calls it; users see classes made of it. */
export interface Native {
  call(operator: number, ...values: unknown[]): unknown
  callAsync(operator: number, values: unknown[], cancellation?: number): Promise<unknown>
  overloads(name: string): NativeOverload[]
  operatorNames(): string[]
  makeGenerator(seed: number | bigint): number

  free(id: TensorId): void
  dispose(id: TensorId): boolean
  fromBuffer(
    buffer: ArrayBufferLike,
    offset: number,
    length: number,
    dtype: string,
    shape: readonly number[],
    share: boolean,
  ): TensorId
  toBuffer(id: TensorId, share: boolean): ArrayBuffer
  shape(id: TensorId): number[]
  strides(id: TensorId): number[]
  storageOffset(id: TensorId): number
  elementCount(id: TensorId): number
  dtype(id: TensorId): string
  device(id: TensorId): string
  layout(id: TensorId): string
  isContiguous(id: TensorId): boolean
  isView(id: TensorId): boolean
  sharesStorage(a: TensorId, b: TensorId): boolean
  item(id: TensorId): unknown

  backward(
    outputs: TensorId[],
    gradients: TensorId[] | null,
    inputs: TensorId[] | null,
    retainGraph: boolean,
    createGraph: boolean,
    allowUnused: boolean,
  ): void
  backwardAsync(...args: [...Parameters<Native['backward']>, cancellation: number | undefined]): Promise<void>
  gradients(...args: Parameters<Native['backward']>): (TensorId | null)[]
  grad(id: TensorId): TensorId | null
  setGrad(id: TensorId, gradient: TensorId | null): void
  requiresGrad(id: TensorId): boolean
  setRequiresGrad(id: TensorId, value: boolean): void
  isLeaf(id: TensorId): boolean
  gradFunction(id: TensorId): string | null
  gradEnabled(): boolean
  setGradEnabled(value: boolean): void

  version(): { built: string; cpu: string; cuda: boolean; devices: number }
  freeMemory(device: string): number
  threads(): number
  setThreads(count: number): Promise<void>
  seed(seed: number | bigint): void
  randomState(): TensorId
  setRandomState(id: TensorId): void
  counters(): Counters
  releaseMemory(): void
  onLiveBytes(limit: number, callback: (bytes: number) => void): void
  makeCancellation(): number
  cancel(id: number): void
  stop(): void
  removeObject(id: number): boolean
}

/** What opens libraries so that their names are known to those that are opened after them. */
export interface Loader {
  open(path: string): void
}

const require = createRequire(import.meta.url)
const packageRoot = join(dirname(fileURLToPath(import.meta.url)), '..')

/** Opens a shared object as an addon, without the module cache of `require`, which knows `.node` only. */
function openAddon<T>(path: string): T {
  const addon = { exports: {} as T }
  process.dlopen(addon as unknown as NodeJS.Module, path, constants.dlopen.RTLD_NOW)
  return addon.exports
}

function findAddon(): string {
  try {
    const { resolve } = require('node-gyp-build') as { resolve(root: string): string }
    return resolve(packageRoot)
  } catch (cause) {
    throw new EegTorchError(
      'ADDON_NOT_FOUND',
      `there is no binary for ${process.platform} ${process.arch} in ${packageRoot}; run: npx eegtorch doctor`,
      { cause },
    )
  }
}

/**
 * Opens the GPU libraries before anything asks LibTorch for a GPU: asked once without them, it never looks again. Without
 * a driver there is nothing to open, and `EEGTORCH_CUDA=0` leaves them closed.
 */
export function openCuda(loader: Loader, libtorch: Pick<LibTorch, 'dir' | 'hasCudaLibraries'>): void {
  if (!libtorch.hasCudaLibraries || process.env.EEGTORCH_CUDA === '0') return
  try {
    loader.open('libcuda.so.1')
  } catch {
    return
  }
  loader.open(join(libtorch.dir, 'lib', 'libtorch_cuda.so'))
}

function load(): Native {
  const libtorch = resolveLibTorch()
  const path = findAddon()
  try {
    const loader = openAddon<Loader>(join(dirname(path), 'eegtorch_loader.so'))
    for (const library of libtorch.libraries) loader.open(library)
    openCuda(loader, libtorch)
    return openAddon<Native>(path)
  } catch (cause) {
    throw new EegTorchError('ADDON_NOT_FOUND', `the addon does not load (${(cause as Error).message})`, {
      file: path,
      cause,
    })
  }
}

/** Makes an EegTorchError of what the addon threw; anything else comes back as it is. */
export function translateError(error: unknown): unknown {
  const raw = error as { code?: string; message: string; expected?: string; received?: string; option?: string }
  if (error instanceof EegTorchError || typeof raw?.code !== 'string') return error
  const details: { expected?: string; received?: string; option?: string } = {}
  if (raw.expected !== undefined) details.expected = raw.expected
  if (raw.received !== undefined) details.received = raw.received
  if (raw.option !== undefined) details.option = raw.option
  return new EegTorchError(raw.code as ErrorCode, raw.message, details)
}

type AnyFunction = (...args: never[]) => unknown

/** A function whose errors, thrown or rejected, are EegTorchErrors. */
function translated<F extends AnyFunction>(run: F): F {
  return ((...args: never[]) => {
    try {
      const result = run(...args)
      return result instanceof Promise || isThenable(result) ? Promise.resolve(result).catch(rethrow) : result
    } catch (error) {
      throw translateError(error)
    }
  }) as F
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}

function rethrow(error: unknown): never {
  throw translateError(error)
}

let started = false

/** Called once, when the addon is first needed: `import 'eegtorch'` alone loads no LibTorch, for those who only read recordings. */
function start(): void {
  const raw = load()
  started = true
  rawCall = raw.call
  rawFree = raw.free
  for (const [name, value] of Object.entries(raw)) {
    Object.defineProperty(native, name, { value: translated(value as AnyFunction), enumerable: true })
  }
  // process.exit() runs no destructors: without this, the compute thread would run on unloaded code. A worker's end is the
  // addon's own affair: its jobs are dropped, those of others go on.
  if (isMainThread) process.on('exit', () => raw.stop())
  for (const hook of startHooks) hook()
}

const startHooks: (() => void)[] = []

/** Registers what is to be done as soon as the addon is loaded. */
export function onNativeStart(hook: () => void): void {
  startHooks.push(hook)
}

/** `call` and `free` without translation, for the paths where nanoseconds count; see `lib/ops/packet.ts`. */
export let rawCall: Native['call'] = (...args) => {
  start()
  return rawCall(...args)
}
export let rawFree: Native['free'] = (id) => {
  start()
  rawFree(id)
}

// Functions become own properties at the start; until then, asking for any of them starts it.
const starter = new Proxy(
  {},
  {
    get(_, name) {
      if (typeof name !== 'string' || name === 'then') return undefined
      if (!started) start()
      return Object.getOwnPropertyDescriptor(native, name)?.value
    },
  },
)

/** The addon. Every error that it throws is an EegTorchError. */
export const native: Native = Object.create(starter)

/** Native functions of one subject, which a file of `lib/` types for itself, such as models. */
export function nativeFunctions<T>(): T {
  return native as unknown as T
}
