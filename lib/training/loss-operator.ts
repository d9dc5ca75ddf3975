import { defined } from '../defined.ts'
import { camelCase } from '../names.ts'
import { type NativeArgument, type NativeOverload, native } from '../native.ts'
import { ops } from '../ops/index.ts'
import { translatingErrors } from '../ops/option-errors.ts'
import { Tensor } from '../tensor.ts'

const kernels = ops.namespace('eegtorch')
const known = new Map<string, LossOperator>()

/** A loss of `cpp/losses`, as its schema describes it. Names are the reference's (`real_logit`). */
export class LossOperator {
  readonly name: string
  readonly inputs: readonly string[]
  readonly options: readonly string[]
  readonly outputs: readonly string[]

  private constructor(name: string, { arguments: args, returnNames }: NativeOverload) {
    const names = (wanted: (argument: NativeArgument) => boolean) =>
      args.filter(wanted).map((argument) => argument.name)
    this.name = name
    this.inputs = names(({ keywordOnly }) => !keywordOnly)
    this.options = names(({ keywordOnly }) => keywordOnly)
    this.outputs = returnNames
  }

  /** The loss of a name such as `info_nce_loss`, if there is one. */
  static find(name: string): LossOperator | undefined {
    const found = known.get(name)
    if (found !== undefined || !name.endsWith('_loss')) return found
    const [overload] = native.overloads(`eegtorch::${name}`)
    if (overload !== undefined) known.set(name, new LossOperator(name, overload))
    return known.get(name)
  }

  /** Names of all losses. */
  static names(): string[] {
    return native.operatorNames().flatMap((name) => name.match(/^eegtorch::(\w+_loss)$/)?.[1] ?? [])
  }

  /**
   * Computes the loss.
   *
   * @param given inputs and options by name, in camelCase; options that are absent take their defaults
   * @returns its outputs by name, in camelCase
   * @throws EegTorchError `SHAPE_MISMATCH`, `DTYPE_MISMATCH`, `DEVICE_MISMATCH` naming the loss; `INVALID_OPTION` naming the option
   */
  run(given: Readonly<Record<string, unknown>>): Record<string, Tensor> {
    const present = defined(given)
    const results = translatingErrors(
      () => [...this.inputs, ...this.options],
      () => kernels[this.name]!(present),
    )
    const tensors = results instanceof Tensor ? [results] : (results as Tensor[])
    return Object.fromEntries(this.outputs.map((name, i) => [camelCase(name), tensors[i]!]))
  }
}
