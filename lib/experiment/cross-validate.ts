import { availableParallelism, cpus } from 'node:os'
import { scoreWarnings } from '../datasets/registry.ts'
import { loadWindows } from '../datasets/window-pieces.ts'
import type { EegWindows } from '../datasets/windows.ts'
import { type BaselineDecoder, cspLda, decodeFolds } from '../decoders/baselines.ts'
import { tangentSpaceLr } from '../decoders/riemann.ts'
import { defined } from '../defined.ts'
import { EegTorchError } from '../errors.ts'
import { proveFitted } from '../evaluation/leaks.ts'
import type { Prediction } from '../evaluation/predictions.ts'
import { hashWindows } from '../evaluation/seen-trials.ts'
import type { Split } from '../evaluation/split.ts'
import { TestLedger } from '../evaluation/test-ledger.ts'
import type { ModelName } from '../models/configs.generated.ts'
import type { ModelFactory } from '../models/models.ts'
import { CrossValidationResult } from '../report/cross-validation-result.ts'
import { exampleSignals } from '../report/example-signals.ts'
import type { Baseline } from '../report/run-report.ts'
import { numThreads } from '../runtime.ts'
import type { LearningCurve } from '../training/learning-curve.ts'
import {
  type CrossValidateOptions,
  type CrossValidationStore,
  seedList,
  type TrainingOutcome,
  type TrainingPlace,
} from './cross-validate-options.ts'
import { describeSplits, type FoldFindings, makeSplits, proveSplits, withFindings } from './make-splits.ts'
import { leftOutOf, prepareFold, requireFiniteFold } from './prepare-fold.ts'
import { requireTested } from './require-tested.ts'
import { runChecks, wantedControls } from './run-checks.ts'
import { SharedRun } from './shared-run.ts'
import { startModel, trainPrepared, trainShuffled } from './train-fold.ts'
import { versionsInUse } from './versions.ts'

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
  requireDifferent(classicalDecoders(options.baselines))
  const splits = makeSplits(windows, options)
  const store = options.group === undefined ? options.store : new SharedRun(options.store, options.group)
  const run: Run<N> = { factory, windows, options, splits, ...defined({ store }), ledger: new TestLedger(store) }
  const proof = proveSplits(windows, splits, options)
  const trained = await trainNetworks(run)
  const scored = await scoreDecoders(run, trained)
  const warnings = scoreWarnings(windows)
  return new CrossValidationResult({
    title: options.report?.title ?? `${factory.modelName}: ${windows.classNames.join(' against ')}`,
    simulated: windows.simulated,
    ...(warnings.length > 0 && { warnings }),
    createdAt: new Date().toISOString(),
    // Of what earlier processes took nothing is known.
    ...(trained.isWhole && { seconds: (performance.now() - started) / 1000 }),
    model: { name: factory.modelName, parameters: trained.parameters },
    protocol: describeSplits(splits, options, options.report?.preparation),
    classes: [...windows.classNames],
    predictions: trained.predictions,
    curves: trained.curves,
    split: { ...withFindings(proof, trained.findings), openings: run.ledger.openings },
    ...scored,
    signals: await exampleSignals(await signalsOf(windows, options.report?.from), { classes: windows.classNames }),
    configuration: options.report?.configuration ?? {},
    versions: versionsInUse(),
    hardware: {
      CPU: cpus()[0]?.model ?? 'unknown',
      threads: `${numThreads()} of ${availableParallelism()}`,
      ...gpuOf(options),
    },
    ...(options.report?.command && { command: options.report.command }),
  })
}

/** A cross-validation under way. */
interface Run<N extends ModelName> {
  factory: ModelFactory<N>
  windows: EegWindows
  options: CrossValidateOptions
  splits: readonly Split[]
  store?: CrossValidationStore
  ledger: TestLedger
}

/** What the trainings of all folds and seeds gave. */
interface Trained {
  parameters: number
  predictions: Prediction[]
  curves: LearningCurve[]
  findings: FoldFindings[]
  /** The splits without windows that preprocessing has rejected. */
  kept: Split[]
  /** Whether this process did all of it: nothing was read back. */
  isWhole: boolean
}

