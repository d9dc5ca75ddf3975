import {
  cat,
  grad,
  loss,
  Module,
  manualSeed,
  memory,
  noGrad,
  ones,
  ops,
  optim,
  parameter,
  randn,
  record,
  type Tensor,
  tensor,
  zeros,
} from 'eegtorch'

const values = (x: Tensor) => x.toArray()

test('the second call replays what the first one did, with other numbers', () => {
  let calls = 0
  const scale = tensor([2, 3])
  const f = record((x: Tensor) => {
    calls++
    return x.mul(scale).add(1)
  })
  expect(values(f(tensor([1, 2])))).toEqual([3, 7])
  expect(values(f(tensor([5, 6])))).toEqual([11, 19])
  expect([calls, f.recordings]).toEqual([1, 1])
  scale.add_(1)
  expect(values(f(tensor([1, 1])))).toEqual([4, 5])
})

test('other shapes, dtypes, layouts and gradient modes are recorded on their own', () => {
  let calls = 0
  const f = record((x: Tensor) => {
    calls++
    return x.reshape([-1]).sum()
  })
  const x = ones([2, 3])
  for (const input of [x, x, x.t(), ones([3]), x.to('float64'), x]) f(input)
  expect(calls).toBe(4)
  noGrad(() => f(x))
  expect(calls).toBe(5)
  f.clear()
  expect(f.recordings).toBe(0)
  f(x)
  expect(calls).toBe(6)
})

test('lists go in and come out, and an output may be an input or a constant', () => {
  const constant = tensor([7])
  const f = record((a: Tensor, b: Tensor) => [cat([a, b, constant]), ...(b.split(1) as Tensor[]), a, constant])
  for (const [a, b] of [
    [1, 2],
    [3, 4],
  ]) {
    const out = f(tensor([a!]), tensor([b!, 9])) as Tensor[]
    expect(out.map(values)).toEqual([[a, b, 9, 7], [b], [9], [a], [7]])
  }
})

test('gradients flow through a replay, to what the function closes over too, and twice', () => {
  const weight = tensor([2, -1], { requiresGrad: true })
  const f = record((x: Tensor) => x.mul(weight).pow(3).sum())
  f(zeros([2]))
  const x = tensor([1, 2], { requiresGrad: true })
  const [dw] = grad(f(x), [weight], { createGraph: true })
  expect(values(dw!)).toEqual([12, 24])
  expect(values(grad(dw!.sum(), [x])[0]!)).toEqual([36, 36])
})

test('operators in place change what they changed, and keep a running sum', () => {
  const total = zeros([2])
  const f = record((x: Tensor) => {
    const y = x.clone()
    y.add_(1)
    total.add_(y)
    y.relu_()
    return y
  })
  expect(values(f(tensor([-3, 1])))).toEqual([0, 2])
  expect(values(f(tensor([5, -9])))).toEqual([6, 0])
  expect(values(total)).toEqual([4, -6])
})

test('random operators draw again, as the generator stands', () => {
  const f = record((x: Tensor) => x.add(randn([3])))
  const first = f(zeros([3]))
  expect(values(f(zeros([3])))).not.toEqual(values(first))
  manualSeed(5)
  const seeded = values(f(zeros([3])))
  manualSeed(5)
  expect(values(randn([3]))).toEqual(seeded)
})

test('noGrad inside holds in the replay, and ends with it', () => {
  const weight = ones([2]).mul(3)
  weight.requiresGrad = true
  const f = record((x: Tensor) => noGrad(() => x.mul(weight)).add(weight))
  f(ones([2]))
  const y = f(ones([2]))
  expect(values(grad(y.sum(), [weight])[0]!)).toEqual([1, 1])
})

test('async replays on the compute thread', async () => {
  const f = record((x: Tensor) => x.matmul(x))
  const x = randn([40, 40])
  const expected = f(x)
  const got = await Promise.all([f.async(x), f.async(x)])
  for (const y of got) expect(ops.aten.equal(y, expected)).toBe(true)
})

test.each<[string, (x: Tensor) => unknown]>([
  ['cannot read the values', (x) => x.mul(x.sum().item() as number)],
  ['cannot read the values', (x) => tensor(x.add(1).toArray() as number[])],
  ['cannot go backward', (x) => x.add(grad(x.mul(2).sum(), [x])[0]!)],
  ['must give a tensor', () => 3],
  ['within another', (x) => record((y: Tensor) => y.add(1))(x)],
])('a function that %s is refused, and nothing is left half-recorded', (sentence, body) => {
  const x = ones([2])
  x.requiresGrad = true
  const f = record(body as (x: Tensor) => Tensor)
  expect(() => f(x)).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(sentence) }),
  )
  expect(f.recordings).toBe(0)
  expect(x.mul(2).sum().item()).toBe(4)
})

test('the same tensor twice is refused: a replay could not tell them apart', () => {
  const x = ones([2])
  expect(() => record((a: Tensor, b: Tensor) => a.add(b))(x, x)).toThrow('one tensor twice')
})

test('ten thousand replays leave no tensor behind', () => {
  const f = record((x: Tensor) => x.add(1).mul(2).relu())
  const x = ones([100])
  f(x).dispose()
  const before = memory().tensors
  for (let i = 0; i < 10_000; i++) f(x).dispose()
  expect(memory().tensors).toBe(before)
})

describe('modules', () => {
  class Weighted extends Module {
    readonly weight = parameter(ones([3, 3]))
    readonly body: (weight: Tensor, x: Tensor) => Tensor

    constructor(body: (weight: Tensor, x: Tensor) => Tensor) {
      super()
      this.body = body
    }

    override forward(x: Tensor): Tensor {
      return this.body(this.weight, x)
    }
  }

  test('are recorded for each dtype of their inputs', async () => {
    const net = new Weighted((_, x) => x.mul(x.dtype === 'float64' ? 2 : 1)).eval()
    const sums: number[] = []
    for (const dtype of ['float32', 'float64', 'float32'] as const)
      sums.push((await net.forwardAsync(ones([3], { dtype }))).sum().item() as number)
    expect(sums).toEqual([3, 6, 3])
  })

  test('a noGrad inside ends where it began: in evaluation no gradients are recorded after it', async () => {
    const net = new Weighted((weight, x) => {
      const mean = noGrad(() => x.mean())
      return x.sub(mean).matmul(weight)
    })
    const step = net.trainStep({ loss: loss.mse(), optimizer: optim.sgd({ lr: 0.1 }) })
    const batch = { inputs: randn([4, 3]), targets: randn([4, 3]) }
    const { outputs } = await step.evaluate(batch)
    expect(outputs[0]!.requiresGrad).toBe(false)
    const before = noGrad(() => net.weight.clone())
    await step(batch)
    expect(net.weight.sub(before).abs().max().item()).toBeGreaterThan(0)
  })
})
