import type { Tensor } from '../tensor.ts'
import type { BatchEvaluation, StepResult, TrainingSnapshot, TrainStep } from './train-step.ts'

/** What a step that is made of several does with a batch. */
export interface CombinedWork {
  /** One round: the result stands for the whole. */
  learn(...call: Parameters<TrainStep>): Promise<StepResult>
  evaluate(...call: Parameters<TrainStep['evaluate']>): Promise<BatchEvaluation>
}

/**
 * Several native steps as one, for `fit` and for checkpoints: a snapshot holds the weights of all of them by name, once where steps share a
 * network, and the optimiser and random state of each under the step's name. Disposing of it disposes of them.
 */
export function combineSteps(parts: Readonly<Record<string, TrainStep>>, { learn, evaluate }: CombinedWork): TrainStep {
  const dispose = () => {
    for (const step of Object.values(parts)) step.dispose()
  }
  return Object.assign(learn, {
    evaluate,
    async snapshot(): Promise<TrainingSnapshot> {
      const whole: TrainingSnapshot = { model: new Map(), training: new Map() }
      for (const [name, step] of Object.entries(parts)) {
        const { model, training } = await step.snapshot()
        for (const [key, tensor] of model) {
          if (whole.model.has(key)) tensor.dispose()
          else whole.model.set(key, tensor)
        }
        for (const [key, tensor] of training) whole.training.set(`${name}.${key}`, tensor)
      }
      return whole
    },
    async restore({ model, training }: Parameters<TrainStep['restore']>[0]): Promise<void> {
      for (const [name, step] of Object.entries(parts)) {
        const own = await weightNames(step)
        await step.restore({
          model: new Map([...model].filter(([key]) => own.has(key))),
          ...(training && { training: below(training, `${name}.`) }),
        })
      }
    },
    async synchronise(): Promise<void> {
      for (const step of Object.values(parts)) await step.synchronise()
    },
    async reductionFigures(): Promise<Record<string, number>> {
      const figures: Record<string, number> = {}
      for (const [name, step] of Object.entries(parts))
        for (const [key, value] of Object.entries(await step.reductionFigures())) figures[`${name}.${key}`] = value
      return figures
    },
    dispose,
    [Symbol.dispose]: dispose,
  })
}

async function weightNames(step: TrainStep): Promise<Set<string>> {
  const { model, training } = await step.snapshot()
  for (const tensor of [...model.values(), ...training.values()]) tensor.dispose()
  return new Set(model.keys())
}

function below(tensors: ReadonlyMap<string, Tensor>, prefix: string): Map<string, Tensor> {
  const chosen = [...tensors].filter(([name]) => name.startsWith(prefix))
  return new Map(chosen.map(([name, tensor]) => [name.slice(prefix.length), tensor]))
}
