import { KnownName, type NameTable, PythonObject, wrongArguments } from '../pickle/values.ts'

/** Classes of a TorchScript archive: its own program's, of which only the attributes are read. */
const OWN_CLASS = /^__torch__(\.\w+)+$/
const MAX_DEPTH = 64

/** Names that the modules of a TorchScript archive use. */
export const scriptNames: NameTable = (name) => (OWN_CLASS.test(name) ? moduleClass(name) : undefined)

function moduleClass(name: string): KnownName {
  return new KnownName(
    name,
    () => new PythonObject(name),
    (object, state) => {
      if (!(object instanceof PythonObject) || !(state instanceof Map)) throw wrongArguments(name)
      object.attributes = state
    },
  )
}

/** A module's attributes by their path, as `state_dict()` names them: `visual.conv1.weight`. What is no module stays as it is. */
export function attributesByPath(data: unknown): unknown {
  if (!(data instanceof PythonObject)) return data
  const found = new Map<string, unknown>()
  // a hostile archive may hold a module in itself
  const seen = new Set<PythonObject>()
  const walk = (module: PythonObject, prefix: string, depth: number): void => {
    if (depth > MAX_DEPTH || seen.has(module)) return
    seen.add(module)
    for (const [name, value] of module.attributes) {
      if (typeof name !== 'string') continue
      if (value instanceof PythonObject) walk(value, `${prefix}${name}.`, depth + 1)
      else found.set(prefix + name, value)
    }
  }
  walk(data, '', 0)
  return found
}
