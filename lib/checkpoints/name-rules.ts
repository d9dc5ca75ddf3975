import type { SelectedTensor } from './selected-tensors.ts'
import type { StoredTensor } from './stored-tensor.ts'

/** How a matrix of the network lies in the file: with two axes of length 1 behind, as the kernel of a convolution, or with rows as columns. */
export type StoredForm = 'kernel' | 'transposed'

/**
 * A name in a file and the network's own: of a tensor, or of a module and so of all under it. Where the network has several, the file holds them one
 * after another along the first axis; where it has none, the file's tensor is left out.
 */
export type NameRule = readonly [file: string, own: string | readonly string[], form?: StoredForm]

/** A tensor as it is to be written: the network's tensors one after another, in a form of the file's. */
export interface JoinedTensor {
  readonly from: readonly string[]
  readonly form?: StoredForm
}

type Found = readonly [rule: NameRule, rest: string]

/**
 * The network's tensors in a file that names them otherwise. A name that no rule knows stays as it is, and is then one too many for the network.
 *
 * @param stored tensors by the file's names, or some of them
 */
export function selectByRules(
  stored: ReadonlyMap<string, StoredTensor>,
  rules: readonly NameRule[],
): Map<string, SelectedTensor> {
  const byFile = new Map(rules.map((rule) => [rule[0], [rule]]))
  const selection = new Map<string, SelectedTensor>()
  for (const [from, { shape }] of stored) {
    const [found] = find(byFile, from)
    if (found === undefined) {
      selection.set(from, { from })
      continue
    }
    const [[, own, form], rest] = found
    if (typeof own === 'string') selection.set(own + rest, { from, ...seenAs(form, shape) })
    else for (const [i, name] of own.entries()) selection.set(name + rest, { from, rows: part(shape, i, own.length) })
  }
  return selection
}

function part([length = 0]: readonly number[], index: number, count: number): [number, number] {
  const rows = Math.floor(length / count)
  return [index * rows, (index + 1) * rows]
}

function seenAs(form: StoredForm | undefined, shape: readonly number[]): Omit<SelectedTensor, 'from'> {
  if (form === 'transposed') return { transposed: true }
  return form === 'kernel' && shape.length === 4 ? { shape: shape.slice(0, 2) } : {}
}

/**
 * The other direction: what a file is to hold, from the names of the network's tensors.
 *
 * @returns the file's names, in the network's order; `unknown` are the network's that no rule knows
 */
export function joinByRules(
  names: readonly string[],
  rules: readonly NameRule[],
): { joined: Map<string, JoinedTensor>; unknown: string[] } {
  const byOwn = new Map<string, NameRule[]>()
  for (const rule of rules) for (const own of listed(rule[1])) byOwn.set(own, [...(byOwn.get(own) ?? []), rule])
  const joined = new Map<string, JoinedTensor>()
  const unknown: string[] = []
  for (const name of names) {
    const found = find(byOwn, name)
    if (found.length === 0) unknown.push(name)
    for (const [[file, own, form], rest] of found) {
      joined.set(file + rest, { from: listed(own).map((one) => one + rest), ...(form !== undefined && { form }) })
    }
  }
  return { joined, unknown }
}

function listed(own: string | readonly string[]): readonly string[] {
  return typeof own === 'string' ? [own] : own
}

/** The rules of a name, or of the innermost module that has some, and what of the name they leave. */
function find(rules: ReadonlyMap<string, readonly NameRule[]>, name: string): Found[] {
  for (let end = name.length; end > 0; end = name.lastIndexOf('.', end - 1)) {
    const found = rules.get(name.slice(0, end))
    if (found !== undefined) return found.map((rule) => [rule, name.slice(end)] as const)
  }
  return []
}

/**
 * How many modules a list has, such as `blocks.0`, `blocks.1`: those from 0 on without a gap, so that no name can claim more than there are.
 *
 * @param list `blocks.`
 */
export function countModules(names: Iterable<string>, list: string): number {
  const numbers = new Set<number>()
  for (const name of names) if (name.startsWith(list)) numbers.add(Number.parseInt(name.slice(list.length), 10))
  let count = 0
  while (numbers.has(count)) count++
  return count
}
