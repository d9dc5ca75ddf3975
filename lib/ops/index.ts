import { isDevice } from '../dtype.ts'
import { EegTorchError } from '../errors.ts'
import { native } from '../native.ts'
import { Tensor } from '../tensor.ts'
import type { Aten } from './aten.generated.ts'
import { methodNames } from './methods.generated.ts'
import { Packet } from './packet.ts'

/** An operator whose arguments the compiler does not check. */
export type AnyOperator = (...args: unknown[]) => unknown

const packets = new Map<string, Packet>()

/** The operator of a full name such as `aten::add`, made at first use. */
function packet(name: string): Packet {
  const found = packets.get(name) ?? new Packet(name)
  packets.set(name, found)
  return found
}

function namespace(prefix: string, make: (name: string) => AnyOperator): Record<string, AnyOperator> {
  return new Proxy<Record<string, AnyOperator>>(
    {},
    {
      get(known, name) {
        if (typeof name !== 'string') return undefined
        known[name] ??= make(`${prefix}::${name}`)
        return known[name]
      },
    },
  )
}

function known(name: string): Packet {
  const found = packet(name)
  if (found.overloads.length === 0) throw new EegTorchError('UNKNOWN_NAME', `LibTorch has no operator ${name}`)
  return found
}

function synchronous(name: string): AnyOperator {
  const operator = known(name)
  return (...args) => operator.call(args)
}

function asynchronous(name: string, signal?: AbortSignal): AnyOperator {
  const operator = known(name)
  return (...args) => operator.callAsync(args, signal)
}

/**
 * Every operator of the loaded LibTorch, by its own name: `ops.aten.special_bessel_j0(x)`. Positional arguments come first, then an object
 * with the others by name, in camelCase: `ops.aten.sum(x, [1], { keepdim: true, dtype: 'float64' })`. The overload is chosen by the arguments.
 *
 * @throws EegTorchError `UNKNOWN_NAME` for an operator that LibTorch lacks; `INVALID_OPTION` for arguments that fit no overload;
 *   `LIBTORCH` with LibTorch's own words for what it refuses
 */
export const ops = {
  aten: namespace('aten', synchronous) as unknown as Aten<'sync'>,
  /** Operators of another namespace, such as `prims`; untyped. */
  namespace: (prefix: string): Record<string, AnyOperator> => namespace(prefix, synchronous),
  /** All names with their namespace. */
  names: (): string[] => native.operatorNames(),
}

/**
 * The same operators as promises: they run on the compute thread, in the order of the calls, while the event loop goes on.
 * Do not change or dispose of an argument before the promise is settled.
 */
export const asyncOps = {
  aten: namespace('aten', (name) => asynchronous(name)) as unknown as Aten<'async'>,
  /** Operators of another namespace; untyped. With a signal, as `until`. */
  namespace: (prefix: string, signal?: AbortSignal): Record<string, AnyOperator> =>
    namespace(prefix, (name) => asynchronous(name, signal)),
  /** Operators whose calls are rejected with `CANCELLED` when the signal is aborted before they begin. */
  until: (signal: AbortSignal): { aten: Aten<'async'> } => ({
    aten: namespace('aten', (name) => asynchronous(name, signal)) as unknown as Aten<'async'>,
  }),
}

// Operators that take a tensor first are methods. One function for each; the overloads are looked up when it is first called.
for (const name of methodNames) {
  if (name in Tensor.prototype) continue
  let operator: Packet | undefined
  const method = function (this: Tensor, a?: unknown): unknown {
    operator ??= packet(`aten::${name}`)
    // biome-ignore lint/complexity/noArguments: a rest parameter would cost an array in every call
    if (arguments.length > 1) return operator.call([this, ...arguments])
    return a === undefined ? operator.callUnary(this) : operator.callBinary(this, a)
  }
  Object.defineProperty(method, 'name', { value: name })
  Object.defineProperty(Tensor.prototype, name, { value: method, configurable: true, writable: true })
}

// The schemas have no overload for a device alone, which Python's `to` takes.
const convert = Tensor.prototype.to as (this: Tensor, ...args: unknown[]) => Tensor
Object.defineProperty(Tensor.prototype, 'to', {
  value: function to(this: Tensor, first: unknown, ...rest: unknown[]): Tensor {
    if (!isDevice(first) || rest.length > 1 || typeof rest[0] === 'string') return convert.call(this, first, ...rest)
    return convert.call(this, { device: first, ...(rest[0] as object | undefined) })
  },
  configurable: true,
  writable: true,
})
