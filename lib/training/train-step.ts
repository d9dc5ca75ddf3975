import { EegTorchError } from '../errors.ts'
import { Tensor } from '../tensor.ts'
import { completeAugmentations } from './augment.ts'
import { type NamedId, nativeTraining as native } from './native.ts'
import { type TrainStepOptions, toNativeOptions } from './options.ts'

/** What a network learns from at once. The first dimension of every tensor is the batch. */
export interface Batch {
  /** One tensor, or one for each input of the network: (batch, channels, samples) for networks that decode EEG. */
  inputs: Tensor | readonly Tensor[]
  /** What the loss compares with: class numbers (batch), int64, for cross entropy. */
  targets: Tensor | readonly Tensor[]
}

/** What a training step tells. With a group of processes: of the batches of all together. */
export interface StepResult {
  /** Mean over the batch, before the weights moved; without penalties, so that it compares with that of other data. */
  loss: number
  /** 2-norm of all gradients together, those of penalties included, before clipping. */
  gradNorm: number
  /** True when gradients overflowed in float16 and the weights stayed as they were. */
  skipped: boolean
  /** How many examples were classified right, before the weights moved; null for losses without classes. */
  correct: number | null
  /** Examples in the batch. */
  count: number
  /** What the mean divides by: the examples, or the sum of their class weights. */
  mass: number
}

/** What evaluating a batch gives; the outputs are the caller's to dispose of. */
export interface BatchEvaluation {
  outputs: Tensor[]
  /** Null without targets. */
  loss: number | null
  correct: number | null
  count: number
  /** What the mean divides by; 0 without targets. */
  mass: number
}

/** Copies of all weights, and of everything else that the next step depends on. */
export interface TrainingSnapshot {
  model: Map<string, Tensor>
  /** Moments and step counts of the optimiser, gradient scale, random state; the running mean of weights as `ema.mean.NAME`. */
  training: Map<string, Tensor>
}

/** A network that a {@link TrainStep} can train: any model of this library, and modules written in TypeScript. */
export interface Trainable {
  /** @internal the addon's number for it */
  readonly id: number
  /** @internal called with what the network is about to be given, in which mode */
  prepare?(inputs: readonly Tensor[], training: boolean): void
}

/**
 * One training step of one network: forward, loss, backward, clipping and optimiser in one native call on the compute thread.
 * Call it with a batch; calls queue up and run in order.
 */
export interface TrainStep extends Disposable {
  /**
   * Trains on a batch, changed by the augmentations there are.
   *
   * @param rate factor on every learning rate in this step, for schedules; 1 by default
   * @throws EegTorchError `SHAPE_MISMATCH`, `DEVICE_MISMATCH`
   */
  (batch: Batch, rate?: number): Promise<StepResult>

  /** Runs the network on a batch in evaluation mode, without gradients. */
  evaluate(batch: { inputs: Batch['inputs']; targets?: Batch['targets'] }): Promise<BatchEvaluation>

  /** Copies the whole state as of now, after all steps asked for so far. */
  snapshot(): Promise<TrainingSnapshot>

  /**
   * Puts a state back, bit for bit. Without `training` only the weights change.
   *
   * @throws EegTorchError `CHECKPOINT_MISMATCH` for the state of another network or optimiser
   */
  restore(snapshot: { model: Map<string, Tensor>; training?: Map<string, Tensor> }): Promise<void>

  /**
   * With a group, called by all its processes: weights, buffers and the optimiser's state become those of process 0. The first step begins with
   * it. Running means of batch norms follow each process's own examples in between.
   *
   * @throws EegTorchError `SHAPE_MISMATCH` when the processes train different networks; `PROCESS_LOST`
   */
  synchronise(): Promise<void>

  /** With a group: what c10d's Reducer says of its work, such as `num_buckets` and, in nanoseconds, `avg_backward_comm_time`. */
  reductionFigures(): Promise<Record<string, number>>

  dispose(): void
}

/** The weights that evaluation uses: their running mean where the step keeps one. The tensors are those of the snapshot. */
export function evaluatedWeights({ model, training }: TrainingSnapshot): Map<string, Tensor> {
  return new Map([...model].map(([name, weight]) => [name, training.get(`ema.mean.${name}`) ?? weight]))
}

