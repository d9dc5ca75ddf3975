import type { EegWindows } from '../datasets/windows.ts'
import { defined } from '../defined.ts'
import { EegTorchError } from '../errors.ts'
import { type LeakProof, type PartCounts, proveSplit } from '../evaluation/leaks.ts'
import { heldOutBy, heldOutText, type Protocol, protocolSplits, protocolText } from '../evaluation/protocols.ts'
import { checkSplit, kFold, leaveOneOut, type Split } from '../evaluation/split.ts'
import type { SplitProof } from '../report/run-report.ts'
import type { CrossValidateOptions } from './cross-validate-options.ts'

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
  const said = protocolOf(options)
  return {
    by: heldOut(options),
    heldOut: said === undefined ? 'the test part of each split that was given' : heldOutText(said),
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

/** What preparing a fold showed. */
export interface FoldFindings {
  /** What was fitted for it, beside what had shaped the windows before. */
  fitted?: LeakProof['fitted'] | undefined
  /** Windows of each part that the pipeline left out. */
  leftOut?: PartCounts | undefined
}

/** A proof with what preparing each fold showed. */
export function withFindings(proof: SplitProof, findings: readonly FoldFindings[]): SplitProof {
  const folds = proof.folds.map((fold, i) => {
    const { fitted, leftOut } = findings[i] ?? {}
    return {
      ...fold,
      ...(leftOut && { leftOut }),
      ...(fold.proof && { proof: { ...fold.proof, fitted: fitted ?? fold.proof.fitted } }),
    }
  })
  return { ...proof, folds }
}

function heldOut({ leaveOut, protocol }: SplitWays) {
  return leaveOut ?? (protocol === undefined ? 'trial' : heldOutBy(protocol))
}

/**
 * The protocol in words: `leave one run out, 6 folds; 0.5-3.5 s after the cue, 4-38 Hz`.
 *
 * @param preparation how the windows were made
 */
export function describeSplits(splits: readonly Split[], ways: SplitWays, preparation?: string): string {
  const count = `${splits.length} ${splits.length === 1 ? 'fold' : 'folds'}`
  const said = protocolOf(ways)
  const text = said === undefined ? '' : protocolText(said)
  const counted = text.startsWith(count) ? text : [text, count].filter((part) => part !== '').join(', ')
  return preparation === undefined ? counted : `${counted}; ${preparation}`
}

/** The protocol that options ask for, in whichever way; none for splits of their own. */
export function protocolOf({ leaveOut, folds, protocol }: SplitWays): Protocol | undefined {
  if (protocol !== undefined) return protocol
  if (leaveOut !== undefined) return { name: 'leave-one-out', by: leaveOut }
  return folds === undefined ? undefined : { name: 'k-fold', folds }
}
