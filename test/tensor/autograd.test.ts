import {
  asyncOps,
  EegTorchError,
  enableGrad,
  grad,
  gradcheck,
  noGrad,
  ones,
  ops,
  randn,
  type Tensor,
  tensor,
  zeros,
} from 'eegtorch'

const leaf = (data: number[]) => tensor(data, { dtype: 'float64', requiresGrad: true })

function messageOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof EegTorchError) return `${error.code} ${error.message}`
  }
  throw new Error('no EegTorchError was thrown')
}

test('backward accumulates into leaves until they are cleared', () => {
  const x = leaf([1, 2, 3])
  x.pow(2).sum().backward()
  expect(x.grad?.toArray()).toEqual([2, 4, 6])
  x.mul(10).sum().backward()
  expect(x.grad?.toArray()).toEqual([12, 14, 16])
  x.grad = null
  expect(x.grad).toBeNull()
})

test('a graph is used once, unless it is retained', () => {
  const x = leaf([2])
  const y = x.pow(3)
  y.backward({ retainGraph: true })
  y.backward()
  expect(x.grad?.item()).toBe(24)
  expect(messageOf(() => y.backward())).toMatch(/^LIBTORCH .*second time/s)
})

test('an output of several elements needs a gradient of its shape', () => {
  const x = leaf([1, 2])
  const y = x.mul(3)
  expect(messageOf(() => y.backward())).toMatch(/scalar/)
  expect(messageOf(() => y.backward({ gradient: ones([3], { dtype: 'float64' }) }))).toMatch(/^LIBTORCH .*shape/s)
  y.backward({ gradient: tensor([1, 10], { dtype: 'float64' }) })
  expect(x.grad?.toArray()).toEqual([3, 30])
})

test('only the named inputs get gradients', () => {
  const [a, b] = [leaf([2]), leaf([3])]
  a.mul(b).backward({ inputs: [a] })
  expect([a.grad?.item(), b.grad]).toEqual([3, null])
})

test('grad leaves no trace, gives null for what is unused where allowed, and an error where not', () => {
  const [a, b] = [leaf([2]), leaf([3])]
  const [da] = grad(a.pow(2), [a])
  expect([da!.item(), a.grad]).toEqual([4, null])
  expect(grad(a.pow(2), [a, b], { allowUnused: true })[1]).toBeNull()
  expect(messageOf(() => grad(a.pow(2), [b]))).toMatch(/allow_unused|not have been used/)
})

test('derivatives of higher order', () => {
  const x = leaf([2])
  const [first] = grad(x.pow(4), [x], { createGraph: true })
  const [second] = grad(first!, [x], { createGraph: true })
  const [third] = grad(second!, [x])
  expect([first!.item(), second!.item(), third!.item()]).toEqual([32, 48, 48])
})

test('noGrad and enableGrad nest, and are undone by an error', () => {
  const x = leaf([1])
  const inner = noGrad(() => [x.mul(2).requiresGrad, enableGrad(() => x.mul(2).requiresGrad), x.mul(2).requiresGrad])
  expect(inner).toEqual([false, true, false])
  expect(() =>
    noGrad(() => {
      throw new Error('stop')
    }),
  ).toThrow('stop')
  expect(x.mul(2).requiresGrad).toBe(true)
})

test('asynchronous work has the mode in which it was started', async () => {
  const x = leaf([1, 2])
  const started = noGrad(() => asyncOps.aten.mul(x, 2))
  const recorded = asyncOps.aten.mul(x, 2)
  expect([(await started).requiresGrad, (await recorded).requiresGrad]).toEqual([false, true])
  const y = (await recorded).sum()
  await y.backwardAsync()
  expect(x.grad?.toArray()).toEqual([2, 2])
})

test('a backward that waits for its turn is dropped by a signal, and leaves no gradient', async () => {
  const x = leaf([1, 2])
  const busy = asyncOps.aten.mm(ones([1500, 1500]), ones([1500, 1500]))
  const controller = new AbortController()
  const waiting = x.mul(2).sum().backwardAsync({ signal: controller.signal })
  controller.abort()
  await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' })
  await busy
  expect(x.grad).toBeNull()
})

test('leaves, names of what computed a tensor, and detach', () => {
  const x = leaf([1, -1])
  const y = x.relu()
  expect([x.isLeaf, x.gradFn, y.isLeaf, y.gradFn]).toEqual([true, null, false, 'ReluBackward0'])
  const cut = y.detach()
  expect([cut.requiresGrad, cut.gradFn, cut.sharesStorageWith(y)]).toEqual([false, null, true])
})

test('writing over what backward needs, or over a leaf, is refused by LibTorch in its words', () => {
  const x = leaf([1, 2])
  expect(messageOf(() => x.add_(1))).toMatch(/leaf Variable that requires grad/)
  const y = x.exp()
  const loss = y.sum()
  y.mul_(2)
  expect(messageOf(() => loss.add(y.sum()).backward())).toMatch(/modified by an inplace operation/)
})

test('whole numbers have no gradients', () => {
  expect(messageOf(() => tensor([1n], { requiresGrad: true }))).toMatch(/only Tensors of floating point/i)
  expect(messageOf(() => ones([2]).sum().backward())).toMatch(/does not require grad/)
  const x = zeros([2])
  expect(messageOf(() => (x.grad = zeros([3])))).toMatch(/^SHAPE_MISMATCH/)
  const double = messageOf(() => (x.grad = zeros([2], { dtype: 'float64' })))
  expect(double).toMatch(/^DTYPE_MISMATCH.*float32 on cpu.*float64 on cpu/s)
  expect(x.grad).toBeNull()
})

describe('gradcheck', () => {
  const inputs = () => [randn([3, 4], { dtype: 'float64', requiresGrad: true })]

  test.each<[string, (x: Tensor) => Tensor]>([
    ['tanh', (x) => x.tanh()],
    ['matmul with itself', (x) => x.matmul(x.t())],
    ['softmax', (x) => x.softmax(1)],
    ['layer norm', (x) => ops.aten.layer_norm(x, [4])],
    ['a scalar', (x) => x.logsumexp([0, 1])],
    ['indexing', (x) => x.at([0, 2, 0])],
  ])('%s agrees with differences', (_, fn) => {
    expect(gradcheck(fn, inputs())).toBe(true)
  })

  test('a wrong derivative is found', () => {
    // The detached factor hides half of the derivative of x squared.
    expect(messageOf(() => gradcheck((x) => x.mul(x.detach()), inputs()))).toMatch(/gradient of input 0 differs/)
  })

  test('single precision is refused', () => {
    expect(messageOf(() => gradcheck((x) => x, [randn([2], { requiresGrad: true })]))).toMatch(/^DTYPE_MISMATCH/)
  })
})
