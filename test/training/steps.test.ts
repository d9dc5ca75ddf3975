import { readFileSync } from 'node:fs'
import {
  fromTypedArray,
  type Loss,
  loss,
  models,
  type Optimizer,
  setNumThreads,
  type Tensor,
  type TrainStepOptions,
  tensor,
} from 'eegtorch'
import { createTrainStep, evaluatedWeights } from '../../lib/training/train-step.ts'

// What PyTorch and braindecode do in a few steps; see make_steps.py beside it.
const fixture = JSON.parse(readFileSync(new URL('../fixtures/training/steps.json', import.meta.url), 'utf8'))
const { steps, batch, channels, times } = fixture
const config = { nChans: channels, nOutputs: 3, nTimes: times, F1: 4, kernelLength: 16, dropProb: 0 }

function startWeights(): Map<string, Tensor> {
  return new Map(
    Object.entries<{ shape: number[]; values: number[] }>(fixture.start).map(([name, { shape, values }]) => [
      name,
      name.endsWith('num_batches_tracked')
        ? (tensor(BigInt(values[0]!) as never) as Tensor)
        : (tensor(Float64Array.from(values), { shape }) as Tensor),
    ]),
  )
}

function batches(dtype: 'float32' | 'float64'): { inputs: Tensor; targets: Tensor }[] {
  const size = batch * channels * times
  const inputs = Float64Array.from(fixture.inputs)
  return Array.from({ length: steps }, (_, i) => ({
    inputs: tensor(inputs.slice(i * size, (i + 1) * size), { shape: [batch, channels, times], dtype }) as Tensor,
    targets: fromTypedArray(
      BigInt64Array.from(fixture.targets.slice(i * batch, (i + 1) * batch), (label: number) => BigInt(label)),
    ) as Tensor,
  }))
}

/** The batch mixed with itself as the fixture says, and what mixup makes of its targets. */
function mixed({ inputs, targets }: { inputs: Tensor; targets: Tensor }): { inputs: Tensor; targets: Tensor[] } {
  const { partners, shares } = fixture.mix as { partners: number[]; shares: number[] }
  const size = channels * times
  const own = inputs.toTypedArray() as Float64Array
  const labels = targets.toTypedArray() as BigInt64Array
  const data = Float64Array.from(own, (value, i) => {
    const row = Math.floor(i / size)
    const share = Math.fround(shares[row]!)
    // braindecode's mixtures are float32.
    return Math.fround(share * value + (1 - share) * own[partners[row]! * size + (i % size)]!)
  })
  const second = fromTypedArray(BigInt64Array.from(partners, (row) => labels[row]!)) as Tensor
  return {
    inputs: tensor(data, { shape: [batch, channels, times] }) as Tensor,
    targets: [targets, second, tensor(Float64Array.from(shares, Math.fround)) as Tensor],
  }
}

function begin(options: Partial<TrainStepOptions> & { optimizer: Optimizer }) {
  const dtype = 'autocast' in options ? 'float32' : 'float64'
  const net = models.eegnet(config).to({ dtype })
  net.loadStateDict(startWeights())
  const step = createTrainStep(net, { loss: loss.crossEntropy(), ...options })
  return { net, step, dtype } as const
}

/** The largest difference, each relative to the larger of 1 and the expected value. */
function largestDifference(received: ArrayLike<number>, expected: number[]): number {
  return Math.max(...expected.map((value, i) => Math.abs(received[i]! - value) / Math.max(1, Math.abs(value))))
}

/** Names of the tensors that differ from what they should be. */
function farOff(tensors: [string, Tensor][], expected: Record<string, number[]>, tolerance: number): string[] {
  expect(tensors).toHaveLength(Object.keys(expected).length)
  const values = (weight: Tensor) => Array.from(weight.toTypedArray() as ArrayLike<number | bigint>, Number)
  return tensors
    .filter(([name, weight]) => !(largestDifference(values(weight), expected[name]!) <= tolerance))
    .map(([name]) => name)
}

interface Case {
  name: string
  optimizer: Optimizer
  loss: object
  step: object
  losses: number[]
  gradNorms: number[]
  correct: number[]
  weights: Record<string, number[]>
  averages?: Record<string, number[]>
}

const cases: [string, Case][] = fixture.cases.map((each: Case) => [each.name, each])

// Networks this small gain nothing from threads, and lose much where other processes want the cores.
beforeAll(() => setNumThreads(1))

test.each(cases)('%s takes the steps that PyTorch takes', async (name, expected) => {
  const { net, step, dtype } = begin({
    optimizer: expected.optimizer,
    loss: { ...loss.crossEntropy(), ...expected.loss } as Loss,
    ...expected.step,
  })
  const results = []
  for (const each of batches(dtype)) results.push(await step(name === 'mixup' ? mixed(each) : each))
  // In bfloat16 one rounding that falls the other way is 2^-8 of a value, in any implementation.
  const tolerance = name === 'bfloat16' ? 4e-3 : 1e-6
  expect(
    largestDifference(
      results.map(({ loss }) => loss),
      expected.losses,
    ),
  ).toBeLessThan(tolerance)
  expect(
    largestDifference(
      results.map(({ gradNorm }) => gradNorm),
      expected.gradNorms,
    ),
  ).toBeLessThan(10 * tolerance)
  expect(results.map(({ correct }) => correct)).toEqual(expected.correct)
  expect(farOff(Object.entries(net.stateDict()), expected.weights, tolerance)).toEqual([])
  if (expected.averages)
    expect(farOff([...evaluatedWeights(await step.snapshot())], expected.averages, tolerance)).toEqual([])
  step.dispose()
  net.dispose()
})
