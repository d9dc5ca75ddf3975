import { stack, tensor } from '../creation.ts'
import { type Scheduler, schedulers } from '../generation/schedulers/index.ts'
import type { NamedTensors } from '../models/model.ts'
import type { Tensor } from '../tensor.ts'

type Config = Readonly<Record<string, unknown>>

/** What answers a case of a scheduler, by the oracle's name of it. */
const makers: Readonly<Record<string, (config: object) => Scheduler>> = {
  ddpm: schedulers.ddpm,
  ddim: schedulers.ddim,
  pndm: schedulers.pndm,
  euler_discrete: schedulers.euler,
  euler_ancestral: schedulers.eulerAncestral,
  dpmsolver_multistep: schedulers.dpmSolver,
  unipc: schedulers.unipc,
}

/** Schedulers that a case may name. */
export const schedulerNames: readonly string[] = [...Object.keys(makers), 'amused']

/** What runs a scheduler's case, if the name is one's. Outputs have the case's names in camelCase. */
export function findScheduler(name: string): ((config: Config, inputs: NamedTensors) => NamedTensors) | undefined {
  if (name === 'amused') return runMaskedTokens
  const make = Object.hasOwn(makers, name) ? makers[name] : undefined
  return make && ((config, inputs) => runSequence(make(config), Number(config.num_inference_steps), inputs))
}

function runSequence(scheduler: Scheduler, count: number, given: NamedTensors): NamedTensors {
  const inputs = detached(given)
  const run = scheduler.steps(count)
  const [samples, scaled]: [Tensor[], Tensor[]] = [[], []]
  let sample = inputs.sample!
  for (let i = 0; i < run.timesteps.length; i++) {
    scaled.push(run.scaleInput(sample))
    sample = run.step(inputs.modelOutputs!.select(0, i), sample, { noise: inputs.noise!.select(0, i) })
    samples.push(sample)
  }
  const steps = Array.from(inputs.addAt!.toTypedArray() as BigInt64Array, Number)
  return {
    timesteps: tensor([...run.timesteps]).to(run.timestepType),
    initNoiseSigma: tensor(run.initNoiseSigma),
    alphasCumprod: tensor([...scheduler.schedule.alphasCumprod]),
    scaled: stack(scaled),
    samples: stack(samples),
    noisy: run.addNoise(inputs.clean!, inputs.noise!.slice(0, 0, 2).flatten(0, 1), steps),
  }
}

function runMaskedTokens(config: Config, given: NamedTensors): NamedTensors {
  const { sample, logits, exponential, uniform } = detached(given)
  const run = schedulers.maskedTokens(config as never).steps(Number(config.num_inference_steps))
  const samples: Tensor[] = []
  let tokens = sample!
  for (let i = 0; i < run.timesteps.length; i++) {
    const draws = { exponential: exponential!.select(0, i), uniform: uniform!.select(0, i) }
    tokens = run.step(logits!.select(0, i), tokens, draws)
    samples.push(tokens)
  }
  return {
    timesteps: tensor([...run.timesteps]).to('int64'),
    temperatures: tensor([...run.temperatures]),
    samples: stack(samples),
  }
}

function detached(inputs: NamedTensors): NamedTensors {
  return Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, tensor.detach()]))
}
