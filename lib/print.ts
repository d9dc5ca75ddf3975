import { type DType, isFloatingPoint } from './dtype.ts'
import { scope } from './memory.ts'
import { Packet } from './ops/packet.ts'
import { exactFormat, floatFormat, type NumberFormat } from './print-numbers.ts'
import type { Tensor } from './tensor.ts'

/** PyTorch's defaults: larger tensors are shown by the first and last three of each dimension. */
const THRESHOLD = 1000
const EDGE = 3
const LINE_WIDTH = 80
const PREFIX = 'tensor('

/** Numbers to show, read from LibTorch: flat, of a shape from which the middles may have been cut. */
interface Shown {
  values: readonly unknown[]
  /** Sizes of what is shown. */
  shape: readonly number[]
  /** Which dimensions lack their middle. */
  cut: readonly boolean[]
  formats: readonly NumberFormat[]
}

/** Strings such as those of PyTorch 2.11's `print(tensor)`, with its default options, dtype names and `True`/`False`. */
export function printTensor(tensor: Tensor): string {
  return scope(() => {
    const values = tensor.detach()
    const { body, suffixes, newLine } = describe(values)
    if (tensor.layout !== 'strided') suffixes.push(`layout=torch.${layoutName(tensor)}`)
    const made = tensor.gradFn
    if (made !== null) suffixes.push(`grad_fn=<${made.split('::').at(-1)}>`)
    else if (tensor.requiresGrad) suffixes.push('requires_grad=True')
    return withSuffixes(PREFIX + body, suffixes, newLine)
  })
}

interface Description {
  body: string
  suffixes: string[]
  newLine: boolean
}

function describe(tensor: Tensor): Description {
  const { device, dtype, layout } = tensor
  const suffixes = device === 'cpu' ? [] : [`device='${device}'`]
  const newLine = layout === 'sparse_coo'
  if (device === 'meta') {
    suffixes.push(sizeText(tensor), ...unless(dtype === 'float32', dtype))
    return { body: '...', suffixes, newLine }
  }
  if (layout.startsWith('sparse')) {
    suffixes.push(sizeText(tensor), `nnz=${internal('_nnz', tensor)}`, ...unless(hasPlainDtype(dtype), dtype))
    return { body: sparseBody(tensor), suffixes, newLine }
  }
  if (/^qu?int/.test(dtype)) {
    suffixes.push(sizeText(tensor), `dtype=torch.${dtype}`, ...quantisation(tensor))
    return { body: numbers(tensor.dequantize() as Tensor, PREFIX.length), suffixes, newLine }
  }
  if (tensor.length === 0) {
    if (tensor.ndim !== 1) suffixes.push(sizeText(tensor))
    return { body: '[]', suffixes: [...suffixes, ...unless(dtype === 'float32', dtype)], newLine }
  }
  const dense = layout === 'strided' ? tensor : (tensor.to_dense() as Tensor)
  return {
    body: numbers(dense, PREFIX.length),
    suffixes: [...suffixes, ...unless(hasPlainDtype(dtype), dtype)],
    newLine,
  }
}

/** An operator that is no method: those of uncoalesced sparse tensors. */
function internal(name: string, tensor: Tensor): unknown {
  return new Packet(`aten::${name}`).call([tensor])
}

function unless(usual: boolean, dtype: DType): string[] {
  return usual ? [] : [`dtype=torch.${dtype}`]
}

/** Dtypes that a reader knows from the numbers themselves. */
function hasPlainDtype(dtype: DType): boolean {
  return dtype === 'float32' || dtype === 'int64' || dtype === 'bool' || dtype === 'complex64'
}

function layoutName(tensor: Tensor): string {
  return tensor.layout === 'mkldnn' ? '_mkldnn' : tensor.layout
}

function sizeText({ shape }: Tensor): string {
  return `size=(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`
}

function sparseBody(tensor: Tensor): string {
  const byRow = tensor.layout === 'sparse_csr' || tensor.layout === 'sparse_bsr'
  const parts: [string, Tensor][] =
    tensor.layout === 'sparse_coo'
      ? [
          ['indices', internal('_indices', tensor) as Tensor],
          ['values', internal('_values', tensor) as Tensor],
        ]
      : byRow
        ? [
            ['crow_indices', tensor.crow_indices()],
            ['col_indices', tensor.col_indices()],
            ['values', tensor.values()],
          ]
        : [
            ['ccol_indices', tensor.ccol_indices()],
            ['row_indices', tensor.row_indices()],
            ['values', tensor.values()],
          ]
  const texts = parts.map(([name, part]) => {
    const opening = `${name}=tensor(`
    const size = part.length === 0 ? `, ${sizeText(part)}` : ''
    return `${opening}${numbers(part, PREFIX.length + opening.length)}${size})`
  })
  return texts.join(`,\n${' '.repeat(PREFIX.length)}`)
}

function quantisation(tensor: Tensor): string[] {
  const scheme = ['per_tensor_affine', 'per_channel_affine'][Number(tensor.qscheme())]
  const name = `quantization_scheme=torch.${scheme ?? 'per_channel_affine_float_qparams'}`
  if (scheme === 'per_tensor_affine') {
    const scale = Number(tensor.q_scale())
    const text = Number.isInteger(scale) ? scale.toFixed(1) : String(scale)
    return [name, `scale=${text}`, `zero_point=${tensor.q_zero_point()}`]
  }
  return [
    name,
    `scale=${printTensor(tensor.q_per_channel_scales())}`,
    `zero_point=${printTensor(tensor.q_per_channel_zero_points())}`,
    `axis=${tensor.q_per_channel_axis()}`,
  ]
}

