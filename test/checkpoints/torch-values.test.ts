import { openCheckpoint, type Tensor } from 'eegtorch'
import { fixture } from './fixtures.ts'

/** The numbers that make.py put in. */
const EXPECTED: Record<string, unknown> = {
  transposed: Array.from({ length: 6 }, (_, column) => [0, 6, 12, 18].map((row) => row + column)),
  rows: [
    [6, 8, 10],
    [12, 14, 16],
  ],
  expanded: [2, 2, 2],
  scalar: 5,
  empty: [],
  half: [1.5, -2],
  brain: [1.5, -2, 3.25],
  flags: [true, false, true],
  complex: [
    { re: 1, im: 2 },
    { re: -0, im: -3 },
  ],
  small: [1, 0.5],
}

describe.each([
  { name: 'state.pt', copy: false },
  { name: 'state.pt', copy: true },
  { name: 'state-legacy.pt', copy: false },
  { name: 'state-legacy.pt', copy: true },
])('$name, copy $copy', ({ name, copy }) => {
  const numbers = (tensor: Tensor) => (tensor.dtype === 'float8_e4m3fn' ? tensor.to('float32') : tensor).toArray()

  test('holds the numbers that PyTorch saved, views and small types included', async () => {
    const tensors = await openCheckpoint(fixture(name)).tensors.loadAll({ copy })
    for (const [key, expected] of Object.entries(EXPECTED))
      expect([key, numbers(tensors.get(key)!)]).toEqual([key, expected])
    expect(tensors.get('transposed')!.strides).toEqual([1, 6])
  })

  test('tied weights are one memory, and the file stays as it is', async () => {
    const { tensors } = openCheckpoint(fixture(name))
    const loaded = await tensors.loadAll({ copy })
    loaded.get('encoder.weight')!.fill_(9)
    expect(loaded.get('decoder.weight')!.sum().item()).toBe(9 * 24)
    expect(loaded.get('rows')!.sum().item()).toBe(9 * 6)
    expect((await tensors.load('rows', { copy })).toArray()).toEqual(EXPECTED.rows)
  })
})

test('what a training script kept beside the weights is metadata, without its tensors', () => {
  const { metadata, tensors } = openCheckpoint(fixture('training.pth'))
  expect(tensors.names).toEqual(['weight', 'bias'])
  expect(metadata.saved).toMatchObject({
    epoch: 7,
    best: 0.875,
    args: { lr: 1e-3, name: 'run', layers: [1, 2] },
    classes: ['left', 'right'],
    history: [0, 1, 2, 3, 4, 5],
    big: (2n ** 80n).toString(),
    optimizer: { param_groups: [{ lr: 1e-3, params: [0, 1] }] },
  })
  expect(metadata.saved).not.toHaveProperty('model')
  expect(JSON.parse(JSON.stringify(metadata))).toEqual(metadata)
})

test('every element type of safetensors is loaded', async () => {
  const { tensors } = openCheckpoint(fixture('every-dtype.safetensors'))
  const loaded = await tensors.loadAll()
  for (const name of tensors.names) expect(`of.${loaded.get(name)!.dtype}`).toBe(name)
  expect(loaded.get('of.uint8')!.sum().item()).toBe(24)
  expect(loaded.get('of.int16')!.toArray()).toEqual(Array(24).fill(256))
})
