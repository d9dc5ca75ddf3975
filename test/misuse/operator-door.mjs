// Throws random arguments at operators, in a process of its own: a crash of LibTorch must be a failed test, not the end of
// the suite. Arguments: entry of the built package, namespace, seed, number of calls, names to leave out (comma-separated, `_*` for
// all that start so).
// Standard output: what was called last (so that a crash can be told), then one line of counts.
import { writeSync } from 'node:fs'
import fc from 'fast-check'

const [entry, namespace, seed, runs, leftOut = ''] = process.argv.slice(2)
const { EegTorchError, Generator, Tensor, empty, ones, ops, scope, tensor, zeros } = await import(entry)
const { native } = await import(new URL('native.js', entry).href)
const patterns = leftOut.split(',').filter(Boolean)
const isLeftOut = (name) => patterns.some((p) => (p.endsWith('*') ? name.startsWith(p.slice(0, -1)) : name === p))

const functions = ops.namespace(namespace)
const prefix = `${namespace}::`
const overloads = native
  .operatorNames()
  .filter((name) => name.startsWith(prefix) && !isLeftOut(name.slice(prefix.length)))
  .flatMap((name) => native.overloads(name).map((overload) => ({ name: name.slice(prefix.length), overload })))

const generator = new Generator(1)
const stale = zeros([2])
stale.dispose()

const tensors = {
  scalar: () => tensor(2),
  none: () => zeros([0]),
  vector: () => tensor([1, -2, 3.5]),
  matrix: () => ones([3, 3]),
  wide: () => ones([2, 3]),
  cube: () => ones([2, 3, 4]),
  image: () => ones([1, 2, 4, 4]),
  deep: () => ones([1, 2, 2, 3, 3]),
  pair: () => ones([2]),
  recordings: () => ones([2, 3, 4]),
  temporal: () => ones([2, 1, 1, 3]),
  spatial: () => ones([4, 1, 3, 1]),
  rows: () => ones([2, 2, 1, 4]),
  hollow: () => zeros([2, 0, 3]),
  integers: () => tensor([0n, 2n, 1n]),
  huge: () => tensor([2n ** 62n, -(2n ** 62n)]),
  indices: () => zeros([2, 3], { dtype: 'int64' }),
  bytes: () => ones([4], { dtype: 'uint8' }),
  bits: () => tensor([true, false, true]),
  half: () => ones([2, 3], { dtype: 'float16' }),
  double: () => ones([3, 3], { dtype: 'float64' }),
  complex: () => ones([2, 2], { dtype: 'complex64' }),
  nan: () => tensor([Number.NaN, Number.POSITIVE_INFINITY, 0]),
  leaf: () => ones([2, 3], { requiresGrad: true }),
  expanded: () => ones([1, 3]).expand([4, 3]),
  meta: () => empty([2, 3], { device: 'meta' }),
  sparse: () => ones([2, 3]).to_sparse(),
  compressed: () => ones([2, 3]).to_sparse_csr(),
  stale: () => stale,
}

const integers = [0, 1, 2, 3, 4, 7, -1, -2, -5, 100, 2 ** 31, -(2 ** 31), 2 ** 53 - 1, 2n ** 63n - 1n, -(2n ** 63n)]
const numbers = [0, 1, -1, 0.5, 1e-8, 1e300, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
const texts = ['', 'mean', 'sum', 'none', 'reflect', 'ij,jk->ik', 'linear', 'tanh', 'O\u0000', 'x'.repeat(300)]
const dtypes = [
  'float32',
  'float64',
  'float16',
  'bfloat16',
  'int64',
  'int8',
  'bool',
  'complex64',
  'float8_e5m2',
  'qint8',
]

const makeTensor = fc.constantFrom(...Object.keys(tensors)).map((key) => ({ tensor: key }))
const makeInteger = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(0, 1, 2, 3, -1) }, fc.constantFrom(...integers))
const makers = {
  Tensor: makeTensor,
  int: makeInteger,
  float: fc.constantFrom(...numbers),
  bool: fc.boolean(),
  Scalar: fc.constantFrom(...numbers, ...integers, true, { re: 1, im: -2 }),
  complex: fc.constantFrom(1, { re: 0, im: 1 }),
  str: fc.constantFrom(...texts),
  Dtype: fc.constantFrom(...dtypes),
  Layout: fc.constantFrom('strided', 'sparse_coo', 'sparse_csr'),
  MemoryFormat: fc.constantFrom('contiguous', 'channels_last', 'preserve'),
  Device: fc.constantFrom('cpu', 'meta', 'cuda', 'cuda:7'),
  Generator: fc.constant({ generator: true }),
}
const odd = fc.oneof(
  fc.constantFrom(
    undefined,
    null,
    'x',
    Symbol.iterator,
    -0,
    2n ** 64n,
    Number.NaN,
    { id: 1 },
    { re: 'a' },
    [[]],
    [null],
  ),
  makeTensor,
  fc.array(makeTensor, { maxLength: 3 }),
  fc.array(makeInteger, { maxLength: 5 }),
)

