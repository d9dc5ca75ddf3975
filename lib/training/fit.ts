import type { EegWindows } from '../datasets/windows.ts'
import type { ProcessGroup } from '../distributed/process-group.ts'
import type { Device } from '../dtype.ts'
import { EegTorchError } from '../errors.ts'
import type { Tensor } from '../tensor.ts'
import { type Augmentation, completeAugmentations } from './augment.ts'
import { DataLoader } from './data-loader.ts'
import {
  type BestEpochOptions,
  checkBestEpoch,
  type EarlyStoppingOptions,
  improves,
  isStale,
  scoreEpoch,
} from './early-stopping.ts'
import { evaluateSet } from './evaluate.ts'
import type { EpochFigures } from './learning-curve.ts'
import type { TrainStepSettings } from './options.generated.ts'
import { type Loss, loss as losses, type Optimizer, optim } from './options.ts'
import type { Schedule } from './schedules.ts'
import { SharedStore } from './shared-store.ts'
import type { TensorSet } from './tensor-set.ts'
import { createTrainStep, evaluatedWeights, type StepResult, type Trainable, type TrainStep } from './train-step.ts'
import { newProgress, type TrainingProgress } from './training-progress.ts'

/** Where a training's state is kept, so that it can go on after being killed. {@link TrainingCheckpoints} is the usual one. */
export interface TrainingStore {
  /** Puts the saved state back into the step. Undefined where nothing was saved. */
  restore(step: TrainStep): Promise<TrainingProgress | undefined>
  /** After each step and each epoch: saves when it is time to. */
  afterStep(step: TrainStep, progress: TrainingProgress): Promise<void>
  afterEpoch(step: TrainStep, progress: TrainingProgress): Promise<void>
  /** Saves now: the training is about to stop. */
  save(step: TrainStep, progress: TrainingProgress): Promise<void>
  /** Keeps the weights of the best epoch. */
  keepBest(weights: ReadonlyMap<string, Tensor>, progress: TrainingProgress): Promise<void>
  /** The kept ones, after a restart. */
  loadBest(): Promise<Map<string, Tensor>>
  /** The training is over; `weights` are the ones it ends with. */
  finish(weights: ReadonlyMap<string, Tensor>, progress: TrainingProgress): Promise<void>
}

/** How to train. */
export interface FitOptions extends Omit<TrainStepSettings, 'seed'>, BestEpochOptions {
  epochs: number
  /** Default 16; with a group, of each process. */
  batchSize?: number
  /** Default cross entropy. */
  loss?: Loss
  /** Default Adam. */
  optimizer?: Optimizer
  /** Default: constant. */
  schedule?: Schedule
  /** Random changes of training batches, one after the other. They draw from the seed's stream, so that a resumed training goes on with them. */
  augmentations?: readonly Augmentation[]
  /** Of shuffling, augmentations and dropout; default 0. The start weights are the network's own affair. */
  seed?: number
  /** Data to watch and to choose the best epoch by. Never test data. */
  validation?: EegWindows | TensorSet
  earlyStopping?: EarlyStoppingOptions
  /** Leave a last batch out that is not full; default false. */
  dropLast?: boolean
  /** Where the network is, and batches are to be; default `cpu`. What fits is held there as a whole: see {@link DataLoaderOptions}. */
  device?: Device
  /** As of {@link DataLoaderOptions}. */
  resident?: boolean
  /** Where to keep the state; with a group, that of process 0. */
  store?: TrainingStore
  /** Processes that train together; each calls `fit` with the same data and options. Callbacks are called in all of them. */
  group?: ProcessGroup | undefined
  /** Stops after the present step with `CANCELLED`; the state is saved first. */
  signal?: AbortSignal
  /** Called before each step; `steps` are those of the whole training. For what changes on the way, such as a weight in the loss. */
  beforeStep?: (progress: TrainingProgress, steps: number) => void
  onStep?: (result: StepResult, progress: TrainingProgress) => void
  onEpoch?: (figures: EpochFigures, progress: TrainingProgress) => void | Promise<void>
}

/** How to train with a step that is there: all but what the step itself is made with. */
export type LoopOptions = Omit<
  FitOptions,
  'loss' | 'optimizer' | 'augmentations' | Exclude<keyof TrainStepSettings, 'seed'>
