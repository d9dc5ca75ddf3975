import type { EegWindows } from '../datasets/windows.ts'
import { shuffleLabels } from '../decoders/permutation-tests.ts'
import { defined } from '../defined.ts'
import { type LeakProof, proveFitted } from '../evaluation/leaks.ts'
import { likeliestClasses, type Prediction, predictionsFor } from '../evaluation/predictions.ts'
import { hashWindows, rememberSeen, type WindowHashes } from '../evaluation/seen-trials.ts'
import { checkSplit, type Split, shapingWindows } from '../evaluation/split.ts'
import type { TestLedger } from '../evaluation/test-ledger.ts'
import type { ModelName } from '../models/configs.generated.ts'
import { loadFitting } from '../models/load-fitting.ts'
import type { Model } from '../models/model.ts'
import type { ModelFactory } from '../models/models.ts'
import { Random } from '../random.ts'
import { classifierOf, fitHybrid, isHybrid } from '../regimes/variational.ts'
import { manualSeed } from '../runtime.ts'
import { balancedWeights } from '../training/class-weights.ts'
import { DataLoader } from '../training/data-loader.ts'
import { predictProbabilities } from '../training/evaluate.ts'
import { type FitOptions, type FitResult, fit } from '../training/fit.ts'
import type { LearningCurve } from '../training/learning-curve.ts'
import { loss as losses, optim } from '../training/options.ts'
import { createTrainStep } from '../training/train-step.ts'
import type { CrossValidateOptions, FoldProgress, TrainingOutcome, TrainingPlace } from './cross-validate-options.ts'
import { makeModel } from './make-model.ts'
import { leftOutOf, type PreparedFold, prepareFold, requireFiniteFold } from './prepare-fold.ts'

/** What is known of a training by itself, beside its outcome. */
export interface TrainedSplit {
  parameters: number
  /** What was fitted for it, and on what. */
  fitted: LeakProof['fitted']
  /** The windows that the pipeline has left in, where it has rejected some: what else is scored on the split is scored on these. */
  kept?: Split
}

/**
 * One training of a cross-validation by itself: a network made anew, trained on a split and tested on what it left out. Gives the very answers that
 * {@link crossValidate} gives for the same split and seed.
 *
 * @param fold number of the split, from 0, for the answers
 * @throws EegTorchError as {@link crossValidate}
 */
export async function trainSplit<N extends ModelName>(
  factory: ModelFactory<N>,
  windows: EegWindows,
  split: Split,
  { fold = 0, seed = 0 }: { fold?: number; seed?: number },
  options: Omit<
    CrossValidateOptions,
    'leaveOut' | 'folds' | 'splits' | 'protocol' | 'seeds' | 'validation' | 'baselines'
  >,
): Promise<TrainingOutcome & TrainedSplit> {
  const { stimuliApart } = options
  const checked = checkSplit(windows, split, { stimuliApart })
  const prepared = await prepareFold(windows, checked, options)
  await requireFiniteFold(prepared)
  const fitted = proveFitted(prepared.windows, prepared.split)
  using net = startModel(factory, windows, seed, options.model)
  const hashes = options.store && (await hashWindows(windows, shapingWindows(checked)))
  const given = { ...options, ...(hashes && { hashes }), folds: 1, seeds: [seed] }
  const { outcome } = await trainPrepared(net, prepared, { fold, seed, index: 0 }, given)
  const { kept } = prepared
  const isWhole = leftOutOf(checked, kept) === undefined
  return { ...outcome, parameters: net.parameterCount(), fitted, ...(!isWhole && { kept }) }
}

/** A control: trained on shuffled labels, tested on the true ones. */
export async function trainShuffled<N extends ModelName>(
  factory: ModelFactory<N>,
  windows: EegWindows,
  split: Split,
  fold: number,
  seed: number,
  { store: _store, onProgress: _onProgress, ...options }: CrossValidateOptions,
  ledger: TestLedger,
): Promise<Prediction[]> {
  ledger.open({ fold, by: `${factory.modelName} on shuffled labels`, seed })
  const told = shuffleLabels(windows, shapingWindows(split), new Random(seed, 78 + fold))
  const { predictions } = await trainSplit(factory, told, split, { fold, seed }, options)
  return predictions
}

/** Equal seeds give equal start weights, whatever was trained before. */
export function startModel<N extends ModelName>(
  factory: ModelFactory<N>,
  windows: EegWindows,
  seed: number,
  options: CrossValidateOptions['model'],
): Model<N> {
  manualSeed(seed)
  return makeModel(factory, windows, options)
}

