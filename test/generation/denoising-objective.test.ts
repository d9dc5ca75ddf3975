import { Linear, loss, Module, manualSeed, optim, randn, schedulers, type Tensor, fit as train, zeros } from 'eegtorch'
import { DenoisingObjective } from '../../lib/generation/training/denoising-objective.ts'
import { errorOf } from '../thrown.ts'

const { schedule } = schedulers.ddpm({ numTrainTimesteps: 20 })
const KINDS = ['epsilon', 'sample', 'v_prediction'] as const

test.each(KINDS)('who knows the %s has no loss, and who does not has its weighted squared error', (predictionType) => {
  const clean = randn([5, 2, 3, 3])
  const truth = (noisy: Tensor, timesteps: Tensor, objective: DenoisingObjective) => {
    const [signal, rest] = objective.shares(timesteps, clean)
    const noise = noisy.sub(clean.mul(signal)).div(rest)
    return { epsilon: noise, sample: clean, v_prediction: noise.mul(signal).sub(clean.mul(rest)) }[predictionType]
  }
  const off = (snrGamma: number | null, training: boolean, by: number) => {
    const objective = new DenoisingObjective(schedule, { predictionType, snrGamma })
    return objective.loss(clean, training, (noisy, t) => truth(noisy, t, objective).add(by)).item() as number
  }
  expect(off(5, true, 0)).toBeLessThan(1e-9)
  expect(off(null, false, 2)).toBeCloseTo(4, 4)
  // the timesteps of evaluation are 2, 6, 10, 14, 18 of 20
  const snr = [2, 6, 10, 14, 18].map((t) => schedule.alphasCumprod[t]! / (1 - schedule.alphasCumprod[t]!))
  const weights = snr.map((s) => Math.min(s, 5) / { epsilon: s, sample: 1, v_prediction: s + 1 }[predictionType])
  expect(off(5, false, 2)).toBeCloseTo((4 * weights.reduce((a, b) => a + b)) / 5, 3)
  expect(off(5, false, 2)).toBe(off(5, false, 2))
})

test('noise and timesteps are drawn anew in training, and the weight must be one', () => {
  const objective = new DenoisingObjective(schedule)
  const seen: number[] = []
  for (let i = 0; i < 30; i++)
    objective.loss(zeros([4, 1]), true, (noisy, t) => {
      seen.push(...(t.toArray() as bigint[]).map(Number))
      return noisy
    })
  expect(Math.min(...seen)).toBe(0)
  expect(Math.max(...seen)).toBe(19)
  for (const snrGamma of [0, -1, Number.NaN])
    expect(errorOf(() => new DenoisingObjective(schedule, { snrGamma })).message).toMatch(/snrGamma/)
})

test('a recorded network learns to take noise away from a point', async () => {
  class Task extends Module {
    readonly net = new Linear(2, 2)
    readonly #objective = new DenoisingObjective(schedule, { predictionType: 'sample' })

    override forward(_: Tensor, clean: Tensor): Tensor[] {
      return [this.#objective.loss(clean, this.training, (noisy) => this.net.forward(noisy))]
    }
  }
  manualSeed(1)
  const clean = zeros([32, 2]).add(0.7) as Tensor
  const task = new Task()
  const error = () =>
    task
      .eval()
      .forward(zeros([32, 1]), clean)[0]!
      .item() as number
  const before = error()
  await train(
    task,
    { inputs: zeros([32, 1]), targets: clean },
    { epochs: 60, loss: loss.output(), optimizer: optim.adamW({ lr: 0.05 }) },
  )
  expect(error()).toBeLessThan(before / 20)
})
