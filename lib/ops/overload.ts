import { isDevice, isDType } from '../dtype.ts'
import { EegTorchError } from '../errors.ts'
import { Generator } from '../generator.ts'
import { camelCase } from '../names.ts'
import type { NativeArgument, NativeOverload } from '../native.ts'
import { Tensor } from '../tensor.ts'

/** An overload ready to be matched and called. */
export interface Overload {
  index: number
  name: string
  schema: string
  order: number
  arguments: CompiledArgument[]
  /** One plain tensor comes back: the common case. */
  givesTensor: boolean
  returnedArgument: number
  /** Makes tensors of the numbers that came back. */
  wrap(result: unknown, args: readonly unknown[]): unknown
}

interface CompiledArgument {
  /** As users write it: `memoryFormat` for `memory_format`. */
  name: string
  type: string
  keywordOnly: boolean
  required: boolean
  accepts(value: unknown): boolean
}

type Check = (value: unknown) => boolean

const layouts = new Set(['strided', 'sparse_coo', 'sparse_csr', 'sparse_csc', 'sparse_bsr', 'sparse_bsc', 'mkldnn'])
const memoryFormats = new Set(['contiguous', 'preserve', 'channels_last', 'channels_last_3d'])

const isInteger: Check = (value) => typeof value === 'bigint' || Number.isInteger(value)
const isComplex: Check = (value) => isPlainObject(value) && 're' in value && 'im' in value
const isNumber: Check = (value) => typeof value === 'number'

const checks: Record<string, Check> = {
  Tensor: (value) => value instanceof Tensor,
  int: isInteger,
  float: isNumber,
  bool: (value) => typeof value === 'boolean',
  Scalar: (value) => isNumber(value) || typeof value === 'bigint' || typeof value === 'boolean' || isComplex(value),
  complex: (value) => isNumber(value) || isComplex(value),
  str: (value) => typeof value === 'string',
  Dtype: isDType,
  Layout: (value) => layouts.has(value as string),
  MemoryFormat: (value) => memoryFormats.has(value as string),
  Device: isDevice,
  Generator: (value) => value instanceof Generator,
}

function compileCheck(type: string): Check {
  if (type.endsWith('?')) {
    const inner = compileCheck(type.slice(0, -1))
    return (value) => value === null || inner(value)
  }
  const list = type.match(/^(.*)\[(\d*)\]$/)
  if (list) {
    const element = compileCheck(list[1]!)
    const single = list[2] !== ''
    return (value) => (Array.isArray(value) ? value.every(element) : single && element(value))
  }
  return checks[type] ?? (() => false)
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Tensor) &&
    !(value instanceof Generator)
  )
}

function compileArgument(argument: NativeArgument): CompiledArgument {
  return {
    name: camelCase(argument.name),
    type: argument.type,
    keywordOnly: argument.keywordOnly,
    required: !argument.hasDefault && !argument.type.endsWith('?'),
    accepts: compileCheck(argument.type),
  }
}

function wrapAs(type: string): (value: unknown) => unknown {
  const plain = type.replace(/\?$/, '')
  if (plain === 'Tensor') return (value) => (value === null ? null : new Tensor(value as number))
  if (/^Tensor\??\[\d*\]$/.test(plain)) {
    const element = wrapAs('Tensor')
    return (value) => (value as unknown[]).map(element)
  }
  return (value) => value
}

export function compileOverload(native: NativeOverload): Overload {
  const { index, overload: name, schema, returnedArgument, returns } = native
  const wraps = returns.map(wrapAs)
  const args = native.arguments.map(compileArgument)
  return {
    index,
    name,
    schema,
    order: orderOf(native),
    arguments: args,
    returnedArgument,
    givesTensor: returnedArgument < 0 && returns.length === 1 && returns[0] === 'Tensor',
    wrap(result, given) {
      if (returnedArgument >= 0) return valueAt(args, returnedArgument, given)
      if (wraps.length === 0) return undefined
      if (wraps.length === 1) return wraps[0]!(result)
      return (result as unknown[]).map((value, i) => wraps[i]!(value))
    },
  }
}

/** The argument that stands at a place of the schema, positional or named. */
function valueAt(args: CompiledArgument[], place: number, given: readonly unknown[]): unknown {
  const argument = args[place]!
  if (!argument.keywordOnly && place < given.length && argument.accepts(given[place])) return given[place]
  return (given.at(-1) as Record<string, unknown>)[argument.name]
}

function orderOf({ overload, arguments: args }: NativeOverload): number {
  const late = /out$/.test(overload) || /dimname|names|^str$/i.test(overload)
  const strings = args.filter(({ type }) => type.startsWith('str')).length
  return (late ? 1000 : 0) + strings * 100 + args.filter(({ hasDefault }) => !hasDefault).length
}

/**
 * Puts arguments in the schema's order: positional ones, then those named in a last plain object. A string says why they do not fit.
 */
export function bind(overload: Overload, given: readonly unknown[]): unknown[] | string {
  const { arguments: args } = overload
  const last = given.at(-1)
  const options = isPlainObject(last) && !fitsPosition(args, given.length - 1, last) ? last : undefined
  const positional = options === undefined ? given.length : given.length - 1
  if (positional > args.filter((argument) => !argument.keywordOnly).length) return 'too many arguments'
  const unknown = options && Object.keys(options).find((key) => !args.some(({ name }) => name === key))
  if (unknown !== undefined) return `no argument is called ${unknown}`

  const values: unknown[] = []
  for (const [i, argument] of args.entries()) {
    const value = i < positional ? given[i] : options?.[argument.name]
    if (value === undefined) {
      if (argument.required) return `${argument.name} is missing`
    } else if (!argument.accepts(value)) {
      return `${argument.name} is no ${argument.type}`
    }
    values.push(toNative(value))
  }
  return values
}

// A complex number is a plain object too, and not a set of options.
function fitsPosition(args: CompiledArgument[], place: number, value: unknown): boolean {
  const argument = args[place]
  return argument !== undefined && !argument.keywordOnly && isComplex(value) && argument.accepts(value)
}

function toNative(value: unknown): unknown {
  if (value instanceof Tensor || value instanceof Generator) return value.id
  return Array.isArray(value) ? value.map(toNative) : value
}

function show(value: unknown): string {
  if (value instanceof Tensor) return 'Tensor'
  if (Array.isArray(value)) return `[${value.slice(0, 4).map(show).join(', ')}${value.length > 4 ? ', …' : ''}]`
  if (typeof value === 'object' && value !== null) return `{ ${Object.keys(value).join(', ')} }`
  return typeof value === 'string' ? `'${value}'` : String(value)
}

export function explainMismatch(
  name: string,
  overloads: readonly Overload[],
  given: readonly unknown[],
): EegTorchError {
  if (overloads.length === 0) return new EegTorchError('UNKNOWN_NAME', `LibTorch has no operator ${name}`)
  const why = overloads.slice(0, 4).map((overload) => `${overload.schema} (${bind(overload, given)})`)
  const more = overloads.length > 4 ? [`${overloads.length - 4} more`] : []
  return new EegTorchError('INVALID_OPTION', `${name} does not take these arguments`, {
    expected: [...why, ...more].join(' or '),
    received: `(${given.map(show).join(', ')})`,
  })
}
