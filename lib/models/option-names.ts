import { EegTorchError } from '../errors.ts'
import { camelCase } from '../names.ts'
import { translatingErrors } from '../ops/option-errors.ts'
import { type NativeField, type NativeModelDescription, nativeModels } from './native-models.ts'

let known: Map<string, NativeModelDescription> | undefined

/** Every registered model, as C++ describes it. */
export function describeModels(): ReadonlyMap<string, NativeModelDescription> {
  known ??= new Map(nativeModels.models().map((model) => [model.name, model]))
  return known
}

function fieldsOf(model: string): readonly NativeField[] {
  return describeModels().get(model)?.fields ?? []
}

/**
 * Options with the reference's names (`n_chans`) from options with ours (`nChans`). The reference's own spelling is accepted as well, since
 * checkpoints and parity cases carry it. Absent and `undefined` options keep their defaults.
 *
 * @throws EegTorchError `INVALID_OPTION` for an option that is given in both spellings
 */
export function toReferenceNames(model: string, options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const spelling = new Map(fieldsOf(model).map(({ name }) => [camelCase(name), name]))
  const result: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue
    const reference = spelling.get(name) ?? name
    if (Object.hasOwn(result, reference)) {
      throw new EegTorchError('INVALID_OPTION', `${model}: option ${camelCase(reference)} is given twice`, {
        option: name,
      })
    }
    result[reference] = value
  }
  return result
}

/** The opposite: `n_chans` becomes `nChans`. */
export function fromReferenceNames(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).map(([name, value]) => [camelCase(name), value]))
}

/** Makes a model in `body`; an error about an option names it as the user writes it. */
export function withOurNames<T>(model: string, body: () => T): T {
  return translatingErrors(() => fieldsOf(model).map(({ name }) => name), body)
}