/** One network for each fold and seed; those that are over are read back. */
async function trainNetworks<N extends ModelName>(run: Run<N>): Promise<Trained> {
  const { factory, windows, options, splits, store, ledger } = run
  const seeds = seedList(options.seeds ?? 1)
  const hashes = store && (await hashWindows(windows))
  const given = { ...options, ...defined({ store, hashes }), folds: splits.length, seeds }
  const trained: Trained = { parameters: 0, predictions: [], curves: [], findings: [], kept: [], isWhole: true }
  for (const [fold, split] of splits.entries()) {
    const prepared = await prepareFold(windows, split, options)
    await requireFiniteFold(prepared)
    const fitted = proveFitted(prepared.windows, prepared.split)
    trained.findings.push({ fitted, leftOut: leftOutOf(split, prepared.kept) })
    trained.kept.push(prepared.kept)
    for (const seed of seeds) {
      const place: TrainingPlace = { fold, seed, index: trained.curves.length }
      using net = startModel(factory, windows, seed, options.model)
      trained.parameters = net.parameterCount()
      const known = await store?.readOutcome(place)
      const opening = { fold, by: factory.modelName, seed }
      if (known !== undefined) {
        requireTested(known.predictions, prepared, place, store?.outcomeFile?.(place))
        ledger.note(opening)
        trained.isWhole = false
        note(trained, known)
        continue
      }
      const { outcome, resumed } = await trainPrepared(net, prepared, place, given, () => ledger.open(opening))
      await store?.writeOutcome(place, outcome)
      trained.isWhole &&= !resumed
      note(trained, outcome)
    }
  }
  return trained
}

function note(trained: Trained, { curve, predictions }: TrainingOutcome): void {
  trained.curves.push(curve)
  for (const answer of predictions) trained.predictions.push(answer)
}

/** Classical decoders on the same folds, and what else the answers are held against. */
async function scoreDecoders<N extends ModelName>(run: Run<N>, { kept, predictions }: Trained) {
  const { factory, windows, options, splits, ledger } = run
  const isControlled = wantedControls(windows, options).includes('shuffled')
  const shuffled = isControlled ? await answerShuffled(run) : undefined
  // The last that processes do together: what follows may take process 0 longer than others would wait.
  await options.group?.barrier()
  const decoders = classicalDecoders(options.baselines)
  const baselines: Baseline[] = []
  for (const decoder of decoders) {
    for (const fold of splits.keys()) ledger.open({ fold, by: decoder.name })
    baselines.push(await decodeFolds(windows, kept, decoder))
  }
  const network = { name: factory.modelName, predictions, ...defined({ shuffled }) }
  const checks = await runChecks({ windows, splits: kept, decoders, ledger, network, baselines }, options)
  return { baselines, ...checks }
}

/** Answers of networks that were trained on shuffled labels, fold by fold. */
async function answerShuffled<N extends ModelName>(run: Run<N>): Promise<Prediction[]> {
  const { factory, windows, options, splits, ledger } = run
  const [seed] = seedList(options.seeds ?? 1)
  const answers: Prediction[] = []
  for (const [fold, split] of splits.entries()) {
    const own = await trainShuffled(factory, windows, split, fold, seed!, options, ledger)
    for (const answer of own) answers.push(answer)
  }
  return answers
}

/** The GPU that the networks were trained on, if it was one. */
function gpuOf({ device = 'cpu' }: CrossValidateOptions): { GPU?: string } {
  return device === 'cpu' ? {} : { GPU: device }
}

/** How many windows {@link exampleSignals} looks at. */
const SHOWN = 2000

/** What a report shows examples of; `from` is where windows start against the cue, in seconds. */
async function signalsOf(windows: EegWindows, from?: number) {
  // Of windows in a store, those that are looked at are read, and no more.
  const first = Array.from({ length: Math.min(windows.length, SHOWN) }, (_, i) => i)
  const shown = windows.source === undefined ? windows : await loadWindows(windows, first)
  const { data, nChannels, nSamples, labels, samplingRate, channelNames } = shown
  const signals = { data, nChannels, nSamples, labels, samplingRate, channelNames: [...channelNames] }
  return from === undefined ? signals : { ...signals, from }
}

function classicalDecoders(wanted: CrossValidateOptions['baselines'] = true): readonly BaselineDecoder[] {
  if (typeof wanted !== 'boolean') return wanted
  return wanted ? [cspLda(), tangentSpaceLr()] : []
}

/** A decoder is known by its name: two of one would be one decoder that looks at each test part twice. @throws EegTorchError `INVALID_OPTION` */
function requireDifferent(decoders: readonly BaselineDecoder[]): void {
  const names = decoders.map(({ name }) => name)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice === undefined) return
  throw new EegTorchError('INVALID_OPTION', 'two classical decoders have one name', {
    option: 'baselines',
    expected: 'decoders that differ in name or options',
    received: `${twice} twice`,
  })
}
