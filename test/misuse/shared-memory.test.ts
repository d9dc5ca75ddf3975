import { MessageChannel } from 'node:worker_threads'
import { fromTypedArray, randn, type TypedArray, tensor } from 'eegtorch'
import { errorOf } from '../thrown.ts'

/** Ways to ask for memory to be moved away. */
const WAYS = {
  postMessage: (data: TypedArray) => {
    const { port1 } = new MessageChannel()
    try {
      port1.postMessage(data, [data.buffer as ArrayBuffer])
    } finally {
      port1.close()
    }
  },
  structuredClone: (data: TypedArray) => void structuredClone(data, { transfer: [data.buffer as ArrayBuffer] }),
}

/** What is shared stays, silently or, from Node 21 on, with an error. */
function attempt(move: (data: TypedArray) => void, data: TypedArray): void {
  try {
    move(data)
  } catch (error) {
    expect((error as Error).name).toBe('DataCloneError')
  }
}

describe.each(Object.entries(WAYS))('%s', (_, move) => {
  test('does not move an array away from under the tensor that looks into it', () => {
    const samples = new Float32Array([1, 2, 3, 4])
    const shared = fromTypedArray(samples.subarray(1))
    attempt(move, samples)
    expect(samples).toHaveLength(4)
    samples[1] = 20
    expect(shared.toArray()).toEqual([20, 3, 4])
  })

  test('does not move the memory of a tensor away', () => {
    const x = randn([4])
    const view = x.toTypedArray({ share: true })
    attempt(move, view)
    expect(view).toHaveLength(4)
  })

  test('moves what was copied', () => {
    const source = new Float32Array([1, 2, 3, 4])
    const copy = tensor(source).toTypedArray()
    move(source)
    move(copy)
    expect([source.length, copy.length]).toEqual([0, 0])
  })
})

test('memory that can shrink is refused, and copied by tensor()', () => {
  const Resizable = ArrayBuffer as new (size: number, options: { maxByteLength: number }) => ArrayBuffer
  const data = new Float32Array(new Resizable(16, { maxByteLength: 32 })).fill(2)
  expect(errorOf(() => fromTypedArray(data))).toMatchObject({
    code: 'INVALID_OPTION',
    message: expect.stringContaining('expected an ArrayBuffer of fixed size'),
  })
  expect(tensor(data).toArray()).toEqual([2, 2, 2, 2])
})
