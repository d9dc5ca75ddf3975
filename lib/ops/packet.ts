import { cancellable } from '../cancellable.ts'
import { EegTorchError } from '../errors.ts'
import { native, rawCall, translateError } from '../native.ts'
import { Tensor } from '../tensor.ts'
import { guards } from './guards.ts'
import { bind, compileOverload, explainMismatch, type Overload } from './overload.ts'

// Second arguments whose kind alone decides between overloads; 0 is everything else.
const TENSOR = 1
const KINDS = 5

function kindOf(value: unknown): number {
  if (typeof value === 'object') return value instanceof Tensor ? TENSOR : 0
  if (typeof value === 'number') return Number.isInteger(value) ? 2 : 3
  return typeof value === 'boolean' ? 4 : 0
}

/**
 * An operator with all its overloads. The right one is chosen by the arguments, as PyTorch's Python does: positional ones
 * first, then an object of named ones. Calls of one or two plain arguments remember the choice.
 */
export class Packet {
  readonly #name: string
  #overloads: Overload[] | undefined
  #unary: Overload | undefined
  readonly #binary: (Overload | undefined)[] = new Array(KINDS)

  /** @param name with its namespace: `aten::add` */
  constructor(name: string) {
    this.#name = name
  }

  get overloads(): readonly Overload[] {
    this.#overloads ??= native.overloads(this.#name).map(compileOverload).sort(byOrder)
    return this.#overloads
  }

  /** @throws EegTorchError `INVALID_OPTION` when the arguments fit no overload; whatever LibTorch refuses as `LIBTORCH` */
  call(args: readonly unknown[]): unknown {
    const { overload, values } = this.#choose(args)
    try {
      return overload.wrap(rawCall(overload.index, ...values), args)
    } catch (error) {
      throw translateError(error)
    }
  }

  /** The same on the compute thread. */
  async callAsync(args: readonly unknown[], signal?: AbortSignal): Promise<unknown> {
    const { overload, values } = this.#choose(args)
    const result = await cancellable(signal, (token) => native.callAsync(overload.index, values, token))
    return overload.wrap(result, args)
  }

  /** `call([a])` for a tensor, which remembers its overload. */
  callUnary(a: Tensor): unknown {
    const overload = this.#unary
    if (overload === undefined) return this.#callFirst([a], (chosen) => (this.#unary = chosen))
    try {
      const result = rawCall(overload.index, a.id)
      return overload.givesTensor ? new Tensor(result as number) : overload.wrap(result, [a])
    } catch (error) {
      throw translateError(error)
    }
  }

  /** `call([a, b])` for a tensor and a second argument, which remembers an overload for each plain kind of that one. */
  callBinary(a: Tensor, b: unknown): unknown {
    const kind = kindOf(b)
    const overload = this.#binary[kind]
    if (overload === undefined) {
      return kind === 0 ? this.call([a, b]) : this.#callFirst([a, b], (chosen) => (this.#binary[kind] = chosen))
    }
    try {
      const result = rawCall(overload.index, a.id, kind === TENSOR ? (b as Tensor).id : b)
      if (overload.givesTensor) return new Tensor(result as number)
      return overload.returnedArgument === 0 ? a : overload.wrap(result, [a, b])
    } catch (error) {
      throw translateError(error)
    }
  }

  #callFirst(args: unknown[], remember: (overload: Overload) => void): unknown {
    const { overload } = this.#choose(args)
    if (!guards.has(this.#name)) remember(overload)
    return this.call(args)
  }

  /** @throws EegTorchError `INVALID_OPTION` for arguments that LibTorch would not survive */
  #refuseUnsafe(overload: Overload, values: readonly unknown[]): void {
    const guard = guards.get(this.#name)
    if (guard === undefined) return
    const isTensor = (type: string, value: unknown) => type.startsWith('Tensor') && typeof value === 'number'
    const told = overload.arguments.map(({ name, type }, i) => {
      const value = values[i]
      return [name, isTensor(type, value) ? { id: value } : value]
    })
    const reason = guard(Object.fromEntries(told))
    if (reason !== undefined) throw new EegTorchError('INVALID_OPTION', `${this.#name} is refused: ${reason}`)
  }

  #choose(args: readonly unknown[]): { overload: Overload; values: unknown[] } {
    for (const overload of this.overloads) {
      const values = bind(overload, args)
      if (Array.isArray(values)) {
        this.#refuseUnsafe(overload, values)
        return { overload, values }
      }
    }
    throw explainMismatch(this.#name, this.overloads, args)
  }
}

// Plain overloads first; those with an `out` argument or named dimensions take what nothing else took.
function byOrder(a: Overload, b: Overload): number {
  return a.order - b.order
}