type FoldOptions = Omit<CrossValidateOptions, 'folds' | 'seeds'> & {
  folds: number
  seeds: readonly number[]
  /** Of the windows that the fold was prepared from, for what the store keeps. */
  hashes?: WindowHashes
}

/** Trains and tests a network on a fold; says whether the training went on from a state that was kept. */
export async function trainPrepared(
  net: Model,
  { windows, split, given, kept, told }: PreparedFold,
  place: TrainingPlace,
  options: FoldOptions,
  onTest?: () => void,
): Promise<{ outcome: TrainingOutcome; resumed: boolean }> {
  if (options.device !== undefined) net.to(options.device)
  if (options.startFrom !== undefined) await loadFitting(net, options.startFrom)
  const train = windows.subset(split.train)
  const processes = options.group?.worldSize ?? 1
  const steps = Math.ceil(train.length / (processes * (options.batchSize ?? 16)))
  const tell = (state: Partial<FoldProgress> & { epoch: number; step: number }) =>
    options.onProgress?.(place, { folds: options.folds, seeds: options.seeds.length, steps, ...state })
  let validation: number | undefined
  const description = {
    model: net.name,
    config: net.referenceConfig,
    classes: windows.classNames,
    channels: windows.channelNames,
    samplingRate: windows.samplingRate,
    ...told,
    fold: split.name,
    seed: place.seed,
    ...rememberSeen(given, shapingWindows(kept), options.hashes),
    run: options.report?.configuration ?? {},
  }
  const store = options.store?.trainingStore(place, description)
  const result = await trainNetwork(net, train, {
    ...fitOptions(options, train),
    seed: place.seed,
    ...(split.validation && { validation: windows.subset(split.validation) }),
    ...(store && { store }),
    onStep: ({ loss }, { epoch, batch }) =>
      tell({ epoch, step: batch, loss, ...(validation !== undefined && { validation }) }),
    onEpoch: (figures, { epoch }) => {
      validation = figures.validationAccuracy
      tell({ epoch, step: 0, loss: figures.trainLoss, ...(validation !== undefined && { validation }), figures })
    },
  })
  onTest?.()
  const predictions = await testFold(net, windows, split, place, options)
  return { outcome: { curve: curveOf(place, result), predictions }, resumed: result.resumed }
}

/** An autoencoder in front of a classifier learns with it, by the loss of both. */
function trainNetwork(net: Model, train: EegWindows, options: FitOptions): Promise<FitResult> {
  // biome-ignore lint/suspicious/noFocusedTests: it trains, it is no test
  if (!isHybrid(net)) return fit(net, train, options)
  const { loss: crossEntropy, ...others } = options
  return fitHybrid(net, train, { ...others, ...(crossEntropy && { crossEntropy }) })
}

/** What `fit` is told: everything but what is a cross-validation's own business. */
function fitOptions(options: FoldOptions, train: EegWindows): FitOptions {
  const { leaveOut, folds, protocol, splits, stimuliApart, seeds, validation, standardise, pipeline, ...others } =
    options
  const { baselines, permutations, retrainings, controls, store, hashes, onProgress, report, ...training } = others
  const { model, startFrom, loss = 'crossEntropy', labelSmoothing, classWeights, ...fitting } = training
  const weight = classWeights === 'balanced' ? balancedWeights(train.countClasses()) : classWeights
  const objective = losses[loss]({ ...defined({ labelSmoothing }), ...(weight && { weight: [...weight] }) })
  return { ...fitting, loss: objective }
}

/** The one look at what the fold left out, after training. */
async function testFold(
  net: Model,
  windows: EegWindows,
  split: Split,
  { fold, seed }: TrainingPlace,
  { batchSize = 16, device, resident, autocast }: FoldOptions,
): Promise<Prediction[]> {
  using loader = new DataLoader(windows.subset(split.test), { batchSize, ...defined({ device, resident }) })
  const settings = { loss: losses.crossEntropy(), optimizer: optim.sgd() }
  using step = createTrainStep(classifierOf(net), { ...settings, ...defined({ autocast }) })
  const probabilities = await predictProbabilities(step, loader)
  const predicted = likeliestClasses(windows, split.test, probabilities)
  return predictionsFor(windows, split.test, { fold, seed, predicted, probabilities })
}

function curveOf({ fold, seed }: TrainingPlace, { epochs, bestEpoch }: FitResult): LearningCurve {
  return { fold, seed, epochs, ...(bestEpoch !== undefined && { bestEpoch }) }
}