function withSuffixes(text: string, suffixes: readonly string[], newLine: boolean): string {
  let result = text
  let used = text.length - text.lastIndexOf('\n') + 1
  for (const [i, suffix] of suffixes.entries()) {
    if ((newLine && i === 0) || used + suffix.length + 2 > LINE_WIDTH) {
      result += `,\n${' '.repeat(PREFIX.length)}${suffix}`
      used = PREFIX.length + suffix.length
    } else {
      result += `, ${suffix}`
      used += suffix.length + 2
    }
  }
  return `${result})`
}

/** The brackets and numbers of a strided tensor on any device but `meta`. */
function numbers(tensor: Tensor, indent: number): string {
  return tensor.length === 0 ? '[]' : nested(read(tensor), 0, 0, indent)
}

/** Dtypes that LibTorch neither joins nor reads are widened; 4-bit pairs show as bytes. */
function readable(tensor: Tensor): Tensor {
  if (tensor.dtype === 'float4_e2m1fn_x2') return tensor.view('uint8')
  if (tensor.dtype.startsWith('complex')) return tensor.resolve_conj().view_as_real()
  return isFloatingPoint(tensor.dtype) && tensor.dtype !== 'float64' ? tensor.to('float32') : tensor
}

function read(tensor: Tensor): Shown {
  const complex = tensor.dtype.startsWith('complex')
  const cut = tensor.shape.map((size) => tensor.length > THRESHOLD && size > 2 * EDGE)
  let part = tensor
  for (const [dim, short] of cut.entries()) if (short) part = edges(part, dim)
  const wide = readable(part)
  const plain = complex && wide.dtype === 'float16' ? wide.to('float32') : wide
  const values = Array.from(plain.toTypedArray() as ArrayLike<unknown>)
  const shown = tensor.dtype === 'bool' ? values.map(Boolean) : values
  return { values: shown, shape: part.shape, cut, formats: formatsOf(tensor.dtype, shown) }
}

function edges(tensor: Tensor, dim: number): Tensor {
  const size = tensor.shape[dim]!
  const bits = tensor.dtype.startsWith('float8') ? tensor.view('uint8') : tensor
  const joined = bits.narrow(dim, 0, EDGE).contiguous()
  const both = [joined, bits.narrow(dim, size - EDGE, EDGE)]
  const result = joinAlong(both, dim)
  return bits === tensor ? result : result.view(tensor.dtype)
}

function joinAlong([first, last]: Tensor[], dim: number): Tensor {
  const shape = first!.shape.map((size, i) => (i === dim ? 2 * size : size))
  const result = first!.new_empty(shape)
  result.narrow(dim, 0, EDGE).copy_(first!)
  result.narrow(dim, EDGE, EDGE).copy_(last!)
  return result
}

function formatsOf(dtype: DType, values: readonly unknown[]): NumberFormat[] {
  if (dtype.startsWith('complex')) {
    const every = (part: number) => floatFormat(values.filter((_, i) => i % 2 === part) as number[])
    return [every(0), every(1)]
  }
  const floats = isFloatingPoint(dtype) && dtype !== 'float4_e2m1fn_x2'
  return [floats ? floatFormat(values as number[]) : exactFormat(values)]
}

/** Text of the sub-tensor whose first element has the given number among what is shown. */
function nested(shown: Shown, depth: number, first: number, indent: number): string {
  const { shape, cut } = shown
  const dims = shape.length - depth
  if (dims === 0) return element(shown, first)
  if (dims === 1) return row(shown, first, indent)
  const step = shape.slice(depth + 1).reduce((a, b) => a * b, 1)
  const parts = Array.from({ length: shape[depth]! }, (_, i) => nested(shown, depth + 1, first + i * step, indent + 1))
  if (cut[depth]) parts.splice(EDGE, 0, '...')
  return `[${parts.join(`,${'\n'.repeat(dims - 1)}${' '.repeat(indent + 1)}`)}]`
}

function row(shown: Shown, first: number, indent: number): string {
  const { shape, cut, formats } = shown
  const items = Array.from({ length: shape.at(-1)! }, (_, i) => element(shown, first + i))
  if (cut.at(-1)) items.splice(EDGE, 0, ' ...')
  const width = formats.reduce((sum, format) => sum + format.width, 2) + (formats.length - 1)
  const perLine = Math.max(1, Math.floor((LINE_WIDTH - indent) / width))
  const lines: string[] = []
  for (let i = 0; i < items.length; i += perLine) lines.push(items.slice(i, i + perLine).join(', '))
  return `[${lines.join(`,\n${' '.repeat(indent + 1)}`)}]`
}

function element({ values, formats }: Shown, i: number): string {
  const [real, imaginary] = formats
  if (imaginary === undefined) return real!.format(values[i])
  const second = `${imaginary.format(values[2 * i + 1])}j`.trimStart()
  return `${real!.format(values[2 * i])}${second.startsWith('-') ? '' : '+'}${second}`
}
