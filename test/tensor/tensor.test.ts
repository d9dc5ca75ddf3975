import { fromTypedArray, memory, ones, randn, scope, type Tensor, tensor, zeros } from 'eegtorch'
import { collectGarbageUntil } from '../collect-garbage.ts'
import { errorOf } from '../thrown.ts'

describe('making tensors', () => {
  test('nested arrays keep their shape and order', () => {
    const x = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ])
    expect([x.shape, x.dtype, x.toArray()]).toEqual([
      [2, 3],
      'float32',
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
    ])
  })

  test.each([
    [[true, false], 'bool', [true, false]],
    [[1n, 2n], 'int64', [1, 2]],
    [[{ re: 1, im: -2 }], 'complex64', [{ re: 1, im: -2 }]],
    [3, 'float32', 3],
    [[[], []], 'float32', [[], []]],
  ])('%j has dtype %s', (data, dtype, array) => {
    const x = tensor(data as never)
    expect([x.dtype, x.toArray()]).toEqual([dtype, array])
  })

  test('ragged rows are refused, naming the depth', () => {
    const error = errorOf(() => tensor([[1, 2], [3]] as never))
    expect([error.code, error.message]).toEqual([
      'SHAPE_MISMATCH',
      'nested arrays are ragged at depth 1: expected 2 items, received 1 items',
    ])
  })

  test('a typed array is copied by tensor and shared by fromTypedArray', () => {
    const data = new Float32Array([1, 2, 3, 4])
    const copy = tensor(data, { shape: [2, 2] })
    const shared = fromTypedArray(data, { shape: [2, 2] })
    data[0] = 9
    expect([copy.toArray(), shared.toArray()]).toEqual([
      [
        [1, 2],
        [3, 4],
      ],
      [
        [9, 2],
        [3, 4],
      ],
    ])
    shared.mul_(2)
    expect([...data]).toEqual([18, 4, 6, 8])
  })

  test('a shared typed array shows what is written to the tensor', () => {
    const x = zeros([3])
    const view = x.toTypedArray({ share: true })
    x.add_(1)
    view[2] = 5
    expect(x.toArray()).toEqual([1, 1, 5])
  })

  test('a window of a larger buffer is read from its own offset', () => {
    const whole = new Float64Array([0, 1, 2, 3])
    expect(fromTypedArray(whole.subarray(1, 3)).toArray()).toEqual([1, 2])
  })

  test.each(['float32', 'float64', 'float16', 'bfloat16', 'int8', 'int32', 'int64', 'uint8', 'bool'] as const)(
    'ones of %s give ones back',
    (dtype) => {
      expect(ones([2], { dtype }).toArray()).toEqual(dtype === 'bool' ? [true, true] : [1, 1])
    },
  )

  test('a shape of another size is refused', () => {
    const error = errorOf(() => tensor(new Float32Array(6), { shape: [4, 2] }))
    expect([error.code, error.expected, error.received]).toEqual(['SHAPE_MISMATCH', '32 bytes', '24'])
  })

  test.each([[[-1]], [[2 ** 40, 2 ** 40]], [[1.5]], [['3']]])('a shape of %j is refused', (shape) => {
    expect(errorOf(() => tensor(new Float32Array(2), { shape: shape as never })).code).toMatch(
      /SHAPE_MISMATCH|INVALID_OPTION/,
    )
  })
})

describe('memory', () => {
  test('dispose frees once, and later use is an error that says so', () => {
    const before = memory().tensors
    const x = randn([3])
    expect(memory().tensors).toBe(before + 1)
    x.dispose()
    x.dispose()
    expect(memory().tensors).toBe(before)
    expect(errorOf(() => x.add(1)).code).toBe('USED_AFTER_DISPOSE')
    expect(x.toString()).toBe('tensor(disposed)')
  })

  test('a slot used again is not reached by an old number', () => {
    const old = zeros([1])
    const id = old.id
    old.dispose()
    const next = ones([1])
    old.id = id
    expect(errorOf(() => old.shape).code).toBe('USED_AFTER_DISPOSE')
    old.dispose()
    expect(next.item()).toBe(1)
  })

  test('a scope frees what its result does not hold', () => {
    const before = memory().tensors
    const kept: Tensor[] = []
    const { a, list } = scope((keep) => {
      const x = randn([4])
      kept.push(keep(x.mul(2)))
      return { a: x.add(1), list: [x.sub(1)] }
    })
    expect(memory().tensors).toBe(before + 3)
    expect([a.shape, list[0]!.shape, kept[0]!.shape]).toEqual([[4], [4], [4]])
  })

  test('a scope that throws frees everything, and inner scopes hand over to outer ones', () => {
    const before = memory().tensors
    expect(() =>
      scope(() => {
        scope(() => randn([2]))
        throw new Error('stop')
      }),
    ).toThrow('stop')
    expect(memory().tensors).toBe(before)
  })

  test('a scope refuses asynchronous work', () => {
    expect(errorOf(() => scope(async () => 1)).code).toBe('INVALID_OPTION')
  })

  test('100,000 results that nobody keeps stay small, and come back', async () => {
    const x = ones([8])
    const before = { ...memory(), rss: process.memoryUsage().rss }
    for (let i = 0; i < 100_000; i++) x.add(1)
    expect(process.memoryUsage().rss - before.rss).toBeLessThan(300e6)
    await collectGarbageUntil(() => memory().tensors <= before.tensors)
  })
})
