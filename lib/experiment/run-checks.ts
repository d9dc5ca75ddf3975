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
import type { Prediction } from '../evaluation/predictions.ts'
import type { Split } from '../evaluation/split.ts'
import { chanceLevel } from '../evaluation/statistics.ts'
import type { TestLedger } from '../evaluation/test-ledger.ts'
import type { Baseline, CheckResults, NamedTests } from '../report/run-report.ts'

/** What is asked for beyond the score. */
export interface CheckOptions {
  permutations?: number | undefined
  retrainings?: number | undefined
  controls?: readonly ControlName[] | undefined
}

/** A run whose trainings are over. */
export interface CheckedRun {
  windows: EegWindows
  splits: readonly Split[]
  decoders: readonly BaselineDecoder[]
  baselines: readonly Baseline[]
  /** Counts the openings of the test parts that checks need. */
  ledger?: TestLedger
  network?: { name: string; predictions: readonly Prediction[]; shuffled: () => Promise<Prediction[]> }
}

/** Trainings of a decoder on shuffled labels, for a control. */
const CONTROL_RETRAININGS = 20

/** Permutation tests of the answers, trainings on shuffled labels, and controls, as far as they are asked for. */
export async function runChecks(run: CheckedRun, options: CheckOptions): Promise<CheckResults> {
  const { permutations, controls = [] } = options
  const retrainings = options.retrainings ?? (controls.includes('shuffled') ? CONTROL_RETRAININGS : undefined)
  const retrained = retrainings === undefined ? [] : retrainDecoders(run, retrainings)
  return {
    ...(permutations !== undefined && { permutationTests: testAnswers(run, permutations) }),
    ...(options.retrainings !== undefined && { retrainingTests: retrained }),
    ...(controls.length > 0 && { controls: await runControls(run, controls, retrained) }),
  }
}

function testAnswers({ network, baselines }: CheckedRun, permutations: number): NamedTests[] {
  const models = [...(network === undefined ? [] : [network]), ...baselines]
  return models.map(({ name, predictions }) => ({ name, tests: permutationTest(predictions, { permutations }) }))
}

function retrainDecoders({ windows, splits, decoders, ledger }: CheckedRun, retrainings: number): NamedTests[] {
  return decoders.map((decoder) => {
    const by = `${decoder.name} on shuffled labels`
    for (const fold of splits.keys()) ledger?.open({ fold, by, times: retrainings })
    return { name: decoder.name, tests: retrainingTest(windows, splits, decoder, { retrainings }) }
  })
}

async function runControls(
  { windows, splits, network }: CheckedRun,
  controls: readonly ControlName[],
  retrained: readonly NamedTests[],
): Promise<ControlResult[]> {
  const results: ControlResult[] = []
  if (controls.includes('block')) results.push(...blockControl(windows))
  if (controls.includes('time')) results.push(...timeControl(windows, splits))
  if (!controls.includes('shuffled')) return results
  const tested = splits.flatMap(({ test }) => [...test])
  const chance = chanceLevel(windows.countClasses(tested))
  for (const { name, tests } of retrained) results.push(...shuffledControl(name, tests, chance))
  if (network !== undefined)
    results.push(...shuffledNetwork(network.name, await network.shuffled(), windows.classNames.length))
  return results
}
