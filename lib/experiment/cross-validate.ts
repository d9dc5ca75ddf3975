import { availableParallelism, cpus } from 'node:os'
import { scoreWarnings } from '../datasets/registry.ts'
import type { EegWindows } from '../datasets/windows.ts'
import { type BaselineDecoder, bandPowerLda, cspLda, decodeFolds } from '../decoders/baselines.ts'
import type { ControlName } from '../decoders/controls.ts'
import { shuffleLabels } from '../decoders/permutation-tests.ts'
import { EegTorchError } from '../errors.ts'
import { type LeakProof, proveFitted } from '../evaluation/leaks.ts'
import type { Prediction } from '../evaluation/predictions.ts'
import { predictionsFor } from '../evaluation/predictions.ts'
import type { Protocol } from '../evaluation/protocols.ts'
import { checkSplit, type GroupBy, type Split } from '../evaluation/split.ts'
import { type OpeningsStore, TestLedger } from '../evaluation/test-ledger.ts'
import type { ModelName } from '../models/configs.generated.ts'
import { loadFitting } from '../models/load-fitting.ts'
import type { Model } from '../models/model.ts'
import { type ModelFactory, models } from '../models/models.ts'
import { Random } from '../random.ts'
import { CrossValidationResult } from '../report/cross-validation-result.ts'
import { exampleSignals } from '../report/example-signals.ts'
import type { LearningCurve } from '../report/run-report.ts'
import { libtorchVersion, manualSeed, numThreads } from '../runtime.ts'
import { packageVersion } from '../setup/paths.ts'
import { balancedWeights } from '../training/class-weights.ts'
import { DataLoader } from '../training/data-loader.ts'
import { predictProbabilities } from '../training/evaluate.ts'
import { chosenSettings, type FitOptions, type FitResult, fit, type TrainingStore } from '../training/fit.ts'
import { loss as losses, optim } from '../training/options.ts'
import { createTrainStep } from '../training/train-step.ts'
import { describeSplits, makeSplits, proveSplits, withFitted } from './make-splits.ts'
import { type FoldScaling, type PreparedFold, prepareFold } from './prepare-fold.ts'
import { runChecks } from './run-checks.ts'
import { SharedRun } from './shared-run.ts'

/** Which training of a cross-validation: numbers from 0. */
export interface TrainingPlace {
  fold: number
  seed: number
  /** Position in the order of work. */
  index: number
}

/** What one training of a cross-validation gave. */
export interface TrainingOutcome {
  curve: LearningCurve
  /** Answers to the test windows. */
  predictions: Prediction[]
}

/** Keeps a cross-validation, so that it can go on after being killed; `RunFolder` is the usual one. */
export interface CrossValidationStore extends OpeningsStore {
  /** The outcome of a training that is over, or undefined. */
  readOutcome(place: TrainingPlace): Promise<TrainingOutcome | undefined>
  writeOutcome(place: TrainingPlace, outcome: TrainingOutcome): Promise<void>
  /** Where a training keeps its state; `description` goes into its weights files. Undefined where another process keeps it. */
  trainingStore(place: TrainingPlace, description: Record<string, unknown>): TrainingStore | undefined
}

