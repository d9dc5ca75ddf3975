import type { ControlResult } from '../decoders/controls.ts'
import type { PermutationTest } from '../decoders/permutation-tests.ts'
import type { LeakProof, PartCounts } from '../evaluation/leaks.ts'
import type { Prediction } from '../evaluation/predictions.ts'
import type { TestOpening } from '../evaluation/test-ledger.ts'
import type { LearningCurve } from '../training/learning-curve.ts'

/** All that is known of a finished run, as plain data: what `results.json` holds and `report.html` shows. */
export interface RunReport extends CheckResults {
  /** Heading, e.g. `eegnet on EEGMMIDB S001, fists against feet`. */
  title: string
  /** True when the signals came from the simulator: the report then says so in a banner. */
  simulated: boolean
  /** What the cards of the data sets say beside every score. */
  warnings?: string[]
  /** When the run ended, ISO 8601. */
  createdAt: string
  /** How long it took. */
  seconds?: number
  model: { name: string; parameters?: number }
  /** How trials were held out, in words: `leave one run out, 6 folds; 0.5-3.5 s after the cue, 4-38 Hz`. */
  protocol: string
  /** Class names; a class is its index here. */
  classes: string[]
  /** Confidence of the intervals, 0.95 by default. */
  confidence?: number
  /** Answers to test trials only. */
  predictions: Prediction[]
  curves: LearningCurve[]
  split: SplitProof
  /** Classical decoders on the same folds. */
  baselines: Baseline[]
  signals?: ExampleSignals
  /** Every option of the run, nested as it was given. */
  configuration: Record<string, unknown>
  versions: Record<string, string>
  hardware: Record<string, string>
  /** The command that repeats the run. */
  command?: string
}

/** What the checks found that a run was asked for. */
export interface CheckResults {
  /** Answers against shuffled labels, for the network and each decoder. */
  permutationTests?: NamedTests[]
  /** Decoders against themselves when trained on shuffled labels. */
  retrainingTests?: NamedTests[]
  /** What else the same windows tell. */
  controls?: ControlResult[]
  /** Controls that a card asks for and the windows cannot give, a sentence each. */
  missingControls?: string[]
}

/** Permutation tests of one model. */
export interface NamedTests {
  name: string
  tests: PermutationTest[]
}

/** How the run made sure that nothing tested was trained on. */
export interface SplitProof {
  /** What was held out: `run`, `session`, `subject`, `trial`. */
  by: string
  /** How it was held out, in words: `one run at a time`; absent in results of older versions. */
  heldOut?: string
  /** What was checked, in a sentence: `no trial and no moment of a recording is in two parts of a fold`. */
  statement: string
  folds: SplitFold[]
  /** Every look at a test part. */
  openings?: readonly TestOpening[]
}

/** One fold with its number of windows in each part. */
export interface SplitFold {
  /** What it tests, e.g. `S001R06`. */
  name: string
  train: number
  validation: number
  test: number
  /** Windows of each part that preprocessing left out, for networks and classical decoders alike. */
  leftOut?: PartCounts
  /** What was checked before a network saw it. */
  proof?: LeakProof
}

/** What a classical decoder answered on the same splits. */
export interface Baseline {
  /** e.g. `CSP + LDA, 8-30 Hz`. */
  name: string
  predictions: Prediction[]
}

/** A few signals for the eye, in volts. */
export interface ExampleSignals {
  /** In hertz. */
  samplingRate: number
  /** Time of the first sample against the cue, in seconds, where it is known. */
  from?: number
  channels: string[]
  /** One trial; `samples` has shape (channels, samples). */
  trial: { title: string; samples: number[][] }
  /** Mean over windows of each class, `trials` of them: those among the first 2,000. `samples` has shape (channels, samples). */
  averages: { label: string; trials: number; samples: number[][] }[]
  /** Mean power spectrum of each class: volts squared per hertz, shape (channels, frequencies from 0 in steps of `resolution`). */
  spectra?: { resolution: number; classes: { label: string; density: number[][] }[] }
}
