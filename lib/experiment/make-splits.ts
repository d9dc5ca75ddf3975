import type { EegWindows } from '../datasets/windows.ts'
import { defined } from '../defined.ts'
import { EegTorchError } from '../errors.ts'
import { type LeakProof, proveSplit } from '../evaluation/leaks.ts'
import { heldOutBy, protocolSplits, protocolText } from '../evaluation/protocols.ts'
import { checkSplit, kFold, leaveOneOut, type Split } from '../evaluation/split.ts'
import type { SplitProof } from '../report/run-report.ts'
import type { CrossValidateOptions } from './cross-validate.ts'

type SplitWays = Pick<
  CrossValidateOptions,
  'leaveOut' | 'folds' | 'protocol' | 'splits' | 'validation' | 'stimuliApart'
>

/** The splits that the options ask for. */
export function makeSplits(windows: EegWindows, options: SplitWays): Split[] {
  const { leaveOut, folds, protocol, splits, validation } = options
  const ways = [leaveOut, folds, protocol, splits].filter((way) => way !== undefined)
  if (ways.length !== 1) {
    throw new EegTorchError('INVALID_OPTION', 'it is not clear how to split', {
      option: 'leaveOut',
      expected: 'one of leaveOut, folds, protocol and splits',
      received: ways.length === 0 ? 'none' : 'several',
    })
  }
  const { stimuliApart } = options
  const more = defined({ validation, stimuliApart })
  if (splits) return splits.map((split) => checkSplit(windows, split, { stimuliApart }))
  if (protocol) return protocolSplits(windows, protocol, more)
  return leaveOut ? leaveOneOut(windows, leaveOut, more) : kFold(windows, { folds: folds!, ...more })
}

/** What the splits hold out, and the proof that nothing crosses, fold by fold. */
export function proveSplits(windows: EegWindows, splits: readonly Split[], options: SplitWays): SplitProof {
  const { stimuliApart = heldOut(options) === 'stimulus' } = options
  return {
    by: heldOut(options),
    statement:
      `no trial, no moment of a recording and no samples are in two parts of a fold${stimuliApart ? ', and no stimulus' : ''}; ` +
      'nothing that shaped a window was learned from what is tested',
    folds: splits.map((split) => ({
      name: split.name,
      train: split.train.length,
      validation: split.validation?.length ?? 0,
      test: split.test.length,
      proof: proveSplit(windows, split, { stimuliApart }),
    })),
  }
}

/** A proof with what was fitted for each fold, beside what had shaped the windows before. */
export function withFitted(proof: SplitProof, fitted: readonly (LeakProof['fitted'] | undefined)[]): SplitProof {
  const folds = proof.folds.map((fold, i) =>
    fold.proof === undefined ? fold : { ...fold, proof: { ...fold.proof, fitted: fitted[i] ?? fold.proof.fitted } },
  )
  return { ...proof, folds }
}

function heldOut({ leaveOut, protocol }: SplitWays) {
  return leaveOut ?? (protocol === undefined ? 'trial' : heldOutBy(protocol))
}

/** The protocol in words. */
export function describeSplits(splits: readonly Split[], { leaveOut, protocol }: SplitWays): string {
  if (protocol) return `${protocolText(protocol)}, ${splits.length} folds`
  return leaveOut ? `leave one ${leaveOut} out, ${splits.length} folds` : `${splits.length} folds`
}
