import type { Complex } from './dtype.ts'
import { EegTorchError } from './errors.ts'
import { scope } from './memory.ts'
import { native } from './native.ts'
import { Tensor } from './tensor.ts'

/** A stretch of one dimension; see {@link slice}. */
export class Slice {
  readonly start: number
  readonly end: number | null
  readonly step: number

  /** @internal */
  constructor(start: number, end: number | null, step: number) {
    this.start = start
    this.end = end
    this.step = step
  }
}

/**
 * What may stand for a dimension in `at` and `set`: a whole number (drops the dimension; negative ones count from the end), a
 * {@link slice}, `'...'` (all dimensions that the others leave), `null` (a new dimension of size 1), a tensor of integers or of booleans
 * (a mask, over as many dimensions as it has), or an array of whole numbers or booleans.
 */
export type Index = number | Slice | '...' | null | Tensor | readonly number[] | readonly boolean[]

/**
 * Elements start, start + step, … before `end` of a dimension: Python's `start:end:step`. Negative positions count from the end; those past
 * an end are cut off.
 *
 * @throws EegTorchError `INVALID_OPTION` for what is no whole number, or a step below 1
 */
export function slice(start: number | null = 0, end: number | null = null, step = 1): Slice {
  for (const [option, value] of Object.entries({ start: start ?? 0, end: end ?? 0, step })) {
    if (!Number.isSafeInteger(value) || (option === 'step' && value < 1)) {
      throw new EegTorchError('INVALID_OPTION', `${option} of a slice is not usable`, {
        option,
        expected: option === 'step' ? 'a whole number of 1 or more' : 'a whole number or null',
        received: String(value),
      })
    }
  }
  return new Slice(start ?? 0, end, step)
}

/** A view after numbers, slices, `'...'` and `null`; and the index tensors of its dimensions, which need `index`. */
interface Located {
  view: Tensor
  indices: (Tensor | null)[]
}

/** `tensor[…indices]` as in PyTorch: a view unless one of them is a tensor or an array. */
export function at(tensor: Tensor, indices: readonly Index[]): Tensor {
  return scope(() => {
    const { view, indices: gathered } = locate(tensor, indices)
    if (gathered.length === 0) return view === tensor ? tensor.alias() : view
    return outOfRangeNamed(() => view.index(gathered))
  })
}

/** `tensor[…indices] = value` as in PyTorch. */
export function set(tensor: Tensor, indices: readonly Index[], value: SetValue): void {
  if (!Array.isArray(indices)) {
    throw new EegTorchError('INVALID_OPTION', 'set takes its indices as a list', {
      expected: 'set([0, slice(1)], value)',
      received: typeof indices,
    })
  }
  scope(() => {
    const { view, indices: gathered } = locate(tensor, indices)
    if (gathered.length === 0) assign(view, value)
    else outOfRangeNamed(() => view.index_put_(gathered, asValues(tensor, value)))
  })
}

/** What {@link set} takes: one number for all places, or a tensor whose shape extends to theirs. */
export type SetValue = number | bigint | boolean | Complex | Tensor

function assign(view: Tensor, value: SetValue): void {
  if (!(value instanceof Tensor)) {
    view.fill_(value)
    return
  }
  const room = view.shape
  const source = withoutLeadingOnes(value, room.length)
  const fits = source.shape.every((size, i) => size === 1 || size === room[i + room.length - source.ndim])
  if (source.ndim > room.length || !fits) {
    throw new EegTorchError('SHAPE_MISMATCH', 'the values do not fit where they are to be put', {
      expected: `a shape that extends to (${room.join(', ')})`,
      received: `(${value.shape.join(', ')})`,
    })
  }
  view.copy_(source)
}

function withoutLeadingOnes(value: Tensor, dims: number): Tensor {
  const { shape } = value
  let from = 0
  while (shape.length - from > dims && shape[from] === 1) from++
  return from === 0 ? value : value.reshape(shape.slice(from))
}

function asValues(tensor: Tensor, value: SetValue): Tensor {
  if (!(value instanceof Tensor)) return tensor.new_full([], value)
  if (value.dtype === tensor.dtype) return value
  throw new EegTorchError('DTYPE_MISMATCH', 'values put by index tensors need the dtype of the tensor', {
    expected: tensor.dtype,
    received: value.dtype,
  })
}

function locate(tensor: Tensor, given: readonly Index[]): Located {
  const wanted = given.map((index) => prepare(index, tensor))
  const skipped = tensor.ndim - wanted.reduce<number>((sum, index) => sum + dimensionsOf(index), 0)
  if (skipped < 0) {
    throw new EegTorchError('SHAPE_MISMATCH', 'there are more indices than dimensions', {
      expected: `at most ${tensor.ndim}`,
      received: `${tensor.ndim - skipped}`,
    })
  }
  if (wanted.filter((index) => index === '...').length > 1) {
    throw new EegTorchError('INVALID_OPTION', "'...' may stand once among the indices")
  }
  return walk(tensor, wanted, skipped)
}

