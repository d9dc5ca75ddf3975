import { KnownName, type NameTable, PythonComplex, PythonObject, wrongArguments } from './values.ts'

/** Classes that are only a bag of attributes. */
const PLAIN_CLASSES = ['argparse.Namespace', 'types.SimpleNamespace', 'builtins.object']

/** Names of Python's own library that plain data uses: containers, bytes, complex numbers, paths, namespaces. */
export const pythonNames: NameTable = (name) => NAMES.get(name)

function name(full: string, call: (args: readonly unknown[]) => unknown): KnownName {
  return new KnownName(full, (args) => {
    const result = call(args)
    if (result === undefined) throw wrongArguments(full)
    return result
  })
}

/** Calls of the form `set([...])`: no argument or one list. */
function fromItems(full: string, make: (items: readonly unknown[]) => unknown): KnownName {
  return name(full, (args) => {
    const [items = []] = args
    return args.length <= 1 && Array.isArray(items) ? make(items) : undefined
  })
}

/** `dict`, `OrderedDict([(key, value), ...])`, `Counter({...})`. */
function toMap(items: unknown): Map<unknown, unknown> | undefined {
  if (items instanceof Map) return new Map(items)
  if (!Array.isArray(items)) return undefined
  return items.every((item) => Array.isArray(item) && item.length === 2) ? new Map(items) : undefined
}

function toBytes(args: readonly unknown[]): Uint8Array | undefined {
  const [data, encoding] = args
  if (args.length === 0) return new Uint8Array()
  if (data instanceof Uint8Array && args.length === 1) return data
  if (Array.isArray(data) && args.length === 1) return data.every(isByte) ? Uint8Array.from(data) : undefined
  if (typeof data !== 'string' || typeof encoding !== 'string') return undefined
  // Python 3 writes bytes for Python 2 as text whose characters are the bytes
  return /^(latin-?1|iso-?8859-1)$/i.test(encoding) && isLatin1(data)
    ? Uint8Array.from(Buffer.from(data, 'latin1'))
    : undefined
}

function isByte(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 256
}

function isLatin1(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 255) return false
  return true
}

function toComplex([re, im = 0]: readonly unknown[]): PythonComplex | undefined {
  return typeof re === 'number' && typeof im === 'number' ? new PythonComplex(re, im) : undefined
}

function joinPath(parts: readonly unknown[]): string | undefined {
  return parts.every((part) => typeof part === 'string') ? parts.join('/').replace(/^\/\//, '/') : undefined
}

function setAttributes(object: unknown, state: unknown): void {
  if (!(object instanceof PythonObject) || !(state instanceof Map)) throw wrongArguments('an object of attributes')
  object.attributes = state
}

function plainClass(full: string): KnownName {
  return new KnownName(full, () => new PythonObject(full), setAttributes)
}

/** `copyreg._reconstructor(class, object, None)`: how protocols 0 and 1 make an object. */
const reconstructor = new KnownName(
  'copyreg._reconstructor',
  ([type, base]) => {
    if (!(type instanceof KnownName) || !PLAIN_CLASSES.includes(type.name))
      throw wrongArguments('copyreg._reconstructor')
    if (!(base instanceof KnownName) || base.name !== 'builtins.object') throw wrongArguments('copyreg._reconstructor')
    return type.call([])
  },
  setAttributes,
)

const NAMES: ReadonlyMap<string, KnownName> = new Map(
  [
    fromItems('builtins.set', (items) => new Set(items)),
    fromItems('builtins.frozenset', (items) => new Set(items)),
    fromItems('builtins.list', (items) => [...items]),
    fromItems('builtins.tuple', (items) => [...items]),
    fromItems('collections.deque', (items) => [...items]),
    name('builtins.dict', ([items = []]) => toMap(items)),
    name('collections.OrderedDict', ([items = []]) => toMap(items)),
    name('collections.Counter', ([items = []]) => toMap(items)),
    name('collections.defaultdict', () => new Map()),
    name('builtins.bytes', toBytes),
    name('builtins.bytearray', toBytes),
    name('_codecs.encode', toBytes),
    name('builtins.complex', toComplex),
    name('pathlib.PosixPath', joinPath),
    name('pathlib.PurePosixPath', joinPath),
    name('pathlib._local.PosixPath', joinPath),
    ...['bool', 'int', 'float', 'str'].map((type) => name(`builtins.${type}`, () => undefined)),
    ...PLAIN_CLASSES.map(plainClass),
    reconstructor,
  ].map((known) => [known.name, known]),
)
