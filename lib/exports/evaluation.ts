export type { BaselineWindows } from '../decoders/band-windows.ts'
export {
  type BandPowerOptions,
  type BaselineDecoder,
  bandPowerLda,
  type CspLdaOptions,
  cspLda,
  decodeFolds,
  type FittedDecoder,
  logVarianceLda,
  type WindowMeansOptions,
  windowMeansLda,
} from '../decoders/baselines.ts'
export { blockControl, type ControlName, type ControlResult, timeControl } from '../decoders/controls.ts'
export type { CspFilterOptions } from '../decoders/csp.ts'
export { type LogisticOptions, LogisticRegression } from '../decoders/logistic-regression.ts'
export {
  type PermutationOptions,
  type PermutationTest,
  permutationTest,
  type RetrainingOptions,
  retrainingTest,
  shuffleLabels,
} from '../decoders/permutation-tests.ts'
export { mdm, type RiemannOptions, type TangentSpaceOptions, tangentSpaceLr } from '../decoders/riemann.ts'
export type { Decoded, FeatureRows } from '../decoders/rows.ts'
export {
  compareModels,
  type ModelAnswers,
  type ModelComparison,
  type ModelScore,
} from '../evaluation/compare-models.ts'
export type { DenoisedExample, DenoiseResult, DenoiseScore, Gain } from '../evaluation/denoising-scores.ts'
export { assertNoLeak, type LeakOptions, type LeakProof, type PartCounts, proveSplit } from '../evaluation/leaks.ts'
export {
  accuracy,
  balancedAccuracy,
  type ClassificationMetrics,
  type ClassMetrics,
  type ConfusionMatrix,
  classificationMetrics,
  cohenKappa,
  confusionMatrix,
  macroF1,
  perClassMetrics,
  rocAuc,
} from '../evaluation/metrics.ts'
export {
  comparePairs,
  holmCorrection,
  type PairedComparison,
  signFlipTest,
  wilcoxonSignedRank,
} from '../evaluation/paired-tests.ts'
export { type Answers, type Prediction, predictionsFor } from '../evaluation/predictions.ts'
export {
  crossSession,
  type NestedSplit,
  nestedSplits,
  type Protocol,
  protocolSplits,
  protocolText,
  splitWithin,
  timeBlocks,
} from '../evaluation/protocols.ts'
export { type RocArea, rocArea } from '../evaluation/roc-area.ts'
export {
  checkSplit,
  type GroupBy,
  groupWindows,
  holdOut,
  kFold,
  leaveOneOut,
  type Split,
  type SplitOptions,
  type WindowGroup,
} from '../evaluation/split.ts'
export { binomialTest, chanceLevel, clopperPearson, type Interval, wilsonInterval } from '../evaluation/statistics.ts'
export {
  type AccuracySummary,
  type EvaluationSummary,
  type Figure,
  type GroupSummary,
  type SummaryOptions,
  summarisePredictions,
} from '../evaluation/summary.ts'
export { type OpeningsStore, TestLedger, type TestOpening } from '../evaluation/test-ledger.ts'
export { formatAccuracy, formatFigures } from '../evaluation/text.ts'
export { type AlignOptions, type AlignResult, align, type RetrievalShare } from '../experiment/align.ts'
export { crossValidate } from '../experiment/cross-validate.ts'
export type {
  CrossValidateOptions,
  CrossValidationStore,
  FoldProgress,
  TrainingOutcome,
  TrainingPlace,
} from '../experiment/cross-validate-options.ts'
export { type DenoiseOptions, type DenoisePlace, denoise } from '../experiment/denoise.ts'
export {
  type CheckpointEvaluation,
  evaluateCheckpoint,
  readTrainedOn,
  type TrainedOn,
} from '../experiment/evaluate-checkpoint.ts'
export {
  type Candidate,
  type CandidateOptions,
  type NestedChoice,
  type NestedOptions,
  type NestedResult,
  nestedCrossValidate,
} from '../experiment/nested.ts'
export { RunFolder, type RunFolderOptions } from '../experiment/run-folder.ts'
export { Sweep, type SweepOptions, type SweepRunOptions } from '../experiment/sweep/sweep.ts'
export type { SweepJob } from '../experiment/sweep/sweep-jobs.ts'
export type { SweepDecoder, SweepModel, SweepNetwork, SweepTrainingOptions } from '../experiment/sweep/sweep-models.ts'
export { trainSplit } from '../experiment/train-fold.ts'
export { CrossValidationResult } from '../report/cross-validation-result.ts'
export { exampleSignals, type SignalWindows } from '../report/example-signals.ts'
export { renderReport } from '../report/html.ts'
export type {
  Baseline,
  ExampleSignals,
  RunReport,
  SplitFold,
  SplitProof,
} from '../report/run-report.ts'
export { type SweepReport, type SweepRow, sweepMarkdown, sweepPage } from '../report/sweep-report.ts'
export type { EpochFigures, LearningCurve } from '../training/learning-curve.ts'
