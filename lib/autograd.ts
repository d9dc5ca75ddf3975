import { EegTorchError } from './errors.ts'
import { scope } from './memory.ts'
import { native } from './native.ts'
import { Tensor } from './tensor.ts'

function withGradMode<T>(enabled: boolean, body: () => T): T {
  const before = native.gradEnabled()
  native.setGradEnabled(enabled)
  try {
    return body()
  } finally {
    native.setGradEnabled(before)
  }
}

/** Runs a synchronous body without recording for `backward`. Asynchronous work that the body starts is not recorded either. */
export function noGrad<T>(body: () => T): T {
  return withGradMode(false, body)
}

/** Records again within `noGrad`. */
export function enableGrad<T>(body: () => T): T {
  return withGradMode(true, body)
}

/** How {@link grad} walks back. Names and defaults are PyTorch's. */
export interface GradOptions {
  /** Derivatives of the final scalar with respect to the outputs; needed for outputs of more than one element. */
  gradients?: readonly Tensor[]
  retainGraph?: boolean
  /** Record the derivatives too, for derivatives of higher order. */
  createGraph?: boolean
  /** Give null for an input that the outputs do not depend on, instead of an error. */
  allowUnused?: boolean
}

/** The derivatives of the sum of `outputs` with respect to each input, without touching any `grad`. PyTorch's `torch.autograd.grad`. */
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: readonly Tensor[],
  options?: GradOptions & { allowUnused?: false },
): Tensor[]
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: readonly Tensor[],
  options: GradOptions,
): (Tensor | null)[]
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: readonly Tensor[],
  options: GradOptions = {},
): (Tensor | null)[] {
  const { gradients, createGraph = false, retainGraph = createGraph, allowUnused = false } = options
  const ids = (tensors: readonly Tensor[]) => tensors.map(({ id }) => id)
  const list = outputs instanceof Tensor ? [outputs] : outputs
  const found = native.gradients(
    ids(list),
    gradients ? ids(gradients) : null,
    ids(inputs),
    retainGraph,
    createGraph,
    allowUnused,
  )
  return found.map((id) => (id === null ? null : new Tensor(id)))
}

/** What {@link gradcheck} lets pass; defaults are PyTorch's. */
export interface GradcheckOptions {
  /** Step of the central difference. */
  eps?: number
  /** Largest absolute difference. */
  atol?: number
  /** Largest relative difference. */
  rtol?: number
}

/**
 * Compares the derivatives of a function with central differences, one element of one input at a time. PyTorch's `torch.autograd.gradcheck`.
 *
 * @param fn gives one tensor; called many times
 * @param inputs `float64`, those with `requiresGrad` are checked
 * @throws EegTorchError `LIBTORCH` naming the input and element where they differ; `DTYPE_MISMATCH` for inputs of less precision
 */
export function gradcheck(
  fn: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  options: GradcheckOptions = {},
): true {
  const { eps = 1e-6, atol = 1e-5, rtol = 1e-3 } = options
  const checked = inputs.filter((input) => input.requiresGrad)
  const wrong = checked.find((input) => input.dtype !== 'float64')
  if (wrong) {
    throw new EegTorchError('DTYPE_MISMATCH', 'gradcheck compares with differences that need double precision', {
      expected: 'float64 inputs',
      received: wrong.dtype,
    })
  }
  scope(() => {
    const output = fn(...inputs)
    const probe = output.detach().rand_like()
    const analytic = grad(output, checked, { gradients: [probe], allowUnused: true })
    for (const [i, input] of checked.entries()) {
      const numeric = differences(
        () =>
          fn(...inputs)
            .mul(probe)
            .sum()
            .item() as number,
        input,
        eps,
      )
      compare(i, numeric, analytic[i]?.toTypedArray() as Float64Array | undefined, atol, rtol)
    }
  })
  return true
}

function differences(value: () => number, input: Tensor, eps: number): Float64Array {
  const flat = noGrad(() => input.detach().view([-1]))
  const at = (i: number, step: number) =>
    noGrad(() =>
      scope(() => {
        flat.select(0, i).add_(step)
        const result = value()
        flat.select(0, i).sub_(step)
        return result
      }),
    )
  return Float64Array.from({ length: input.length }, (_, i) => (at(i, eps) - at(i, -eps)) / (2 * eps))
}

function compare(
  input: number,
  numeric: Float64Array,
  analytic: Float64Array | undefined,
  atol: number,
  rtol: number,
): void {
  for (const [i, expected] of numeric.entries()) {
    const received = analytic?.[i] ?? 0
    if (Math.abs(received - expected) <= atol + rtol * Math.abs(expected)) continue
    throw new EegTorchError('LIBTORCH', `gradient of input ${input} differs at element ${i}`, {
      expected: `${expected} by differences`,
      received: `${received}`,
    })
  }
}