/** A value of a schema's type, most of the time. */
function ofType(type) {
  if (type.endsWith('?')) return fc.oneof(fc.constant(null), ofType(type.slice(0, -1)))
  const list = type.match(/^(.*)\[(\d*)\]$/)
  if (list) return fc.array(ofType(list[1]), list[2] ? { minLength: +list[2], maxLength: +list[2] } : { maxLength: 4 })
  return makers[type] ?? odd
}

const argument = ({ type, hasDefault }) =>
  fc.oneof(
    { weight: 14, arbitrary: ofType(type) },
    { weight: hasDefault ? 6 : 0, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: odd },
  )

const calls = fc.nat(overloads.length - 1).chain((i) => {
  const { name, overload } = overloads[i]
  return fc.record({
    name: fc.constant(name),
    index: fc.constant(overload.index),
    args: fc.tuple(...overload.arguments.map(argument)),
    door: fc.constantFrom('function', 'function', 'method'),
  })
})

/** The binding's own door, under the matching of arguments: here nothing but odd values. */
const rawCalls = fc.nat(overloads.length - 1).chain((i) => {
  const { name, overload } = overloads[i]
  return fc.record({
    name: fc.constant(name),
    index: fc.oneof({ weight: 9, arbitrary: fc.constant(overload.index) }, fc.constantFrom(-1, 1e9, 0.5, 'x', null)),
    args: fc.array(odd, { maxLength: overload.arguments.length + 2 }),
    door: fc.constant('native'),
  })
})

function show(value) {
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'object' && value !== null) return value.tensor ?? JSON.stringify(value)
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}

function build(value) {
  if (Array.isArray(value)) return value.map(build)
  if (typeof value !== 'object' || value === null) return value
  if ('tensor' in value) return tensors[value.tensor]()
  return 'generator' in value ? generator : value
}

const asIds = (value) => (Array.isArray(value) ? value.map(asIds) : (value?.id ?? value))
const counts = { values: 0, errors: {} }

/** The raw door gives numbers of tensors, which nothing else would free. */
function callRaw(index, built) {
  const result = native.call(index, ...built.map(asIds))
  for (const id of [result].flat(2)) if (typeof id === 'number') native.dispose(id)
}

function attempt({ name, index, args, door }) {
  writeSync(1, `${name}(${args.map(show).join(', ')}) ${door}\n`)
  try {
    scope(() => {
      const built = args.map(build)
      if (door === 'native') callRaw(index, built)
      else if (door === 'method' && built[0] instanceof Tensor) built[0][name]?.(...built.slice(1))
      else functions[name](...built)
    })
    counts.values++
  } catch (error) {
    if (!(error instanceof EegTorchError)) throw error
    counts.errors[error.code] = (counts.errors[error.code] ?? 0) + 1
  }
}

const settings = { seed: Number(seed), endOnFailure: true }
fc.assert(fc.property(calls, attempt), { ...settings, numRuns: Number(runs) })
fc.assert(fc.property(rawCalls, attempt), { ...settings, numRuns: Math.ceil(Number(runs) / 5) })
writeSync(1, `${JSON.stringify({ overloads: overloads.length, ...counts })}\n`)