/** How to cross-validate. */
export interface CrossValidateOptions
  extends FoldScaling,
    Omit<FitOptions, 'validation' | 'store' | 'seed' | 'onEpoch' | 'onStep' | 'loss'> {
  /** What one fold leaves out for testing: each subject, session, run or trial in turn. */
  leaveOut?: GroupBy
  /** Number of folds, in place of `leaveOut`. Trials are dealt class by class. */
  folds?: number
  /** A protocol that is more than these: within each subject, across sessions, blocks of time. */
  protocol?: Protocol
  /** Splits of one's own, in place of all these; refused if one leaks. */
  splits?: readonly Split[]
  /** Refuse splits in which two parts share a stimulus, and cut validation by stimuli. Split by stimulus, it is always so. */
  stimuliApart?: boolean
  /** How many trainings per fold, with seeds 0, 1, ...; or the seeds. Default 1. */
  seeds?: number | readonly number[]
  /** Share of the training trials to stop early by and choose the best epoch with. Default: none, the last epoch counts. */
  validation?: number
  /** Options of the model besides its sizes, which follow from the windows. */
  model?: Readonly<Record<string, unknown>>
  /** Default cross entropy, with the class weights and label smoothing beside. */
  loss?: 'crossEntropy' | 'focal'
  labelSmoothing?: number
  /** Weights in the loss: `balanced` from the training part of each fold, or one per class. */
  classWeights?: 'balanced' | readonly number[]
  /** Classical decoders on the same folds: which, or whether those of imagined movement. Default true. */
  baselines?: boolean | readonly BaselineDecoder[]
  /** Shufflings of the labels to hold the answers of the network and of the decoders against. Default: none. */
  permutations?: number
  /** Trainings of each classical decoder on shuffled labels. Default: none, or 20 where `controls` names `shuffled`. */
  retrainings?: number
  /** What else the same windows tell: block, time, and the class after training on shuffled labels. Default: none. */
  controls?: readonly ControlName[]
  /** A file of weights to start each training from: those that fit by name and shape, at least one; the others start at random. */
  startFrom?: string
  store?: CrossValidationStore
  onProgress?: (place: TrainingPlace, state: FoldProgress) => void
  /** For the report: heading, sentence on the protocol, every option as given, the command. */
  report?: {
    title?: string
    protocol?: string
    configuration?: Record<string, unknown>
    command?: string
    from?: number
  }
}

/** Where one training of a cross-validation is. */
export interface FoldProgress {
  folds: number
  seeds: number
  epoch: number
  step: number
  steps: number
  loss?: number
  validation?: number
  /** Set when an epoch has ended. */
  figures?: LearningCurve['epochs'][number]
}

/**
 * Trains a network anew for each fold and seed, tests each on what its fold left out, and scores all answers together.
 *
 * Scaling is learned from the training part alone; early stopping looks at the validation part alone; the test part is used once, when the training
 * is over. Splits that share a trial or overlapping time are refused.
 *
 * @throws EegTorchError `SPLIT_LEAKS`, `INVALID_OPTION`, and those of {@link fit}
 */
export async function crossValidate<N extends ModelName>(
  factory: ModelFactory<N>,
  windows: EegWindows,
  options: CrossValidateOptions,
): Promise<CrossValidationResult> {
  const started = performance.now()
  const splits = makeSplits(windows, options)
  const seeds = seedList(options.seeds ?? 1)
  const store = options.group === undefined ? options.store : new SharedRun(options.store, options.group)
  const ledger = new TestLedger(store)
  const proof = proveSplits(windows, splits, options)
  const fitted: LeakProof['fitted'][] = []
  const outcomes: TrainingOutcome[] = []
  let parameters = 0

  for (const [fold, split] of splits.entries()) {
    const prepared = await prepareFold(windows, split, options)
    fitted.push(proveFitted(prepared.windows, prepared.split))
    for (const seed of seeds) {
      const place: TrainingPlace = { fold, seed, index: outcomes.length }
      using net = startModel(factory, windows, seed, options.model)
      parameters = net.parameterCount()
      const known = await store?.readOutcome(place)
      const given = { ...options, ...(store && { store }), folds: splits.length, seeds }
      const opening = { fold, by: factory.modelName, seed }
      if (known !== undefined) ledger.note(opening)
      const outcome = known ?? (await runTraining(net, prepared, place, given, () => ledger.open(opening)))
      if (known === undefined) await store?.writeOutcome(place, outcome)
      outcomes.push(outcome)
    }
  }

  const predictions = outcomes.flatMap((outcome) => outcome.predictions)
  const decoders = classicalDecoders(options.baselines)
  const baselines = decoders.map((decoder) => {
    for (const fold of splits.keys()) ledger.open({ fold, by: decoder.name })
    return decodeFolds(windows, splits, decoder)
  })
  const shuffled = async (): Promise<Prediction[]> => {
    const answers: Prediction[] = []
    for (const [fold, split] of splits.entries())
      answers.push(...(await trainShuffled(factory, windows, split, fold, seeds[0]!, options, ledger)))
    return answers
  }
  const checks = await runChecks(
    { windows, splits, decoders, ledger, network: { name: factory.modelName, predictions, shuffled }, baselines },
    options,
  )
  const warnings = scoreWarnings(windows)
  return new CrossValidationResult({
    title: options.report?.title ?? `${factory.modelName}: ${windows.classNames.join(' against ')}`,
    simulated: windows.simulated,
    ...(warnings.length > 0 && { warnings }),
    createdAt: new Date().toISOString(),
    seconds: (performance.now() - started) / 1000,
    model: { name: factory.modelName, parameters },
    protocol: options.report?.protocol ?? describeSplits(splits, options),
    classes: [...windows.classNames],
    predictions,
    curves: outcomes.map(({ curve }) => curve),
    split: { ...withFitted(proof, fitted), openings: ledger.openings },
    baselines,
    ...checks,
    signals: exampleSignals(signalsOf(windows, options.report?.from), { classes: windows.classNames }),
    configuration: options.report?.configuration ?? {},
    versions: { eegtorch: packageVersion(), LibTorch: libtorchVersion().built, Node: process.version },
    hardware: { CPU: cpus()[0]?.model ?? 'unknown', threads: `${numThreads()} of ${availableParallelism()}` },
    ...(options.report?.command && { command: options.report.command }),
  })
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
): Promise<TrainingOutcome & { parameters: number; fitted: LeakProof['fitted'] }> {
  const { stimuliApart } = options
  const prepared = await prepareFold(windows, checkSplit(windows, split, { stimuliApart }), options)
  const fitted = proveFitted(prepared.windows, prepared.split)
  using net = startModel(factory, windows, seed, options.model)
  const outcome = await runTraining(net, prepared, { fold, seed, index: 0 }, { ...options, folds: 1, seeds: [seed] })
  return { ...outcome, parameters: net.parameterCount(), fitted }
}

