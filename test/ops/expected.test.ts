import { readFileSync } from 'node:fs'
import { type DType, ops, scope, Tensor, tensor } from 'eegtorch'

/** A number as JSON holds it: those that are not finite by name. */
type Plain = number | boolean | string | { re: Plain; im: Plain }
interface Stored {
  dtype: DType
  shape: number[]
  values: Plain[]
}
type Result = Plain | Stored | Result[]
type Call = [operator: string, args: unknown[], named: Record<string, unknown>]

// What PyTorch gives, written by test/fixtures/tensors/make_operators.py.
const fixture = new URL('../fixtures/tensors/operators.json', import.meta.url)
const { inputs, cases } = JSON.parse(readFileSync(fixture, 'utf8')) as {
  inputs: Record<string, Stored>
  cases: { call: Call; result: Result }[]
}

const operators = ops.aten as unknown as Record<string, (...args: unknown[]) => unknown>
const isStored = (result: Result): result is Stored => typeof result === 'object' && 'dtype' in result
/** Relative, absolute below 1; whole numbers and booleans must be equal. */
const TOLERANCES: Partial<Record<DType, number>> = { float32: 1e-6, float64: 1e-10, complex128: 1e-10 }

function load({ dtype, shape, values }: Stored): Tensor {
  const numbers = values.map((value) => (typeof value === 'string' ? Number(value.replace('inf', 'Infinity')) : value))
  return tensor(numbers as number[], { dtype }).reshape(shape)
}

const loaded = new Map(Object.entries(inputs).map(([name, stored]) => [`$${name}`, load(stored)]))

const resolve = (value: unknown): unknown =>
  Array.isArray(value) ? value.map(resolve) : (loaded.get(value as string) ?? value)

const camelCase = (name: string) => name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase())

function run([operator, args, named]: Call): unknown {
  const options = Object.entries(named).map(([name, value]) => [camelCase(name), value])
  return operators[operator]!(...args.map(resolve), ...(options.length > 0 ? [Object.fromEntries(options)] : []))
}

/** A result as the fixture holds it. */
function stored(value: unknown): Result {
  if (Array.isArray(value)) return value.map(stored)
  if (!(value instanceof Tensor)) return value as Plain
  return { dtype: value.dtype, shape: [...value.shape], values: value.reshape([-1]).toArray() as Plain[] }
}

/** Two results with numbers that differ by rounding made equal; anything else stays as it is, and is reported. */
function rounded(result: Result, expected: Result, epsilon = TOLERANCES.float64!): Result {
  if (Array.isArray(result) && Array.isArray(expected)) {
    return result.map((part, i) => rounded(part, expected[i]!, epsilon))
  }
  if (typeof result === 'number') return near(result, expected as Plain, epsilon)
  if (typeof result !== 'object' || typeof expected !== 'object') return result
  if ('re' in result && 're' in expected) {
    return { re: near(result.re, expected.re, epsilon), im: near(result.im, expected.im, epsilon) }
  }
  if (!(isStored(result) && isStored(expected))) return result
  const tolerance = TOLERANCES[expected.dtype] ?? 0
  return { ...result, values: result.values.map((v, i) => rounded(v, expected.values[i]!, tolerance) as Plain) }
}

function near(value: Plain, expected: Plain, epsilon: number): Plain {
  if (typeof value !== 'number') return value
  if (typeof expected === 'string') return String(value).replace('Infinity', 'inf').replace('NaN', 'nan')
  if (typeof expected !== 'number') return value
  return Math.abs(value - expected) <= epsilon * Math.max(1, Math.abs(expected)) ? expected : value
}

test('the fixture holds several hundred operators', () => {
  expect(new Set(cases.map(({ call: [name] }) => name)).size).toBeGreaterThan(450)
})

test.each(cases.map(({ call, result }) => [JSON.stringify(call), call, result] as const))('%s', (_, call, expected) => {
  const result = scope(() => stored(run(call)))
  expect(rounded(result, expected)).toEqual(expected)
})
