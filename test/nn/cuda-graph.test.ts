import { grad, randn, record, type Tensor, tensor, zeros } from 'eegtorch'
import { describeWithGpu } from '../gpu.ts'
import { errorOf } from '../thrown.ts'

const square = (x: Tensor) => x.mul(x).sum()

test('a CUDA graph of tensors that are on no GPU is refused', () => {
  const refused = record(square, { cudaGraph: true })
  const expected = { code: 'INVALID_OPTION', option: 'cudaGraph', expected: 'inputs on one GPU', received: 'cpu' }
  expect(errorOf(() => refused(zeros([2])))).toMatchObject(expected)
  expect(refused.recordings).toBe(0)
  expect(record(square)(tensor([1, 2])).item()).toBe(5) // and nothing is being recorded any more
})

describeWithGpu('on a GPU', () => {
  const device = 'cuda' as const
  const draw = (...shape: number[]) => randn(shape).to(device)

  test('a graph gives what single operators give, on both threads, for other numbers and other shapes', async () => {
    const weight = draw(8, 8)
    const body = (x: Tensor) => [x.matmul(weight).tanh(), x.sum()]
    const graph = record(body, { cudaGraph: true })
    for (let run = 0; run < 8; run++) {
      const x = draw(4 + (run % 2), 8)
      const found = run % 3 === 0 ? graph(x) : await graph.async(x)
      for (const [i, expected] of body(x).entries())
        expect(expected.sub(found[i]!).abs().max().item() as number).toBeLessThan(1e-6)
    }
    expect(graph.recordings).toBe(2)
  })

  test('outputs of a launch stay as they are when the next one runs', () => {
    const graph = record((x: Tensor) => x.add(1), { cudaGraph: true })
    const outputs = [1, 2, 3, 4, 5].map((value) => graph(tensor([value]).to(device)))
    expect(outputs.map((output) => output.item())).toEqual([2, 3, 4, 5, 6])
  })

  test('gradients reach inputs and what the function closes over', () => {
    const weight = tensor([2, -1], { requiresGrad: true, device })
    const graph = record((x: Tensor) => x.mul(weight).pow(3).sum(), { cudaGraph: true })
    for (const value of [0, 1, 2, 3]) {
      const x = tensor([value, 2], { requiresGrad: true, device })
      const [dx, dw] = grad(graph(x), [x, weight])
      expect([dx!.toArray(), dw!.toArray()]).toEqual([
        [24 * value ** 2, -12],
        [12 * value ** 3, 24],
      ])
    }
  })

  test('a gradient after another run, a second derivative and an operator that waits are refused', () => {
    const graph = record(square, { cudaGraph: true })
    const x = tensor([1, 2], { requiresGrad: true, device })
    for (let run = 0; run < 3; run++) graph(x)
    const early = graph(x)
    graph(x)
    expect(errorOf(() => grad(early, [x]))).toMatchObject({ code: 'INVALID_OPTION', option: 'cudaGraph' })
    expect(errorOf(() => grad(graph(x), [x], { createGraph: true }))).toMatchObject({ option: 'createGraph' })
    const waiting = record((y: Tensor) => y.nonzero(), { cudaGraph: true })
    const run = () => [1, 2, 3].map(() => waiting(draw(3).detach()))
    expect(errorOf(run)).toMatchObject({ code: 'INVALID_OPTION', option: 'cudaGraph' })
    expect(draw(3).sum().isfinite().item()).toBe(true)
  })
})
