import { EegTorchError } from './errors.ts'
import { native, onNativeStart, rawFree } from './native.ts'

/** What the memory functions need to know of a tensor. */
interface Held {
  id: number
}

// A collected tensor frees its slot. A number that was freed before is stale, and freeing it again does nothing.
const registry = new FinalizationRegistry<number>((id) => rawFree(id))

/**
 * Registering costs as much as the rest of a call on small tensors, and a tensor that is disposed of soon never needs it. So new ones wait
 * here, until there are some or the synchronous stretch of code ends.
 */
const NURSERY = 32
const nursery: Held[] = []

const scopes: Held[][] = []
let current: Held[] | undefined

function emptyNursery(): void {
  for (const tensor of nursery) if (tensor.id >= 0) registry.register(tensor, tensor.id)
  nursery.length = 0
}

/** Called for each new tensor. */
export function adopt(tensor: Held): void {
  if (current !== undefined) {
    current.push(tensor)
    return
  }
  if (nursery.length === 0) queueMicrotask(emptyNursery)
  if (nursery.push(tensor) >= NURSERY) emptyNursery()
}

/** Frees a tensor now; once is enough, twice does no harm. */
export function release(tensor: Held): void {
  if (tensor.id < 0) return
  rawFree(tensor.id)
  tensor.id = -1
}

/**
 * Runs `body`; every tensor made in it is freed at its end, save those in its result (a tensor, or tensors in arrays
 * and plain objects) and those given to `keep`. Scopes nest: what leaves an inner one belongs to the outer.
 *
 * @throws EegTorchError `INVALID_OPTION` for an asynchronous body: its work would go on after the scope has ended
 */
export function scope<T>(body: (keep: <K>(value: K) => K) => T): T {
  const made: Held[] = []
  const kept = new Set<Held>()
  scopes.push(made)
  current = made
  try {
    const result = body((value) => {
      collect(value, kept)
      return value
    })
    if (result instanceof Promise) {
      throw new EegTorchError('INVALID_OPTION', 'a scope cannot hold asynchronous work', {
        expected: 'a synchronous function',
        received: 'one that returns a promise',
      })
    }
    collect(result, kept)
    return result
  } catch (error) {
    kept.clear()
    throw error
  } finally {
    scopes.pop()
    current = scopes.at(-1)
    for (const tensor of made) {
      if (kept.has(tensor)) adopt(tensor)
      else release(tensor)
    }
  }
}

/**
 * Tensors that are freed together, when the work that made them is over: what a {@link scope} cannot do for work that waits in between.
 *
 * @internal
 */
export class Arena implements Disposable {
  readonly #held: Held[] = []

  /** Runs `body`; every tensor that is made in it is the arena's. */
  run<T>(body: () => T): T {
    scopes.push(this.#held)
    current = this.#held
    try {
      return body()
    } finally {
      scopes.pop()
      current = scopes.at(-1)
    }
  }

  /** Takes tensors over, as asynchronous work gives them; passes them on. */
  own<T>(value: T): T {
    const found = new Set<Held>()
    collect(value, found)
    this.#held.push(...found)
    return value
  }

  [Symbol.dispose](): void {
    for (const tensor of this.#held) release(tensor)
    this.#held.length = 0
  }
}

/** Adds the tensors in a value: itself, members of arrays, values of plain objects. */
function collect(value: unknown, found: Set<Held>): void {
  if (typeof value !== 'object' || value === null || found.has(value as Held)) return
  if (isHeld(value)) found.add(value)
  else if (Array.isArray(value)) for (const item of value) collect(item, found)
  else if (Object.getPrototypeOf(value)?.constructor?.name === 'Object')
    for (const item of Object.values(value)) collect(item, found)
}

const marker = Symbol('eegtorch.held')

/** Marks a class's objects as tensors for scopes. */
export function markHeld(prototype: object): void {
  Object.defineProperty(prototype, marker, { value: true })
}

function isHeld(value: object): value is Held {
  return marker in value
}

/** How many tensors JavaScript holds, and their bytes. */
export interface MemoryUse {
  tensors: number
  bytes: number
}

/** Counts the tensors that this thread holds and has not freed: constant from step to step in a loop that does not leak. */
export function memory(): MemoryUse {
  const { tensors, bytes } = native.counters()
  return { tensors, bytes }
}

/**
 * Gives memory that was freed, and is kept for what comes next, back to the system and the GPU: after one large model, before another that is to take
 * its place.
 */
export function releaseMemory(): void {
  native.releaseMemory()
}

let warned = false

/**
 * Sets how many bytes live tensors may hold before a warning names the line that passed the limit. Default: 8 GiB. 0: never warn.
 */
export function setMemoryWarning(bytes: number): void {
  warned = false
  native.onLiveBytes(bytes, warn)
}

function warn(bytes: number): void {
  if (warned) return
  warned = true
  const gigabytes = (bytes / 2 ** 30).toFixed(1)
  process.emitWarning(
    `live tensors hold ${gigabytes} GiB at ${callerLine()}: free them with using, dispose() or scope(), or yield to the event loop`,
    { code: 'EEGTORCH_MEMORY', type: 'EegTorchWarning' },
  )
}

/** The first line of the stack outside this package. */
function callerLine(): string {
  const own = new URL('.', import.meta.url).href
  const lines = (new Error().stack ?? '').split('\n').slice(1)
  const outside = lines.find((line) => !line.includes(own) && !line.includes(own.replace('file://', '')))
  return (outside ?? lines.at(-1) ?? '').trim().replace(/^at /, '')
}

onNativeStart(() => setMemoryWarning(8 * 2 ** 30))
