import { EegTorchError } from '../errors.ts'
import type { StoredTensor } from './stored-tensor.ts'
import { TorchTensor } from './torch-names.ts'

type StateDict = Map<string, StoredTensor>

/** Under these keys training scripts put the state dict, beside their optimiser's. */
const USUAL_KEYS = ['state_dict', 'model_state_dict', 'model', 'module', 'net', 'network', 'weights', 'params']
/** Dicts within dicts that are looked into. */
const MAX_NESTED = 100
/** What `torch.optim.swa_utils.AveragedModel` keeps beside its `module.`. */
const AVERAGED_COUNT = 'n_averaged'

/** The state dict of a `torch.save` file, and the keys of all that it holds. */
export interface ChosenStateDict {
  chosen: StateDict
  /** The chosen one first; none where the file itself is the state dict. */
  keys: string[]
}

/**
 * Finds the state dict in what `torch.save` wrote: under the key that is asked for, else under a usual one, else what the file itself is,
 * else the only dict of tensors in it. Words that `DataParallel` and `torch.compile` put before every name are taken off.
 *
 * @throws EegTorchError `FILE_INVALID` where there is none, `UNKNOWN_NAME` for a key that is not there, `INVALID_OPTION` to choose among several
 */
export function chooseStateDict(data: unknown, key: string | undefined, file: string): ChosenStateDict {
  const found = stateDictsIn(data)
  const keys = [...found.keys()]
  if (key !== undefined) {
    const chosen = found.get(key)
    if (chosen === undefined) throw unknownKey(file, key, keys)
    return { chosen: withoutWrapper(chosen), keys: [key, ...keys.filter((other) => other !== key)] }
  }
  const usual = keys.find((name) => USUAL_KEYS.includes(name.split('.')[0]!))
  if (usual !== undefined) return chooseStateDict(data, usual, file)
  const own = tensorsIn(data)
  const largest = Math.max(0, ...[...found.values()].map((tensors) => tensors.size))
  // a random state or a loss beside nested dicts makes no state dict
  if (own.size > 0 && own.size >= largest) return { chosen: withoutWrapper(own), keys: [] }
  if (keys.length === 1) return chooseStateDict(data, keys[0], file)
  throw keys.length === 0 ? nothingIn(file) : several(file, keys)
}

/** Dicts of tensors among the members, and among the members of those with a usual name: `model.state_dict`. */
function stateDictsIn(data: unknown, seen = new Set<unknown>()): Map<string, StateDict> {
  const found = new Map<string, StateDict>()
  // a hostile dict may hold itself
  if (!(data instanceof Map) || seen.has(data) || seen.size > MAX_NESTED) return found
  seen.add(data)
  for (const [name, member] of data) {
    if (typeof name !== 'string' || !(member instanceof Map)) continue
    const inner = USUAL_KEYS.includes(name) ? stateDictsIn(member, seen) : []
    const tensors = tensorsIn(member)
    if (tensors.size > 0) found.set(name, tensors)
    else for (const [key, nested] of inner) found.set(`${name}.${key}`, nested)
  }
  return new Map([...found].sort(([a], [b]) => rank(a) - rank(b)))
}

/** Usual keys stand before others, in their order. */
function rank(key: string): number {
  const index = USUAL_KEYS.indexOf(key.split('.')[0]!)
  return index < 0 ? USUAL_KEYS.length : index
}

function tensorsIn(data: unknown): StateDict {
  const tensors: StateDict = new Map()
  if (!(data instanceof Map)) return tensors
  for (const [name, value] of data) {
    if (typeof name === 'string' && value instanceof TorchTensor) tensors.set(name, value)
  }
  return tensors
}

function withoutWrapper(tensors: StateDict): StateDict {
  const names = [...tensors.keys()].filter((name) => name !== AVERAGED_COUNT)
  const wrapper = ['module.', '_orig_mod.'].find(
    (word) => names.length > 0 && names.every((name) => name.startsWith(word)),
  )
  if (wrapper === undefined) return tensors
  return withoutWrapper(new Map(names.map((name) => [name.slice(wrapper.length), tensors.get(name)!])))
}

function nothingIn(file: string): EegTorchError {
  return new EegTorchError('FILE_INVALID', 'the checkpoint holds no state dict', {
    file,
    expected: `tensors by name, or such under ${USUAL_KEYS.slice(0, 3).join(', ')}`,
  })
}

function several(file: string, keys: readonly string[]): EegTorchError {
  return new EegTorchError('INVALID_OPTION', 'the checkpoint holds several state dicts', {
    file,
    option: 'key',
    expected: `the key of one: ${listed(keys)}`,
  })
}

/** The error for a key under which there is no state dict. */
export function unknownKey(file: string, key: string, keys: readonly string[]): EegTorchError {
  return new EegTorchError('UNKNOWN_NAME', `there is no state dict under ${JSON.stringify(key.slice(0, 100))}`, {
    file,
    option: 'key',
    expected: keys.length === 0 ? 'no key: the file itself is a state dict' : listed(keys),
  })
}

function listed(keys: readonly string[]): string {
  const shown = keys.slice(0, 8).map((key) => JSON.stringify(key.slice(0, 100)))
  return `${shown.join(', ')}${keys.length > 8 ? ` and ${keys.length - 8} more` : ''}`
}
