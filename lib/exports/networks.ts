export {
  type Checkpoint,
  type CheckpointFormat,
  type CheckpointMetadata,
  type OpenCheckpointOptions,
  openCheckpoint,
  writeCheckpoint,
} from '../checkpoints/checkpoint.ts'
export { readSafetensors, SafetensorsFile, writeSafetensors } from '../checkpoints/safetensors.ts'
export type { SafetensorsHeader } from '../checkpoints/safetensors-header.ts'
export type { StorageRange, StoredTensor } from '../checkpoints/stored-tensor.ts'
export { type LoadOptions, TensorFile, type TensorSource } from '../checkpoints/tensor-file.ts'
export { type TorchValue, writeTorch } from '../checkpoints/torch-writer.ts'
export type * from '../models/configs.generated.ts'
export { type Conversion, type ConvertOptions, convertCheckpoint } from '../models/convert.ts'
export { type CheckpointSummary, formatCheckpoint, inspectCheckpoint } from '../models/inspect-checkpoint.ts'
export type { CheckpointLayout } from '../models/layouts.ts'
export { loadCheckpoint } from '../models/load.ts'
export { type FittingWeights, loadFitting } from '../models/load-fitting.ts'
export type { LoadProgress, LoadWeightsOptions } from '../models/load-weights.ts'
export { type AsyncOptions, Model, type ModelPlacement, type NamedTensors } from '../models/model.ts'
export { fitModels, type ModelFit } from '../models/model-fit.ts'
export {
  type LoadModelOptions,
  type ModelDescription,
  type ModelFactory,
  type ModelOptions,
  type Models,
  models,
  type OptionDescription,
} from '../models/models.ts'
export {
  BatchNorm,
  type BatchNormOptions,
  Conv1d,
  Conv2d,
  type ConvOptions,
  Dropout,
  LayerNorm,
  Linear,
  parameter,
  type Sizes,
} from '../nn/layers.ts'
export { Module } from '../nn/module.ts'
export { type Recorded, type RecordedResult, record } from '../nn/record.ts'
export { Sequential, type Stage } from '../nn/sequential.ts'
export type { PlainValue } from '../pickle/to-plain.ts'
export { type PublishedCheckpoint, publishedCheckpoint, publishedCheckpoints } from '../weights/manifest.ts'
export {
  findWeights,
  stateOf as weightsState,
  type WeightsState,
  wrongFiles as wrongWeights,
} from '../weights/places.ts'
export { type Pulled, pullWeights } from '../weights/pull.ts'
export type { PulledFile, PullOptions } from '../weights/pull-options.ts'