>

/** What a training ends with. The network holds the weights of `bestEpoch`, or those of the last epoch. */
export interface FitResult {
  epochs: EpochFigures[]
  /** The epoch with the best validation score, from 1; undefined without validation data. */
  bestEpoch?: number
  stoppedEarly: boolean
  steps: number
  /** Whether it went on from a state that the store had kept. */
  resumed: boolean
}

/**
 * Trains a network: for each epoch a new order, for each batch one native step, after each epoch a look at the validation data. The same seed,
 * data and number of threads give the same weights, also when the process is killed on the way and the store takes it up again.
 *
 * @throws EegTorchError `INVALID_OPTION`, also where the store keeps a training on other batches; `SHAPE_MISMATCH`, `DIVERGED` when the loss is no
 *   longer a number, `CANCELLED`
 */
export async function fit(net: Trainable, train: EegWindows | TensorSet, options: FitOptions): Promise<FitResult> {
  return fitStep(() => createTrainStep(net, stepOptions(options, train, options.seed ?? 0)), train, options)
}

/**
 * @internal {@link fit} with a step of one's own, such as one that is made of several.
 *
 * @param makeStep makes it; it is disposed of at the end
 */
export async function fitStep(
  makeStep: () => TrainStep,
  train: EegWindows | TensorSet,
  options: LoopOptions,
): Promise<FitResult> {
  const { epochs, batchSize = 16, earlyStopping, group } = options
  checkOptions(options)
  const store = group === undefined ? options.store : new SharedStore(options.store, group)
  const loading = { batchSize, group, device: options.device ?? 'cpu', resident: options.resident } as const
  const order = { shuffle: true, seed: options.seed ?? 0, dropLast: options.dropLast ?? false }
  using loader = new DataLoader(train, { ...loading, ...order })
  if (loader.batches === 0) throw tooFewExamples(loader.length, batchSize)
  using validation = options.validation && new DataLoader(options.validation, { ...loading, fillLast: false })

  const step = makeStep()
  let best: Map<string, Tensor> | undefined
  try {
    const restored = await store?.restore(step)
    const progress = restored ?? newProgress()
    requireSameEpochs(progress, loader.batches)
    if (progress.best !== undefined) best = await store?.loadBest()

    while (progress.epoch < epochs && !progress.stopped) {
      await trainEpoch(step, loader, progress, store, options)
      const figures = { ...progress.epochFigures(), ...(validation && (await validate(step, validation, group))) }
      if (validation && improves(scoreEpoch(figures, options.monitor), progress.best, options.minDelta)) {
        progress.best = { epoch: figures.epoch, score: scoreEpoch(figures, options.monitor) }
        release(best)
        best = await copyWeights(step)
        await store?.keepBest(best, progress)
      }
      progress.endEpoch(figures)
      progress.stopped = earlyStopping !== undefined && isStale(progress.epoch, progress.best, earlyStopping)
      await options.onEpoch?.(figures, progress)
      await store?.afterEpoch(step, progress)
    }

    await step.synchronise()
    best ??= await copyWeights(step)
    await step.restore({ model: best })
    await store?.finish(best, progress)
    return resultOf(progress, epochs, restored !== undefined)
  } finally {
    release(best)
    step.dispose()
  }
}

/** One epoch, or what was left of it when its state was saved. */
async function trainEpoch(
  step: TrainStep,
  loader: DataLoader,
  progress: TrainingProgress,
  store: TrainingStore | undefined,
  { epochs, schedule = () => 1, signal, group, beforeStep, onStep }: LoopOptions,
): Promise<void> {
  const steps = epochs * loader.batches
  for await (const batch of loader.epoch(progress.epoch, progress.batch)) {
    const aborted = signal?.aborted ?? false
    if (await (group?.anyOf(aborted) ?? aborted)) await cancel(signal?.reason, step, progress, store)
    beforeStep?.(progress, steps)
    const result = await step(batch, schedule(progress.step, steps))
    checkLoss(result, progress)
    progress.add(result)
    onStep?.(result, progress)
    await store?.afterStep(step, progress)
  }
}

function resultOf(progress: TrainingProgress, epochs: number, resumed: boolean): FitResult {
  return {
    epochs: progress.epochs,
    ...(progress.best && { bestEpoch: progress.best.epoch }),
    stoppedEarly: progress.epoch < epochs,
    steps: progress.step,
    resumed,
  }
}

