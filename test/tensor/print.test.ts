import { readFileSync } from 'node:fs'
import { arange, type DType, empty, memory, ops, type Tensor, tensor, zeros } from 'eegtorch'

interface Case {
  name: string
  text: string
  shape?: number[]
  dtype?: DType
  values?: (string | number)[]
  requiresGrad?: boolean
  build?: string | { bigint: string[] }
}

const cases: Case[] = JSON.parse(readFileSync(new URL('../fixtures/tensors/print.json', import.meta.url), 'utf8'))

const six = () => {
  const x = arange(0, 6).reshape([2, 3])
  x.requiresGrad = true
  return x
}
const sparse = () =>
  tensor([
    [0, 1.5, 0],
    [2, 0, 0],
  ]) as Tensor

const builders: Record<string, () => Tensor> = {
  add: () => six().add(tensor(1)),
  long: () => six().mul(tensor(100.125)).repeat([1, 2]).mul(tensor(1.5)),
  view: () => six().view([3, 2]),
  copySlices: () => {
    const z = six().mul(1).clone()
    z.select(0, 0).mul_(2)
    return z
  },
  meta: () => empty([2, 3], { device: 'meta' }),
  metaInt: () => empty([2], { device: 'meta', dtype: 'int32' }),
  coo: () => sparse().to_sparse(),
  cooDouble: () => sparse().to('float64').to_sparse(),
  cooEmpty: () => zeros([2, 3]).to_sparse(),
  csr: () => sparse().to_sparse_csr(),
  csc: () => sparse().to_sparse_csc(),
  quantised: () => ops.aten.quantize_per_tensor(sparse(), 0.5, 10, 'quint8'),
  transposed: () => arange(0, 6).reshape([2, 3]).t(),
  conjugate: () =>
    tensor([
      { re: 1, im: 2 },
      { re: 3, im: -4 },
    ]).conj(),
}

const number = (value: string | number) => Number(String(value).replace('inf', 'Infinity').replace('nan', 'NaN'))

function make({ build, shape, dtype, values, requiresGrad }: Case): Tensor {
  if (typeof build === 'string') return builders[build]!()
  if (build) return tensor(BigInt64Array.from(build.bigint, BigInt))
  const wide = dtype!.startsWith('complex')
    ? ops.aten.view_as_complex(tensor(Float64Array.from(values!, number), { shape: [...shape!, 2] }))
    : tensor(Float64Array.from(values!, number), { shape: shape! })
  const x = wide.to(dtype!)
  if (requiresGrad) x.requiresGrad = true
  return x
}

test.each(cases.map((c) => [c.name, c] as const))('prints as PyTorch does: %s', (_, c) => {
  expect(make(c).toString()).toBe(c.text)
})

test('printing leaves no tensor behind', () => {
  const x = arange(0, 2000)
  const before = memory().tensors
  x.toString()
  expect(memory().tensors).toBe(before)
})