const registry = new FinalizationRegistry<number>((id) => native.releaseTrainStep(id))

/**
 * Prepares the training of a network.
 *
 * @throws EegTorchError `INVALID_OPTION`, `UNKNOWN_NAME`
 */
export function createTrainStep(net: Trainable, options: TrainStepOptions): TrainStep {
  const { loss, optimizer, group, augmentations = [], ...settings } = options
  const [objective, rule, given] = [
    loss,
    optimizer,
    { ...settings, augmentations: completeAugmentations(augmentations) },
  ].map(toNativeOptions)
  let id = native.createTrainStep(net.id, objective, rule, given, group?.id ?? null)
  const dispose = () => {
    if (id < 0) return
    native.releaseTrainStep(id)
    registry.unregister(step)
    id = -1
  }
  // A network that computes its loss looks at the targets too.
  const inputsOf = ({ inputs, targets = [] }: Partial<Batch> & Pick<Batch, 'inputs'>) =>
    loss.name === 'output' ? [...listOf(inputs), ...listOf(targets)] : listOf(inputs)
  const step = Object.assign(
    async (batch: Batch, rate = 1): Promise<StepResult> => {
      const inputs = inputsOf(batch)
      prepareMicroBatches(net, inputs, settings.accumulate ?? 1)
      return native.runTrainStep(id, ids(inputs), ids(batch.targets), checkRate(rate))
    },
    {
      async evaluate(batch: Partial<Batch> & Pick<Batch, 'inputs'>): Promise<BatchEvaluation> {
        const inputs = inputsOf(batch)
        net.prepare?.(inputs, false)
        const { outputs, ...figures } = await native.evaluateTrainStep(id, ids(inputs), ids(batch.targets ?? []))
        return { outputs: outputs.map((output) => new Tensor(output)), ...figures }
      },
      async snapshot(): Promise<TrainingSnapshot> {
        const { model, training } = await native.snapshotTrainStep(id)
        return { model: named(model), training: named(training) }
      },
      restore: ({ model, training }: Partial<TrainingSnapshot> & Pick<TrainingSnapshot, 'model'>): Promise<void> =>
        native.restoreTrainStep(id, namedIds(model), training === undefined ? null : namedIds(training)),
      synchronise: (): Promise<void> => native.synchroniseTrainStep(id),
      async reductionFigures(): Promise<Record<string, number>> {
        const figures = Object.entries(await native.reductionFigures(id))
        return Object.fromEntries(figures.map(([name, value]) => [name, Number(value)]))
      },
      dispose,
      [Symbol.dispose]: dispose,
    },
  ) as TrainStep
  registry.register(step, id, step)
  return step
}

/** A batch that is cut into micro-batches comes in pieces of at most two sizes. */
function prepareMicroBatches(net: Trainable, inputs: readonly Tensor[], accumulate: number): void {
  if (net.prepare === undefined) return
  const examples = inputs[0]?.shape[0] ?? 0
  const pieces = Math.max(1, Math.min(accumulate, examples))
  for (const size of new Set([Math.ceil(examples / pieces), Math.floor(examples / pieces)])) {
    const micro = inputs.map((input) => (size === examples ? input : input.narrow(0, 0, size)))
    net.prepare(micro, true)
  }
}

function listOf(tensors: Tensor | readonly Tensor[]): readonly Tensor[] {
  return tensors instanceof Tensor ? [tensors] : tensors
}

function ids(tensors: Tensor | readonly Tensor[]): number[] {
  return listOf(tensors).map(({ id }) => id)
}

function named(list: NamedId[]): Map<string, Tensor> {
  return new Map(list.map(([name, id]) => [name, new Tensor(id)]))
}

function namedIds(tensors: Map<string, Tensor>): NamedId[] {
  return [...tensors].map(([name, { id }]) => [name, id])
}

function checkRate(rate: number): number {
  if (Number.isFinite(rate) && rate >= 0) return rate
  throw new EegTorchError('INVALID_OPTION', "a step's learning rate factor is not usable", {
    option: 'rate',
    expected: 'a number, 0 or more',
    received: String(rate),
  })
}
