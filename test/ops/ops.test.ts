import { asyncOps, empty, Generator, manualSeed, memory, ones, ops, randn, tensor } from 'eegtorch'

test('positional and named arguments reach the same overload', () => {
  const x = tensor([
    [1, 2],
    [3, 4],
  ])
  expect(ops.aten.sum(x, [1], true, { dtype: 'float64' }).toArray()).toEqual([[3], [7]])
  expect(ops.aten.sum(x, [1], { keepdim: true, dtype: 'float64' }).dtype).toBe('float64')
  expect(x.sum().item()).toBe(10)
  expect(x.sum([0]).toArray()).toEqual([4, 6])
})

test('the overload follows from the kinds of the arguments, call after call', () => {
  const x = tensor([1, 2])
  for (let i = 0; i < 3; i++) {
    expect(x.add(1).toArray()).toEqual([2, 3])
    expect(x.add(0.5).toArray()).toEqual([1.5, 2.5])
    expect(x.add(x).toArray()).toEqual([2, 4])
    expect(x.add(x, { alpha: 10 }).toArray()).toEqual([11, 22])
    expect(x.add({ re: 0, im: 1 }).toArray()).toEqual([
      { re: 1, im: 1 },
      { re: 2, im: 1 },
    ])
    expect(x.eq(1).toArray()).toEqual([true, false])
  }
})

test('in-place and out variants give the same object back', () => {
  const x = ones([2])
  expect(x.add_(1)).toBe(x)
  const out = ones([2])
  expect(ops.aten.mul(x, x, { out })).toBe(out)
  expect(out.toArray()).toEqual([4, 4])
})

test('tuples, lists and optional tensors', () => {
  const x = tensor([3, 1, 2])
  const [values, indices] = ops.aten.sort(x, 0, true)
  expect([values.toArray(), indices.toArray()]).toEqual([
    [3, 2, 1],
    [0, 2, 1],
  ])
  expect(ops.aten.split(x, [1, 2], 0).map((part) => part.toArray())).toEqual([[3], [1, 2]])
  expect(ops.aten.index(ones([2, 2]), [null, tensor([1n])]).shape).toEqual([2, 1])
  expect(ops.aten.convolution(ones([1, 1, 4]), ones([1, 1, 2]), null, [1], [0], [1], false, [0], 1).toArray()).toEqual([
    [[2, 2, 2]],
  ])
})

test('generators make numbers of their own, and manualSeed those of PyTorch', () => {
  const a = ops.aten.randn([3], { generator: new Generator(5) })
  const b = ops.aten.randn([3], { generator: new Generator(5) })
  expect(a.toArray()).toEqual(b.toArray())
  manualSeed(0)
  // torch.manual_seed(0); torch.randn(3)
  const [x, y, z] = randn([3]).toArray() as number[]
  expect(x).toBeCloseTo(1.5409961, 6)
  expect(y).toBeCloseTo(-0.2934289, 6)
  expect(z).toBeCloseTo(-2.1787894, 6)
})

test('asynchronous operators run in order and reject with the same errors', async () => {
  const x = ones([2, 3])
  const [a, b] = await Promise.all([asyncOps.aten.add(x, 1), asyncOps.aten.matmul(x, ones([3, 2]))])
  expect([a.sum().item(), b.toArray()]).toEqual([
    12,
    [
      [3, 3],
      [3, 3],
    ],
  ])
  await expect(asyncOps.aten.matmul(x, x)).rejects.toMatchObject({ code: 'LIBTORCH' })
})

test('wrong arguments name the overloads, unknown operators their name', () => {
  const x = ones([2])
  expect(() => ops.aten.add(x, 'no' as never)).toThrow(/aten::add does not take these arguments.*other is no Tensor/s)
  expect(() => ops.aten.softmax(x, 0, { dimm: 1 } as never)).toThrow(/no argument is called dimm/)
  expect(() => (ops.aten as never as Record<string, unknown>).no_such_operator).toThrow(
    'LibTorch has no operator aten::no_such_operator',
  )
})

test('a dtype, a device, both or options: to takes them as Python does', () => {
  const x = ones([2])
  expect(x.to('float64').dtype).toBe('float64')
  expect([x.to('meta').device, x.to('meta').dtype]).toEqual(['meta', 'float32'])
  expect([x.to('meta', 'int64').device, x.to('meta', 'int64').dtype]).toEqual(['meta', 'int64'])
  expect(x.to('cpu')).not.toBe(x)
  expect(x.to('cpu').sharesStorageWith(x)).toBe(true)
  expect(x.to('cpu', { copy: true }).sharesStorageWith(x)).toBe(false)
  expect(x.to({ dtype: 'int32', device: 'cpu' }).dtype).toBe('int32')
  expect(x.to(ones([1], { dtype: 'float16' })).dtype).toBe('float16')
})

test.each<[string, () => unknown]>([
  ['degree 10000000 is too large', () => ops.aten.special_laguerre_polynomial_l(ones([2]), 1e7)],
  ['degree 20000000 is too large', () => ops.aten.special_hermite_polynomial_h(ones([2]), tensor([2, 2e7]))],
  ['groups must be 1 or more', () => ones([1, 2, 2, 2]).native_channel_shuffle(0)],
  [
    'runningMean and runningVar are needed',
    () => ops.aten.native_batch_norm(ones([2, 3, 4]), null, null, null, null, false, 0.1, 1e-5),
  ],
  [
    "the tensors' layouts differ",
    () =>
      ones([2, 3])
        .to_sparse_csr()
        .copy(ones([2, 3])),
  ],
])('what LibTorch would not survive is refused: %s', (reason, run) => {
  expect(run).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(reason) }))
})

test('a meta tensor is neither written nor read through out', () => {
  const meta = empty([2], { device: 'meta' })
  for (const run of [
    () => ops.aten.add(ones([2]), ones([2]), { out: meta }),
    () => ops.aten.add(meta, meta, { out: ones([2]) }),
  ])
    expect(run).toThrow(expect.objectContaining({ code: 'DEVICE_MISMATCH' }))
  expect(ops.aten.add(meta, meta, { out: empty([2], { device: 'meta' }) }).shape).toEqual([2])
})

test('a meta tensor counts a handle, whatever shape it claims', () => {
  const before = memory().bytes
  const huge = empty([2 ** 31, 2 ** 29], { device: 'meta' })
  expect(memory().bytes - before).toBeLessThan(10_000)
  expect(huge.shape).toEqual([2 ** 31, 2 ** 29])
  huge.dispose()
})
