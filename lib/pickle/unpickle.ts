import { EegTorchError, type ErrorCode } from '../errors.ts'
import { PickleBytes, parseFloatText, parseInteger, parseQuoted, parseRawUnicode } from './bytes.ts'
import { FarBytes } from './file-bytes.ts'
import { KnownName, type NameTable } from './values.ts'

/** The most that a pickle may do; far above what data needs, low enough that no file can fill the memory. */
export interface UnpickleLimits {
  /** Instructions in all (default 16 million). */
  operations?: number
  /** Lists, tuples, dicts, sets and calls (default 2 million). */
  containers?: number
}

export interface UnpickleOptions {
  /** The names that the pickle may use; every other is refused. */
  names: NameTable
  /** Resolves a persistent id: how a torch file points at its storages. Without it such an id is refused. */
  persistentLoad?: (id: unknown) => unknown
  /** Where the pickle starts (default 0). */
  start?: number
  /** Names the file in errors. */
  file: string
  /** What the file is, in the refusal of a name: `'a checkpoint'` (default). */
  purpose?: string
  limits?: UnpickleLimits
}

/**
 * Reads one pickle, protocols 0 to 5, as plain data, and runs nothing: a name outside of `names` is refused, whatever it is.
 *
 * None becomes null; int a number, or a bigint beyond 2^53; bytes a Uint8Array; tuple and list an array; dict a Map; set a
 * Set. Time and memory grow with the length of the pickle only; what it shares or nests endlessly stays shared, so that
 * whoever walks the result must count (see `toPlain`).
 *
 * @returns the value, and the position after the pickle
 * @throws EegTorchError `FILE_UNSAFE` naming what was asked for, `FILE_INVALID`, `FILE_TRUNCATED`, `FILE_UNSUPPORTED`
 */
export function unpickle(bytes: Uint8Array | PickleBytes, options: UnpickleOptions): { value: unknown; end: number } {
  const machine = new Machine(bytes, options)
  try {
    return { value: machine.run(), end: machine.position }
  } catch (error) {
    if (error instanceof EegTorchError) throw withFile(error, options.file)
    throw new EegTorchError('FILE_INVALID', 'the pickle cannot be read', { file: options.file, cause: error })
  }
}

function withFile(error: EegTorchError, file: string): EegTorchError {
  if (error.file !== undefined) return error
  const { code, message, cause } = error
  return new EegTorchError(code, message, { file, ...(cause !== undefined && { cause }) })
}

/** What ended the pickle: not a value. */
const STOP = Symbol('stop')
const MAX_MEMO = 2 ** 22

class Machine {
  readonly #bytes: PickleBytes
  readonly #options: UnpickleOptions
  #stack: unknown[] = []
  /** Where each open mark stands in the stack. */
  readonly #marks: number[] = []
  readonly #memo = new Map<number, unknown>()
  /** Which name made an object, for the state that may follow. */
  readonly #makers = new Map<unknown, KnownName>()
  #containers = 0

  constructor(bytes: Uint8Array | PickleBytes, options: UnpickleOptions) {
    this.#bytes = bytes instanceof PickleBytes ? bytes : new PickleBytes(bytes, options.start ?? 0, options.file)
    this.#options = options
  }

  get position(): number {
    return this.#bytes.position
  }