/** A control: trained on shuffled labels, tested on the true ones. */
async function trainShuffled<N extends ModelName>(
  factory: ModelFactory<N>,
  windows: EegWindows,
  split: Split,
  fold: number,
  seed: number,
  { store: _store, onProgress: _onProgress, ...options }: CrossValidateOptions,
  ledger: TestLedger,
): Promise<Prediction[]> {
  ledger.open({ fold, by: `${factory.modelName} on shuffled labels`, seed })
  const seen = [...split.train, ...(split.validation ?? [])]
  const told = shuffleLabels(windows, seen, new Random(seed, 78 + fold))
  const { predictions } = await trainSplit(factory, told, split, { fold, seed }, options)
  return predictions
}

/** Equal seeds give equal start weights, whatever was trained before. */
function startModel<N extends ModelName>(
  factory: ModelFactory<N>,
  windows: EegWindows,
  seed: number,
  options: CrossValidateOptions['model'],
): Model<N> {
  manualSeed(seed)
  return makeModel(factory, windows, options)
}

type FoldOptions = Omit<CrossValidateOptions, 'folds' | 'seeds'> & { folds: number; seeds: readonly number[] }

async function runTraining(
  net: Model,
  { windows, split, told }: PreparedFold,
  place: TrainingPlace,
  options: FoldOptions,
  onTest?: () => void,
): Promise<TrainingOutcome> {
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
    seen: [...split.train, ...(split.validation ?? [])].map((index) => trialName(windows, index)),
    run: options.report?.configuration ?? {},
  }
  const store = options.store?.trainingStore(place, description)
  // biome-ignore lint/suspicious/noFocusedTests: it trains, it is no test
  const result = await fit(net, train, {
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
  return { curve: curveOf(place, result), predictions: await testFold(net, windows, split, place, options) }
}

function fitOptions(options: FoldOptions, train: EegWindows): FitOptions {
  const { labelSmoothing, classWeights } = options
  const weight = classWeights === 'balanced' ? balancedWeights(train.countClasses()) : classWeights
  const loss = losses[options.loss ?? 'crossEntropy']({
    ...(labelSmoothing !== undefined && { labelSmoothing }),
    ...(weight && { weight: [...weight] }),
  })
  const names = [
    'epochs',
    'batchSize',
    'optimizer',
    'schedule',
    'augmentations',
    'earlyStopping',
    'dropLast',
    'signal',
    'group',
  ] as const
  const chosen = names.filter((name) => options[name] !== undefined).map((name) => [name, options[name]])
  return { ...Object.fromEntries(chosen), ...chosenSettings(options), loss } as FitOptions
}

/** The one look at what the fold left out, after training. */
async function testFold(
  net: Model,
  windows: EegWindows,
  split: Split,
  { fold, seed }: TrainingPlace,
  { batchSize = 16, autocast }: FoldOptions,
): Promise<Prediction[]> {
  const loader = new DataLoader(windows.subset(split.test), { batchSize })
  const settings = { loss: losses.crossEntropy(), optimizer: optim.sgd() }
  const step = createTrainStep(net, { ...settings, ...(autocast !== undefined && { autocast }) })
  const probabilities = await predictProbabilities(step, loader).finally(() => {
    step.dispose()
    loader.dispose()
  })
  const predicted = probabilities.map((row) => row.indexOf(Math.max(...row)))
  return predictionsFor(windows, split.test, { fold, seed, predicted, probabilities })
}

/** By this name a checkpoint remembers which trials shaped it. */
export function trialName(windows: EegWindows, index: number): string {
  return `${windows.recordingOf(index).name} trial ${windows.trial(index)}`
}

function curveOf({ fold, seed }: TrainingPlace, { epochs, bestEpoch }: FitResult): LearningCurve {
  return { fold, seed, epochs, ...(bestEpoch !== undefined && { bestEpoch }) }
}

/** A network whose sizes fit the windows. */
export function makeModel<N extends ModelName>(
  factory: ModelFactory<N>,
  windows: EegWindows,
  options: Readonly<Record<string, unknown>> = {},
): Model<N> {
  const known = new Set(
    models
      .list()
      .find(({ name }) => name === factory.modelName)!
      .options.map(({ name }) => name),
  )
  const sizes = { nChans: windows.nChannels, nOutputs: windows.classNames.length, nTimes: windows.nSamples }
  const missing = Object.keys(sizes).find((name) => !known.has(name))
  if (missing !== undefined) {
    throw new EegTorchError('INVALID_OPTION', `${factory.modelName} does not classify windows of EEG`, {
      option: 'model',
      expected: 'a model with the options nChans, nOutputs and nTimes',
      received: `one without ${missing}`,
    })
  }
  const rate = known.has('sfreq') ? { sfreq: windows.samplingRate } : {}
  return models.create(factory.modelName, { ...sizes, ...rate, ...options })
}

/** How many windows {@link exampleSignals} looks at. */
const SHOWN = 2000

/** What a report shows examples of; `from` is where windows start against the cue, in seconds. */
function signalsOf(windows: EegWindows, from?: number) {
  // Of windows in a store, those that are looked at are read, and no more.
  const isMuch = windows.source !== undefined && windows.length > SHOWN
  const shown = isMuch ? windows.subset(Array.from({ length: SHOWN }, (_, i) => i)) : windows
  const { data, nChannels, nSamples, labels, samplingRate, channelNames } = shown
  const signals = { data, nChannels, nSamples, labels, samplingRate, channelNames: [...channelNames] }
  return from === undefined ? signals : { ...signals, from }
}

export function seedList(seeds: number | readonly number[]): readonly number[] {
  const list = typeof seeds === 'number' ? Array.from({ length: seeds }, (_, i) => i) : seeds
  if (list.length > 0 && list.every((seed) => Number.isSafeInteger(seed) && seed >= 0)) return list
  throw new EegTorchError('INVALID_OPTION', 'the seeds are not usable', {
    option: 'seeds',
    expected: 'a count, 1 or more, or a list of whole numbers',
    received: String(seeds),
  })
}

function classicalDecoders(wanted: CrossValidateOptions['baselines'] = true): readonly BaselineDecoder[] {
  if (typeof wanted !== 'boolean') return wanted
  return wanted ? [cspLda(), bandPowerLda()] : []
}
