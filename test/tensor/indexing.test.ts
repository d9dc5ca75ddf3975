import { readFileSync } from 'node:fs'
import { arange, type Index, memory, ops, randn, slice, type Tensor, tensor, zeros } from 'eegtorch'
import { errorOf } from '../thrown.ts'

type Spec =
  | number
  | null
  | '...'
  | number[]
  | { slice: [number | null, number | null, number] }
  | { tensor: unknown }
  | { mask: unknown }

interface Case {
  shape: number[]
  index: Spec[]
  result: number[]
  resultShape: number[]
  view: boolean
  filled: number[]
  assigned?: number[]
}

const cases: Case[] = JSON.parse(readFileSync(new URL('../fixtures/tensors/indexing.json', import.meta.url), 'utf8'))

function indexOf(spec: Spec): Index {
  if (typeof spec !== 'object' || spec === null || Array.isArray(spec)) return spec
  if ('slice' in spec) return slice(...spec.slice)
  if ('mask' in spec) return tensor(spec.mask as boolean[])
  return tensor(spec.tensor as number[], { dtype: 'int64' })
}

const numbered = (shape: number[]) =>
  arange(
    0,
    shape.reduce((a, b) => a * b, 1),
    1,
    { dtype: 'int64' },
  ).reshape(shape)
const flat = (x: Tensor) => x.reshape([-1]).toArray()

test.each(cases.map((c) => [JSON.stringify(c.shape), JSON.stringify(c.index), c] as const))(
  'as PyTorch: %s at %s',
  (_, __, c) => {
    const x = numbered(c.shape)
    const index = c.index.map(indexOf)
    const part = x.at(...index)
    expect([part.shape, flat(part), part.sharesStorageWith(x)]).toEqual([c.resultShape, c.result, c.view])
    expect(flat(x.clone().set(index, -7))).toEqual(c.filled)
    if (c.assigned) {
      const values = ops.aten.add(numbered([c.result.length]), 1000).reshape(c.resultShape)
      expect(flat(x.clone().set(index, values))).toEqual(c.assigned)
    }
  },
)

test.each([
  [[5], 'index 5 is out of range for dimension 0 of size 3: expected -3 to 2, received 5', 'SHAPE_MISMATCH'],
  [['...', -5], 'index -5 is out of range for dimension 1 of size 4: expected -4 to 3, received -5', 'SHAPE_MISMATCH'],
  [[[0, 9]], 'index 9 is out of range for dimension 0 of size 3', 'SHAPE_MISMATCH'],
  [[0, 0, 0], 'there are more indices than dimensions: expected at most 2, received 3', 'SHAPE_MISMATCH'],
  [[[true, false]], 'a mask does not fit dimension 0: expected size 3, received size 2', 'SHAPE_MISMATCH'],
  [['...', '...'], "'...' may stand once among the indices", 'INVALID_OPTION'],
  [[1.5], 'an index has the wrong type', 'INVALID_OPTION'],
  [[[0.5]], 'an index has the wrong type', 'INVALID_OPTION'],
  [[undefined], 'an index has the wrong type', 'INVALID_OPTION'],
  [['1:2'], 'an index has the wrong type', 'INVALID_OPTION'],
])('%j is refused', (index, message, code) => {
  const error = errorOf(() => zeros([3, 4]).at(...(index as Index[])))
  expect([error.code, error.message]).toEqual([code, expect.stringContaining(message)])
})

test('float index tensors, slices with a bad step and values that do not fit are refused', () => {
  const x = zeros([3, 4])
  expect(errorOf(() => x.at(tensor([1]))).code).toBe('DTYPE_MISMATCH')
  expect(errorOf(() => slice(0, 3, 0)).message).toContain('step of a slice')
  expect(errorOf(() => slice(0.5)).message).toContain('start of a slice')
  expect(errorOf(() => x.set(0 as never, 1)).message).toContain('set takes its indices as a list')
  expect(errorOf(() => x.set([0], zeros([3]))).message).toBe(
    'the values do not fit where they are to be put: expected a shape that extends to (4), received (3)',
  )
  expect(errorOf(() => x.set([[0, 1]], zeros([4], { dtype: 'float64' }))).code).toBe('DTYPE_MISMATCH')
  expect(errorOf(() => x.set([[0, 1]], zeros([3]))).code).toBe('SHAPE_MISMATCH')
  expect(errorOf(() => x.at([0, 1], [0, 1, 2])).code).toBe('SHAPE_MISMATCH')
})

test('masks, broadcasting and leading ones in assignments', () => {
  const x = zeros([2, 3])
  expect(x.set([slice(), 1], tensor([[[5, 6]]])).toArray()).toEqual([
    [0, 5, 0],
    [0, 6, 0],
  ])
  expect(x.set([x.gt(5)], 1).toArray()).toEqual([
    [0, 5, 0],
    [0, 1, 0],
  ])
  expect(x.at(tensor(true)).shape).toEqual([1, 2, 3])
})

test('gradients flow through at, and a tensor can be gone through', () => {
  const x = randn([3, 2], { requiresGrad: true })
  x.at([0, 0])
    .sum()
    .add(x.at(2, slice(1)).sum())
    .backward()
  expect(x.grad?.toArray()).toEqual([
    [2, 2],
    [0, 0],
    [0, 1],
  ])
  expect([...numbered([2, 2])].map((row) => row.toArray())).toEqual([
    [0, 1],
    [2, 3],
  ])
  expect(errorOf(() => [...tensor(1)]).code).toBe('SHAPE_MISMATCH')
})

test('indexing leaves nothing but its result', () => {
  const x = zeros([4, 5])
  const before = memory().tensors
  const part = x.at([0, 1], slice(1, 3), null)
  x.set([[0, 2], 1], 3)
  expect(memory().tensors).toBe(before + 1)
  part.dispose()
})
