export {
  initProcessGroup,
  type ProcessGroup,
  type ProcessGroupOptions,
  type Reduction,
} from '../distributed/process-group.ts'
export { type ProcessPlace, readProcessPlace } from '../distributed/process-place.ts'
export {
  ProgressBar,
  type ProgressOptions,
  type ProgressState,
  type ProgressStream,
  type ProgressTotals,
} from '../progress/progress-bar.ts'
export {
  type AdversarialNets,
  type AdversarialOptions,
  type AdversarialStepResult,
  encodeImages,
  fitAdversarial,
  fitLatentClassifier,
  type LatentClassifierOptions,
  reconstructImages,
} from '../regimes/adversarial.ts'
export { type AlignmentOptions, fitAlignment, type Retrieval, retrieveImages } from '../regimes/alignment.ts'
export { EegImages, type EegImagesParts, type ImageSize } from '../regimes/eeg-images.ts'
export { fitMapper, type MapperOptions, type MapperTargets } from '../regimes/mapper.ts'
export { addNoise, snrGained } from '../regimes/noise.ts'
export {
  type AugmentOptions,
  augmentWithSamples,
  fitHybrid,
  fitVariational,
  type Hybrid,
  type HybridOptions,
  reconstructWindows,
  VaeClassifier,
  type VariationalOptions,
} from '../regimes/variational.ts'
export { type Augmentation, augment, augmentBatch, mirrorChannels } from '../training/augment.ts'
export { type CheckpointCadence, type CheckpointOptions, TrainingCheckpoints } from '../training/checkpoints.ts'
export { balancedWeights } from '../training/class-weights.ts'
export { DataLoader, type DataLoaderOptions, type LoadedBatch } from '../training/data-loader.ts'
export type { BestEpoch, BestEpochOptions, EarlyStoppingOptions } from '../training/early-stopping.ts'
export { type FitOptions, type FitResult, fit, type LoopOptions, type TrainingStore } from '../training/fit.ts'
export { JsonLinesLog, type JsonLinesOptions, type LogRecord, readJsonLines } from '../training/log/json-lines.ts'
export { type TensorBoardOptions, TensorBoardWriter } from '../training/log/tensorboard.ts'
export { type LossTerms, losses, type MapperLossInputs, type MapperLossOptions } from '../training/losses.ts'
export type * from '../training/options.generated.ts'
export {
  type Loss,
  loss,
  type Optimizer,
  optim,
  type ParameterGroup,
  type TrainStepOptions,
  type WithGroups,
} from '../training/options.ts'
export type { Phase } from '../training/phase.ts'
export { type Preset, type PresetName, presets } from '../training/presets.ts'
export {
  type DescribedSchedule,
  describedSchedule,
  type OneCycleOptions,
  type Schedule,
  schedules,
} from '../training/schedules.ts'
export { type TensorSet, windowTensors } from '../training/tensor-set.ts'
export type {
  Batch,
  BatchEvaluation,
  StepResult,
  Trainable,
  TrainingSnapshot,
  TrainStep,
} from '../training/train-step.ts'
export type { ProgressRecord, TrainingProgress } from '../training/training-progress.ts'
