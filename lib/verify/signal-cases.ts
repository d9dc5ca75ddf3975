import { EegTorchError } from '../errors.ts'
import type { NamedTensors } from '../models/model.ts'
import { decompositionCases } from './decomposition-cases.ts'
import { filterCases } from './filter-cases.ts'
import type { SignalArgs, SignalCase } from './signal-case.ts'
import { spaceCases } from './space-cases.ts'
import { spectrumCases } from './spectrum-cases.ts'

/** What answers an `eeg_signal` case, by its `config.op`. Outputs have the case's names in camelCase. */
const operations: Record<string, SignalCase> = {
  ...filterCases,
  ...spectrumCases,
  ...spaceCases,
  ...decompositionCases,
}

/** Name of the oracle's module of signal processing. */
export const SIGNAL = 'eeg_signal'

/**
 * Runs the operation that the config of an `eeg_signal` case names.
 *
 * @throws EegTorchError `UNKNOWN_NAME` for an operation that is not there
 */
export async function runSignal(
  config: Readonly<Record<string, unknown>>,
  inputs: NamedTensors,
): Promise<NamedTensors> {
  const { op, args } = config as { op: string; args: SignalArgs }
  const operation = Object.hasOwn(operations, op) ? operations[op] : undefined
  if (operation !== undefined) return operation(inputs.x!.detach(), args)
  throw new EegTorchError('UNKNOWN_NAME', 'there is no such signal operation', {
    expected: Object.keys(operations).join(', '),
    received: String(op),
  })
}

/** Operations that a case may name. */
export const signalOperations: readonly string[] = Object.keys(operations)