function stepOptions(options: FitOptions, train: EegWindows | TensorSet, seed: number) {
  const { loss = losses.crossEntropy(), optimizer = optim.adam() } = options
  const given = chosenSettings(options)
  const augmentations = completeAugmentations(options.augmentations ?? [], 'samplingRate' in train ? train : undefined)
  return { loss, optimizer, seed, augmentations, group: options.group, ...given }
}

const SETTINGS = [
  ...(['autocast', 'clipNorm', 'clipValue', 'l1', 'l2', 'penalise', 'freeze', 'accumulate'] as const),
  ...(['ema', 'useEmaWarmup', 'emaInvGamma', 'emaPower'] as const),
] as const

/** Those of a step's settings that were given. */
export function chosenSettings(options: Partial<Record<(typeof SETTINGS)[number], unknown>>): TrainStepSettings {
  const given = SETTINGS.filter((name) => options[name] !== undefined).map((name) => [name, options[name]])
  return Object.fromEntries(given)
}

async function validate(step: TrainStep, loader: DataLoader, group?: ProcessGroup): Promise<Partial<EpochFigures>> {
  await step.synchronise()
  const { loss, accuracy } = await evaluateSet(step, loader, group)
  return { validationLoss: loss, ...(accuracy !== undefined && { validationAccuracy: accuracy }) }
}

/** Copies of the weights that evaluation uses. */
async function copyWeights(step: TrainStep): Promise<Map<string, Tensor>> {
  const snapshot = await step.snapshot()
  const weights = evaluatedWeights(snapshot)
  const kept = new Set(weights.values())
  for (const tensor of [...snapshot.model.values(), ...snapshot.training.values()])
    if (!kept.has(tensor)) tensor.dispose()
  return weights
}

function release(tensors: ReadonlyMap<string, Tensor> | undefined): void {
  for (const tensor of tensors?.values() ?? []) tensor.dispose()
}

async function cancel(
  cause: unknown,
  step: TrainStep,
  progress: TrainingProgress,
  store: TrainingStore | undefined,
): Promise<never> {
  await store?.save(step, progress)
  throw new EegTorchError('CANCELLED', `training was cancelled in epoch ${progress.epoch + 1}`, { cause })
}

function checkLoss({ loss, skipped }: StepResult, progress: TrainingProgress): void {
  if (Number.isFinite(loss) || skipped) return
  throw new EegTorchError('DIVERGED', `training diverged in epoch ${progress.epoch + 1}, step ${progress.step + 1}`, {
    expected: 'a finite loss: lower the learning rate, clip gradients, or look for samples that are not numbers',
    received: `loss ${loss}`,
  })
}

function checkOptions(options: FitOptions): void {
  const { epochs, batchSize = 16, accumulate = 1 } = options
  if (!(Number.isSafeInteger(epochs) && epochs >= 1)) {
    throw new EegTorchError('INVALID_OPTION', 'the number of epochs is not usable', {
      option: 'epochs',
      expected: 'a whole number, 1 or more',
      received: String(epochs),
    })
  }
  if (accumulate > batchSize) {
    throw new EegTorchError('INVALID_OPTION', 'a batch cannot be cut into more parts than it has examples', {
      option: 'accumulate',
      expected: `${batchSize} at most: the batch size`,
      received: String(accumulate),
    })
  }
  checkBestEpoch(options, options.validation !== undefined)
}

/** A place in an epoch means nothing in epochs of other batches. */
function requireSameEpochs(progress: TrainingProgress, batches: number): void {
  if (progress.batches !== undefined && progress.batches !== batches) {
    throw new EegTorchError('INVALID_OPTION', 'the state that was kept is of a training on other batches', {
      option: 'store',
      expected: `${progress.batches} batches an epoch: the same number of examples, batchSize and processes`,
      received: `${batches}`,
    })
  }
  progress.batches = batches
}

function tooFewExamples(examples: number, batchSize: number): EegTorchError {
  return new EegTorchError('INVALID_OPTION', 'there is not one full batch to train on', {
    option: 'batchSize',
    expected: `${examples} or less, or dropLast off`,
    received: String(batchSize),
  })
}