/** A number, slice, `'...'`, `null`, or a tensor of at least one dimension or a mask without any. */
type Prepared = Exclude<Index, readonly number[] | readonly boolean[]>

function prepare(index: Index, tensor: Tensor): Prepared {
  if (index === null || index === '...' || index instanceof Slice || Number.isSafeInteger(index))
    return index as Prepared
  if (Array.isArray(index)) return fromList(index, tensor)
  if (!(index instanceof Tensor)) return refuseIndex(index)
  if (index.dtype === 'bool') return index
  if (!/^int(8|16|32|64)$/.test(index.dtype)) {
    throw new EegTorchError('DTYPE_MISMATCH', 'an index tensor has the wrong dtype', {
      expected: 'int64, int32 or bool',
      received: index.dtype,
    })
  }
  // A tensor that is one number selects, and gives a view, as that number does.
  if (index.ndim === 0) return Number(index.item())
  return index.dtype === 'int8' || index.dtype === 'int16' ? index.to('int64') : index
}

function refuseIndex(index: unknown): never {
  throw new EegTorchError('INVALID_OPTION', 'an index has the wrong type', {
    expected: "a whole number, slice(), '...', null, a tensor or an array of whole numbers or booleans",
    received: typeof index === 'number' || typeof index === 'string' ? `${index}` : typeof index,
  })
}

function fromList(list: readonly unknown[], tensor: Tensor): Tensor {
  const mask = list.length > 0 && list.every((item) => typeof item === 'boolean')
  const wrong = mask ? undefined : list.find((item) => !Number.isSafeInteger(item))
  if (wrong !== undefined) refuseIndex(wrong)
  const data = mask
    ? Uint8Array.from(list as boolean[], Number)
    : BigInt64Array.from(list as number[], (item) => BigInt(item))
  const { buffer, byteLength } = data
  const made = new Tensor(native.fromBuffer(buffer, 0, byteLength, mask ? 'bool' : 'int64', [list.length], false))
  const { device } = tensor
  return device === 'cpu' ? made : made.to({ device })
}

function dimensionsOf(index: Prepared): number {
  if (index === null || index === '...') return 0
  return index instanceof Tensor && index.dtype === 'bool' ? index.ndim : 1
}

function walk(tensor: Tensor, wanted: readonly Prepared[], skipped: number): Located {
  let view = tensor
  let dim = 0
  let covered = 0
  const indices: (Tensor | null)[] = []
  for (const index of wanted) {
    if (index === '...') {
      dim += skipped
    } else if (index === null) {
      view = view.unsqueeze(dim++)
    } else if (typeof index === 'number') {
      view = view.select(dim, checked(index, view, dim))
    } else if (index instanceof Slice) {
      if (!isWhole(index)) view = view.slice(dim, index.start, index.end, index.step)
      dim++
    } else {
      if (index.dtype === 'bool') view = maskable(index, view, dim)
      for (; covered < dim; covered++) indices.push(null)
      indices.push(index.ndim === 0 ? index.reshape([1]) : index)
      // `index` wants one entry for a mask, however many dimensions that covers.
      dim += Math.max(1, dimensionsOf(index))
      covered = dim
    }
  }
  return { view, indices }
}

function isWhole({ start, end, step }: Slice): boolean {
  return start === 0 && end === null && step === 1
}

/** A mask without dimensions takes or leaves everything: it needs a dimension of size 1 to do so. */
function maskable(mask: Tensor, view: Tensor, dim: number): Tensor {
  if (mask.ndim === 0) return view.unsqueeze(dim)
  for (const [i, size] of mask.shape.entries()) {
    if (size === view.shape[dim + i]) continue
    throw new EegTorchError('SHAPE_MISMATCH', `a mask does not fit dimension ${dim + i}`, {
      expected: `size ${view.shape[dim + i]}`,
      received: `size ${size}`,
    })
  }
  return view
}

function checked(index: number, view: Tensor, dim: number): number {
  const size = view.shape[dim]!
  if (index >= -size && index < size) return index
  throw new EegTorchError('SHAPE_MISMATCH', `index ${index} is out of range for dimension ${dim} of size ${size}`, {
    expected: `${-size} to ${size - 1}`,
    received: `${index}`,
  })
}

function outOfRangeNamed<T>(run: () => T): T {
  try {
    return run()
  } catch (error) {
    const found = /index (-?\d+) is out of bounds for dimension (\d+) with size (\d+)/.exec((error as Error).message)
    const shapes = /shape mismatch: (.*)/.exec((error as Error).message)
    if (found) {
      const [, index, dim, size] = found
      throw new EegTorchError('SHAPE_MISMATCH', `index ${index} is out of range for dimension ${dim} of size ${size}`, {
        cause: error,
      })
    }
    if (shapes) throw new EegTorchError('SHAPE_MISMATCH', `indices and values disagree: ${shapes[1]}`, { cause: error })
    throw error
  }
}
