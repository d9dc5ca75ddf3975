import { askedControls } from '../datasets/registry.ts'
import type { EegWindows } from '../datasets/windows.ts'
import type { BaselineDecoder } from '../decoders/baselines.ts'
import {
  blockControl,
  type ControlName,
  type ControlResult,
  shuffledControl,
  shuffledNetwork,
  timeControl,
} from '../decoders/controls.ts'
import { permutationTest, retrainingTest } from '../decoders/permutation-tests.ts'
import { EegTorchError } from '../errors.ts'
import type { Prediction } from '../evaluation/predictions.ts'
import type { Split } from '../evaluation/split.ts'
import { chanceLevel } from '../evaluation/statistics.ts'
import type { TestLedger } from '../evaluation/test-ledger.ts'
import type { Baseline, CheckResults, NamedTests } from '../report/run-report.ts'

/** What is asked for beyond the score. */
export interface CheckOptions {
  permutations?: number | undefined
  retrainings?: number | undefined
  /** Default: what the cards of the data sets ask for. */
  controls?: readonly ControlName[] | undefined
  signal?: AbortSignal | undefined
}

/** A run whose trainings are over. */
export interface CheckedRun {
  windows: EegWindows
  splits: readonly Split[]
  decoders: readonly BaselineDecoder[]
  baselines: readonly Baseline[]
  /** Counts the openings of the test parts that checks need. */
  ledger?: TestLedger
  /** `shuffled`: its answers after training on shuffled labels, where that control is wanted. */
  network?: { name: string; predictions: readonly Prediction[]; shuffled?: readonly Prediction[] }
}

/** Trainings of a decoder on shuffled labels, for a control. */
const CONTROL_RETRAININGS = 20

/** The controls that are asked for by name, or else by the cards of the data sets. */
export function wantedControls(windows: EegWindows, { controls }: CheckOptions): readonly ControlName[] {
  return controls ?? askedControls(windows)
}

/** Permutation tests of the answers, trainings on shuffled labels, and controls, as far as they are asked for. */
export async function runChecks(run: CheckedRun, options: CheckOptions): Promise<CheckResults> {
  const { permutations, signal } = options
  const controls = wantedControls(run.windows, options)
  const retrainings = options.retrainings ?? (controls.includes('shuffled') ? CONTROL_RETRAININGS : undefined)
  const retrained = retrainings === undefined ? [] : await retrainDecoders(run, retrainings, signal)
  return {
    ...(permutations !== undefined && { permutationTests: await testAnswers(run, permutations, signal) }),
    ...(options.retrainings !== undefined && { retrainingTests: retrained }),
    ...(controls.length > 0 && (await runControls(run, controls, retrained, options.controls !== undefined))),
  }
}

async function testAnswers(
  { network, baselines }: CheckedRun,
  permutations: number,
  signal?: AbortSignal,
): Promise<NamedTests[]> {
  const tests: NamedTests[] = []
  for (const { name, predictions } of [...(network === undefined ? [] : [network]), ...baselines])
    tests.push({ name, tests: await permutationTest(predictions, { permutations, signal }) })
  return tests
}

async function retrainDecoders(
  { windows, splits, decoders, ledger }: CheckedRun,
  retrainings: number,
  signal?: AbortSignal,
): Promise<NamedTests[]> {
  const tests: NamedTests[] = []
  for (const decoder of decoders) {
    const by = `${decoder.name} on shuffled labels`
    for (const fold of splits.keys()) ledger?.open({ fold, by, times: retrainings })
    tests.push({ name: decoder.name, tests: await retrainingTest(windows, splits, decoder, { retrainings, signal }) })
  }
  return tests
}

async function runControls(
  { windows, splits, network }: CheckedRun,
  controls: readonly ControlName[],
  retrained: readonly NamedTests[],
  isAskedByUser: boolean,
): Promise<Pick<CheckResults, 'controls' | 'missingControls'>> {
  const results: ControlResult[] = []
  const missing: string[] = []
  const told = {
    block: () => blockControl(windows),
    time: () => timeControl(windows, splits),
  }
  for (const name of ['block', 'time'] as const) {
    if (!controls.includes(name)) continue
    try {
      results.push(...(await told[name]()))
    } catch (error) {
      // What a card asks for stops no run that cannot give it.
      if (isAskedByUser || !(error instanceof EegTorchError) || error.option !== 'controls') throw error
      missing.push(`the card of the data set asks for the control ${name}: ${error.message}`)
    }
  }
  const found = { controls: results, ...(missing.length > 0 && { missingControls: missing }) }
  if (!controls.includes('shuffled')) return found
  const tested = splits.flatMap(({ test }) => [...test])
  const chance = chanceLevel(windows.countClasses(tested))
  for (const { name, tests } of retrained) results.push(...shuffledControl(name, tests, chance))
  if (network?.shuffled !== undefined)
    results.push(...shuffledNetwork(network.name, network.shuffled, windows.classNames.length))
  return found
}
