export { type DatasetCard, formatCard } from '../datasets/card.ts'
export { cutWindows, type WindowOptions } from '../datasets/cut-windows.ts'
export { Dataset, type OpenOptions, type Range } from '../datasets/dataset.ts'
export type { DatasetDescription } from '../datasets/description.ts'
export { type FittedStatistic, type Stretch, stretchesOf, withStatistic } from '../datasets/fitted.ts'
export {
  BRAIN_REGIONS,
  type BrainRegion,
  brainRegion,
  type Montage,
  montageOf,
  montages,
} from '../datasets/montages.ts'
export { datasetFolder, type OpenDatasetOptions, openDataset } from '../datasets/open-dataset.ts'
export { type ReadRecordingOptions, readAll, readRecording } from '../datasets/read-all.ts'
export { Recordings } from '../datasets/recordings.ts'
export { datasetCards, scoreWarnings } from '../datasets/registry.ts'
export { eegmmidbTask, type MovementMode } from '../datasets/sets/eegmmidb-tasks.ts'
export { type SimulatedClass, type SimulationOptions, simulateMotorImagery } from '../datasets/simulate.ts'
export { type BodySignalOptions, simulateEcg, simulateEmg } from '../datasets/simulate-body.ts'
export { simulateVisualResponses, type VisualSimulationOptions } from '../datasets/simulate-visual.ts'
export { Standardiser, standardiseEach } from '../datasets/standardise.ts'
export type { LabelEvent, Task } from '../datasets/task.ts'
export {
  EegWindows,
  type WindowBatch,
  type WindowOrigin,
  type WindowParts,
  type WindowRecording,
  type WindowSource,
} from '../datasets/windows.ts'
export { electrodePosition, type Position } from '../electrodes.ts'
export { checkFiles, type Downloaded, downloadFiles } from '../files/download/download.ts'
export type { DownloadOptions, DownloadProgress, RemoteFile } from '../files/download/options.ts'
export { type PrepareProgress, type PrepareStoreOptions, prepareStore } from '../prepare/prepare-store.ts'
export type { RecordingSource } from '../prepare/recording-source.ts'
export { type WriteStoreOptions, writeStore } from '../prepare/write-store.ts'
export { writeBrainVision } from '../recordings/brainvision/writer.ts'
export { readEdf } from '../recordings/edf.ts'
export type { TruncatedPolicy } from '../recordings/edf-header.ts'
export { writeEdf } from '../recordings/edf-writer.ts'
export type { FileOptions } from '../recordings/file-options.ts'
export { formatSummary, inspectRecording, type RecordingSummary } from '../recordings/inspect.ts'
export { writeNpz } from '../recordings/numpy/writer.ts'
export type { SignalQuality } from '../recordings/quality.ts'
export {
  type Channel,
  type ChannelType,
  type ReadOptions,
  Recording,
  type RecordingEvent,
  type RecordingMetadata,
  type RecordingParts,
} from '../recordings/recording.ts'
export type { Segment } from '../recordings/segments.ts'
export type { ChannelRange, SignalSource } from '../recordings/source.ts'
export { drawTraces, type TraceOptions } from '../recordings/traces.ts'
export { openStore, type WindowStore } from '../store/open-store.ts'
export { openPickledLmdb, type PickledLmdbOptions, type PickledWindows } from '../store/pickled-lmdb.ts'
export type { SampleType } from '../store/samples.ts'
export type { StoreHeader } from '../store/store-format.ts'
