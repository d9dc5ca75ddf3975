import { readFileSync } from 'node:fs'
import { models, openCheckpoint, type Tensor, tensor, zeros } from 'eegtorch'
import { fixture } from '../checkpoints/fixtures.ts'

interface Expected {
  path: string
  model: string
  config?: Record<string, unknown>
  inputs: Record<string, number[]>
  outputs: Record<string, number[]>
}

const cases: Expected[] = JSON.parse(readFileSync(fixture('reference/expected.json'), 'utf8'))
const registered = new Set<string>(models.list().map(({ name }) => name))

/** The inputs of make_reference.py. */
function wave(shape: readonly number[]): Tensor {
  const count = shape.reduce((product, length) => product * length, 1)
  const values = Float32Array.from({ length: count }, (_, i) => Math.sin(0.7 * i) + 0.3 * Math.cos(0.05 * i))
  return tensor(values).reshape([...shape])
}

function inputOf(name: string, shape: readonly number[]): Tensor {
  return name === 'mask' ? zeros([...shape], { dtype: 'int64' }) : wave(shape)
}

// Without a model's name: braindecode's folders, older names, wrappers, prefixes, CSBrain's and eeg2image's files are recognised.
test.each(cases.filter(({ model }) => registered.has(model)))(
  '$path gives the outputs of its reference',
  async ({ path, model, config = {}, inputs, outputs }) => {
    using net = await models.load(fixture(`reference/${path}`), { config })
    expect(net.name).toBe(model)
    const given = Object.fromEntries(Object.entries(inputs).map(([name, shape]) => [name, inputOf(name, shape)]))
    const computed = net.run(given as never) as unknown as Record<string, Tensor>
    const camel = (name: string) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase())
    for (const [name, values] of Object.entries(outputs)) {
      const numbers = computed[camel(name)]!.toTypedArray() as Float32Array
      expect(numbers).toHaveLength(values.length)
      const largest = Math.max(
        ...values.map((value, i) => Math.abs(value - numbers[i]!) / (1e-5 + 1e-4 * Math.abs(value))),
      )
      expect(largest).toBeLessThan(1)
    }
  },
)

test("braindecode's older training files keep what stood beside the weights", () => {
  const { metadata, keys } = openCheckpoint(fixture('reference/deep4net-old.pth'))
  expect([metadata.saved, keys]).toEqual([{ epoch: 3 }, ['model_state_dict']])
  const mapper = openCheckpoint(fixture('reference/mapper_epoch17.pth'))
  expect([mapper.metadata.saved, mapper.keys]).toEqual([{ epoch: 17, val_acc: 0.1075 }, ['mapper']])
})