  run(): unknown {
    const limit = this.#options.limits?.operations ?? 16_000_000
    for (let count = 0; count < limit; count++) {
      const at = this.position
      const code = this.#bytes.uint8()
      const operation = OPERATIONS[code]
      if (operation === undefined) {
        throw this.error(
          'FILE_INVALID',
          `byte ${at} is no pickle instruction (0x${code.toString(16).padStart(2, '0')})`,
        )
      }
      if (operation(this, this.#bytes) === STOP) return this.pop()
    }
    throw this.error('FILE_UNSAFE', `the pickle has more than ${limit} instructions`)
  }

  push(value: unknown): void {
    this.#stack.push(value)
  }

  pop(): unknown {
    if (this.#stack.length === 0 || this.#stack.length === this.#marks.at(-1)) {
      throw this.error('FILE_INVALID', 'the pickle takes more values than it made')
    }
    return this.#stack.pop()
  }

  top(): unknown {
    const value = this.pop()
    this.push(value)
    return value
  }

  mark(): void {
    this.#marks.push(this.#stack.length)
  }

  popToMark(): unknown[] {
    const mark = this.#marks.pop()
    if (mark === undefined) throw this.error('FILE_INVALID', 'the pickle closes a group that it never opened')
    return this.#stack.splice(mark)
  }

  /** POP takes a mark away when nothing lies above it. */
  discard(): void {
    if (this.#marks.at(-1) === this.#stack.length) this.#marks.pop()
    else this.pop()
  }

  /** Pushes a list, tuple, dict, set or object, counted. */
  pushContainer(value: unknown): void {
    const limit = this.#options.limits?.containers ?? 2_000_000
    if (++this.#containers > limit) throw this.error('FILE_UNSAFE', `the pickle makes more than ${limit} objects`)
    this.push(value)
  }

  take(count: number): unknown[] {
    return Array.from({ length: count }, () => this.pop()).reverse()
  }

  memoize(index: number = this.#memo.size): void {
    if (this.#memo.size >= MAX_MEMO)
      throw this.error('FILE_UNSAFE', `the pickle remembers more than ${MAX_MEMO} values`)
    this.#memo.set(index, this.top())
  }

  recall(index: number): void {
    if (!this.#memo.has(index))
      throw this.error('FILE_INVALID', `the pickle recalls value ${index}, which it never kept`)
    this.push(this.#memo.get(index))
  }

  append(items: readonly unknown[]): void {
    const list = this.top()
    if (!Array.isArray(list)) throw this.error('FILE_INVALID', 'the pickle appends to what is no list')
    for (const item of items) list.push(item)
  }

  setItems(items: readonly unknown[]): void {
    const map = this.top()
    if (!(map instanceof Map) || items.length % 2 !== 0) {
      throw this.error('FILE_INVALID', 'the pickle sets members of what is no dict')
    }
    for (let i = 0; i < items.length; i += 2) map.set(items[i], items[i + 1])
  }

  addItems(items: readonly unknown[]): void {
    const set = this.top()
    if (!(set instanceof Set)) throw this.error('FILE_INVALID', 'the pickle adds to what is no set')
    for (const item of items) set.add(item)
  }

  pushName(module: unknown, name: unknown): void {
    if (typeof module !== 'string' || typeof name !== 'string') {
      throw this.error('FILE_INVALID', 'the pickle names a class by something other than text')
    }
    const full = currentName(`${module}.${name}`)
    const known = this.#options.names(full)
    if (known === undefined) {
      const shown = /^[\w.<>]{1,200}$/.test(full) ? full : JSON.stringify(full.slice(0, 200))
      const purpose = this.#options.purpose ?? 'a checkpoint'
      throw this.error('FILE_UNSAFE', `asks for ${shown}, which ${purpose} has no need of`)
    }
    this.push(known)
  }

  call(callable: unknown, args: unknown): void {
    if (!(callable instanceof KnownName) || !Array.isArray(args)) {
      throw this.error('FILE_INVALID', 'the pickle calls what cannot be called')
    }
    const result = callable.call(args)
    if (callable.build && typeof result === 'object' && result !== null) this.#makers.set(result, callable)
    this.pushContainer(result)
  }

  build(state: unknown): void {
    const object = this.top()
    const maker = this.#makers.get(object)
    if (maker?.build) {
      maker.build(object, state)
      return
    }
    // attributes of a container, such as the `_metadata` of a state dict, say nothing of its content
    if (object instanceof Map || object instanceof Set || Array.isArray(object)) return
    throw this.error('FILE_INVALID', 'the pickle gives state to an object that takes none')
  }

  persistent(id: unknown): void {
    if (this.#options.persistentLoad === undefined) {
      throw this.error('FILE_INVALID', 'the pickle refers to data that is not in it')
    }
    this.push(this.#options.persistentLoad(id))
  }

  error(code: ErrorCode, what: string): EegTorchError {
    return new EegTorchError(code, what, { file: this.#options.file })
  }
}

/** Names that moved between Python 2 and 3, and between numpy 1 and 2. */
function currentName(name: string): string {
  return name
    .replace(/^__builtin__\./, 'builtins.')
    .replace(/^copy_reg\./, 'copyreg.')
    .replace(/^numpy\._core\./, 'numpy.core.')
}

type Operation = (machine: Machine, bytes: PickleBytes) => unknown

/** Text that must parse; what the instruction names it for the error. */
function parsed<T>(machine: Machine, value: T | undefined, what: string): T {
  if (value === undefined) throw machine.error('FILE_INVALID', `the pickle holds a malformed ${what}`)
  return value
}

/** A byte string of Python 2: text where it is ASCII, else bytes. */
function pushByteString(machine: Machine, bytes: Uint8Array): void {
  machine.push(
    !(bytes instanceof FarBytes) && bytes.every((byte) => byte < 0x80) ? Buffer.from(bytes).toString('latin1') : bytes,
  )
}

function pairsToMap(items: readonly unknown[]): Map<unknown, unknown> {
  const map = new Map<unknown, unknown>()
  for (let i = 0; i + 1 < items.length; i += 2) map.set(items[i], items[i + 1])
  return map
}

const refuseExtension: Operation = (machine) => {
  throw machine.error('FILE_UNSAFE', 'the pickle asks for a class of the extension registry')
}
const refuseBuffer: Operation = (machine) => {
  throw machine.error('FILE_UNSUPPORTED', 'the pickle keeps its data in buffers outside of it')
}

/** Instructions by their byte; the letters are those of Python's pickletools. */
const OPERATIONS: readonly (Operation | undefined)[] = table({
  '(': (m) => m.mark(),
  '.': () => STOP,
  '0': (m) => m.discard(),
  '1': (m) => m.popToMark(),
  '2': (m) => m.push(m.top()),
  F: (m, b) => m.push(parsed(m, parseFloatText(b.line()), 'float')),
  I: (m, b) => {
    const text = b.line()
    m.push(text === '00' ? false : text === '01' ? true : parsed(m, parseInteger(text), 'integer'))
  },
  J: (m, b) => m.push(b.int32()),
  K: (m, b) => m.push(b.uint8()),
  L: (m, b) => m.push(parsed(m, parseInteger(b.line()), 'integer')),
  M: (m, b) => m.push(b.uint16()),
  N: (m) => m.push(null),
  P: (m, b) => m.persistent(b.line()),
  Q: (m) => m.persistent(m.pop()),
  R: (m) => {
    const args = m.pop()
    m.call(m.pop(), args)
  },
  S: (m, b) => pushByteString(m, Buffer.from(parsed(m, parseQuoted(b.line()), 'string'), 'latin1')),
  T: (m, b) => pushByteString(m, b.take(b.uint32())),
  U: (m, b) => pushByteString(m, b.take(b.uint8())),
  V: (m, b) => m.push(parseRawUnicode(b.line())),
  X: (m, b) => m.push(b.utf8(b.uint32())),
  a: (m) => m.append([m.pop()]),
  b: (m) => m.build(m.pop()),
  c: (m, b) => m.pushName(b.line(), b.line()),
  d: (m) => m.pushContainer(pairsToMap(m.popToMark())),
  '}': (m) => m.pushContainer(new Map()),
  e: (m) => m.append(m.popToMark()),
  g: (m, b) => m.recall(Number(parsed(m, parseInteger(b.line()), 'index'))),
  h: (m, b) => m.recall(b.uint8()),
  i: (m, b) => {
    m.pushName(b.line(), b.line())
    const name = m.pop()
    m.call(name, m.popToMark())
  },
  j: (m, b) => m.recall(b.uint32()),
  l: (m) => m.pushContainer(m.popToMark()),
  ']': (m) => m.pushContainer([]),
  o: (m) => {
    const [name, ...args] = m.popToMark()
    m.call(name, args)
  },
  p: (m, b) => m.memoize(Number(parsed(m, parseInteger(b.line()), 'index'))),
  q: (m, b) => m.memoize(b.uint8()),
  r: (m, b) => m.memoize(b.uint32()),
  s: (m) => m.setItems(m.take(2)),
  t: (m) => m.pushContainer(m.popToMark()),
  ')': (m) => m.pushContainer([]),
  u: (m) => m.setItems(m.popToMark()),
  G: (m, b) => m.push(b.float64()),
  '\x80': (m, b) => {
    const protocol = b.uint8()
    if (protocol > 5) throw m.error('FILE_UNSUPPORTED', `the pickle has protocol ${protocol}, known are 0 to 5`)
  },
  '\x81': (m) => {
    const args = m.pop()
    m.call(m.pop(), args)
  },
  '\x82': refuseExtension,
  '\x83': refuseExtension,
  '\x84': refuseExtension,
  '\x85': (m) => m.pushContainer(m.take(1)),
  '\x86': (m) => m.pushContainer(m.take(2)),
  '\x87': (m) => m.pushContainer(m.take(3)),
  '\x88': (m) => m.push(true),
  '\x89': (m) => m.push(false),
  '\x8a': (m, b) => m.push(b.integer(b.uint8())),
  '\x8b': (m, b) => m.push(b.integer(b.uint32())),
  B: (m, b) => m.push(b.take(b.uint32())),
  C: (m, b) => m.push(b.take(b.uint8())),
  '\x8c': (m, b) => m.push(b.utf8(b.uint8())),
  '\x8d': (m, b) => m.push(b.utf8(b.uint64())),
  '\x8e': (m, b) => m.push(b.take(b.uint64())),
  '\x8f': (m) => m.pushContainer(new Set()),
  '\x90': (m) => m.addItems(m.popToMark()),
  '\x91': (m) => m.pushContainer(new Set(m.popToMark())),
  '\x92': (m) => {
    const [name, args, named] = m.take(3)
    if (!(named instanceof Map) || named.size > 0) {
      throw m.error('FILE_INVALID', 'the pickle calls a class with named arguments')
    }
    m.call(name, args)
  },
  '\x93': (m) => {
    const [module, name] = m.take(2)
    m.pushName(module, name)
  },
  '\x94': (m) => m.memoize(),
  '\x95': (_, b) => {
    const length = b.uint64()
    const start = b.position
    b.take(length)
    b.position = start
  },
  '\x96': (m, b) => m.push(b.take(b.uint64())),
  '\x97': refuseBuffer,
  '\x98': refuseBuffer,
})

function table(operations: Readonly<Record<string, Operation>>): (Operation | undefined)[] {
  const byCode = new Array<Operation | undefined>(256).fill(undefined)
  for (const [letter, operation] of Object.entries(operations)) byCode[letter.charCodeAt(0)] = operation
  return byCode
}
