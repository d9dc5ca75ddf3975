import { join } from 'node:path'
import { noGrad } from '../autograd.ts'
import { readSafetensors } from '../checkpoints/safetensors.ts'
import { EegTorchError } from '../errors.ts'
import type { NamedTensors } from '../models/model.ts'
// gives tensors their operators as methods
import '../ops/index.ts'
import { camelCase } from '../names.ts'
import type { Tensor } from '../tensor.ts'
import { compareTensors, type TensorComparison } from './compare.ts'
import { type ParityCase, readParityCase } from './parity-case.ts'
import { isPipelineCase, verifyPipeline } from './pipeline-cases.ts'
import { makeSubject, type Subject } from './subject.ts'

/** What verifying one case found. */
export interface CaseResult {
  folder: string
  /** Absent where the case could not be read. */
  model?: string
  mode?: ParityCase['mode']
  passed: boolean
  /** Every tensor that was expected or given. */
  tensors: TensorComparison[]
  /** Why nothing was compared: a file that cannot be read, an unknown model, weights that do not fit. */
  error?: { code: string; message: string }
}

/**
 * Runs the native model, or loss, of a parity case and compares outputs, gradients of parameters and inputs, and, in train mode, buffers. Weights load
 * strictly; a gradient or buffer that is missing or in excess fails, as does a buffer that changes in eval mode. In eval mode outputs without gradients
 * are compared, too, as `inference.logits`.
 *
 * @param folder of the case, as `test/oracle/CASE_FORMAT.md` describes it
 * @returns the comparison of each tensor; what prevents it is in `error`, not thrown
 */
export async function verifyCase(folder: string): Promise<CaseResult> {
  let described: ParityCase | undefined
  try {
    if (isPipelineCase(folder)) {
      const { model, tensors } = await verifyPipeline(folder)
      return { folder, model, mode: 'eval', passed: tensors.every(({ passed }) => passed), tensors }
    }
    described = readParityCase(folder)
    const tensors = await runCase(folder, described)
    return { folder, ...nameOf(described), passed: tensors.every(({ passed }) => passed), tensors }
  } catch (error) {
    if (!(error instanceof EegTorchError)) throw error
    const { code, message } = error
    return { folder, ...nameOf(described), passed: false, tensors: [], error: { code, message } }
  }
}

function nameOf(described: ParityCase | undefined): Pick<CaseResult, 'model' | 'mode'> {
  return described === undefined ? {} : { model: described.model, mode: described.mode }
}

async function runCase(folder: string, described: ParityCase): Promise<TensorComparison[]> {
  const read = (name: string) => readSafetensors(join(folder, `${name}.safetensors`)).loadAll({ copy: true })
  const [weights, given, expected] = [await read('weights'), await read('inputs'), await read('expected')]
  using subject = makeSubject(described)
  const got = await computeAll(subject, described, weights, given)
  const inferred =
    described.mode === 'eval' && weights.size > 0 ? await infer(subject, described, given) : new Map<string, Tensor>()
  const compare = (label: string, name: string, tensor: Tensor | undefined) =>
    compareTensors(label, tensor, expected.get(name), described.tolerance)
  const names = new Set([...expected.keys(), ...got.keys()])
  const result = [
    ...[...names].map((name) => compare(name, name, got.get(name))),
    ...[...inferred].map(([name, tensor]) => compare(`inference.${name}`, name, tensor)),
  ]
  for (const tensor of [weights, given, expected, got, inferred].flatMap((tensors) => [...tensors.values()]))
    tensor.dispose()
  return result
}

/** Everything that `expected.safetensors` may name. */
async function computeAll(
  subject: Subject,
  { inputs, outputs }: ParityCase,
  weights: ReadonlyMap<string, Tensor>,
  given: ReadonlyMap<string, Tensor>,
): Promise<Map<string, Tensor>> {
  subject.loadStateDict(weights)
  const before = copies(subject.buffers())
  const taken = new Map(inputs.map((name) => [name, need(given, name)]))
  for (const tensor of taken.values()) if (isReal(tensor)) tensor.requiresGrad = true
  const computed = await runNamed(subject, outputs, taken)
  await backward(computed, given)
  const got = new Map([...computed].map(([name, tensor]) => [name, tensor.detach()]))
  for (const [name, tensor] of Object.entries(subject.parameters())) addGradient(got, `grad.${name}`, tensor)
  for (const [name, tensor] of taken) addGradient(got, `grad_input.${name}`, tensor)
  for (const [name, tensor] of Object.entries(subject.buffers())) {
    if (!tensor.equal(before[name]!)) got.set(`buffer.${name}`, tensor)
  }
  return got
}

/** The outputs alone, by the shorter ways that are open where no gradients are asked for. */
async function infer(subject: Subject, { inputs, outputs }: ParityCase, given: ReadonlyMap<string, Tensor>) {
  return noGrad(() => runNamed(subject, outputs, new Map(inputs.map((name) => [name, need(given, name)]))))
}

/** Inputs and outputs by the names of the reference. */
async function runNamed(subject: Subject, outputs: readonly string[], taken: ReadonlyMap<string, Tensor>) {
  const results = await subject.run(Object.fromEntries([...taken].map(([name, tensor]) => [camelCase(name), tensor])))
  return new Map(
    Object.entries(results).map(([name, tensor]) => [outputs.find((o) => camelCase(o) === name) ?? name, tensor]),
  )
}

/** The gradient of the sum over floating outputs of (output * probe). */
async function backward(outputs: ReadonlyMap<string, Tensor>, given: ReadonlyMap<string, Tensor>): Promise<void> {
  const terms = [...outputs]
    .filter(([, tensor]) => isReal(tensor))
    .map(([name, tensor]) => tensor.mul(need(given, `probe.${name}`)).sum())
  const total = terms.reduce<Tensor | undefined>((sum, term) => (sum === undefined ? term : sum.add(term)), undefined)
  if (total?.requiresGrad) await total.backwardAsync()
}

function addGradient(got: Map<string, Tensor>, name: string, tensor: Tensor): void {
  const gradient = tensor.grad
  if (gradient !== null) got.set(name, gradient)
}

function need(given: ReadonlyMap<string, Tensor>, name: string): Tensor {
  const tensor = given.get(name)
  if (tensor !== undefined) return tensor
  throw new EegTorchError('FILE_INVALID', `inputs.safetensors lacks ${name}`)
}

function isReal(tensor: Tensor): boolean {
  return /^b?float/.test(tensor.dtype)
}

function copies(tensors: NamedTensors): NamedTensors {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, tensor.clone()]))
}
