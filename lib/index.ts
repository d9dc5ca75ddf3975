export { enableGrad, type GradcheckOptions, type GradOptions, grad, gradcheck, noGrad } from './autograd.ts'
export {
  type Checkpoint,
  type CheckpointFormat,
  type CheckpointMetadata,
  type OpenCheckpointOptions,
  openCheckpoint,
  writeCheckpoint,
} from './checkpoints/checkpoint.ts'
export { readSafetensors, SafetensorsFile, writeSafetensors } from './checkpoints/safetensors.ts'
export type { SafetensorsHeader } from './checkpoints/safetensors-header.ts'
export type { StorageRange, StoredTensor } from './checkpoints/stored-tensor.ts'
export { type LoadOptions, TensorFile, type TensorSource } from './checkpoints/tensor-file.ts'
export { type TorchValue, writeTorch } from './checkpoints/torch-writer.ts'
export {
  arange,
  cat,
  empty,
  eye,
  fromTypedArray,
  full,
  linspace,
  ones,
  onesLike,
  type RandomOptions,
  rand,
  randint,
  randn,
  randperm,
  stack,
  type TensorFactory,
  type TensorOptions,
  tensor,
  zeros,
  zerosLike,
} from './creation.ts'
export { type DatasetCard, formatCard } from './datasets/card.ts'
export { cutWindows, type WindowOptions } from './datasets/cut-windows.ts'
export { Dataset, type OpenOptions, type Range } from './datasets/dataset.ts'
export type { DatasetDescription } from './datasets/description.ts'
export { eegmmidbTask, type LabelEvent, type MovementMode, type Task } from './datasets/eegmmidb.ts'
export { type FittedStatistic, type Stretch, stretchesOf, withStatistic } from './datasets/fitted.ts'
export { BRAIN_REGIONS, type BrainRegion, brainRegion, type Montage, montageOf, montages } from './datasets/montages.ts'
export { datasetFolder, type OpenDatasetOptions, openDataset } from './datasets/open-dataset.ts'
export { type ReadRecordingOptions, readAll, readRecording } from './datasets/read-all.ts'
export { Recordings } from './datasets/recordings.ts'
export { datasetCards, scoreWarnings } from './datasets/registry.ts'
export { type SimulatedClass, type SimulationOptions, simulateMotorImagery } from './datasets/simulate.ts'
export { type BodySignalOptions, simulateEcg, simulateEmg } from './datasets/simulate-body.ts'
export { simulateVisualResponses, type VisualSimulationOptions } from './datasets/simulate-visual.ts'
export { Standardiser, standardiseEach } from './datasets/standardise.ts'
export {
  EegWindows,
  type WindowBatch,
  type WindowOrigin,
  type WindowParts,
  type WindowRecording,
  type WindowSource,
} from './datasets/windows.ts'
export type { BaselineWindows } from './decoders/band-windows.ts'
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
} from './decoders/baselines.ts'
export { blockControl, type ControlName, type ControlResult, timeControl } from './decoders/controls.ts'
export type { CspFilterOptions } from './decoders/csp.ts'
export type { Decoded, FeatureRows } from './decoders/rows.ts'
export { type LogisticOptions, LogisticRegression } from './decoders/logistic-regression.ts'
export {
  type PermutationOptions,
  type PermutationTest,
  permutationTest,
  type RetrainingOptions,
  retrainingTest,
  shuffleLabels,
} from './decoders/permutation-tests.ts'
export { mdm, type RiemannOptions, type TangentSpaceOptions, tangentSpaceLr } from './decoders/riemann.ts'
export {
  initProcessGroup,
  type ProcessGroup,
  type ProcessGroupOptions,
  type Reduction,
} from './distributed/process-group.ts'
export { type ProcessPlace, readProcessPlace } from './distributed/process-place.ts'
export type {
  ArrayOf,
  Complex,
  Device,
  DType,
  DTypeOf,
  Int,
  Layout,
  MemoryFormat,
  Scalar,
  TypedArray,
} from './dtype.ts'
export { electrodePosition, type Position } from './electrodes.ts'
export { EegTorchError, type ErrorCode, type ErrorDetails } from './errors.ts'
export { compareModels, type ModelAnswers, type ModelComparison, type ModelScore } from './evaluation/compare-models.ts'
export { assertNoLeak, type LeakOptions, type LeakProof, type PartCounts, proveSplit } from './evaluation/leaks.ts'
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
} from './evaluation/metrics.ts'
export {
  comparePairs,
  holmCorrection,
  type PairedComparison,
  signFlipTest,
  wilcoxonSignedRank,
} from './evaluation/paired-tests.ts'
export { type Answers, type Prediction, predictionsFor } from './evaluation/predictions.ts'
export {
  crossSession,
  type NestedSplit,
  nestedSplits,
  type Protocol,
  protocolSplits,
  protocolText,
  splitWithin,
  timeBlocks,
} from './evaluation/protocols.ts'
export { type RocArea, rocArea } from './evaluation/roc-area.ts'
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
} from './evaluation/split.ts'
export { binomialTest, chanceLevel, clopperPearson, type Interval, wilsonInterval } from './evaluation/statistics.ts'
export {
  type AccuracySummary,
  type EvaluationSummary,
  type Figure,
  type GroupSummary,
  type SummaryOptions,
  summarisePredictions,
} from './evaluation/summary.ts'
export { type OpeningsStore, TestLedger, type TestOpening } from './evaluation/test-ledger.ts'
export { formatAccuracy, formatFigures } from './evaluation/text.ts'
export { type AlignOptions, type AlignResult, align, type RetrievalShare } from './experiment/align.ts'
export { crossValidate } from './experiment/cross-validate.ts'
export type {
  CrossValidateOptions,
  CrossValidationStore,
  FoldProgress,
  TrainingOutcome,
  TrainingPlace,
} from './experiment/cross-validate-options.ts'
export {
  type DenoisedExample,
  type DenoiseOptions,
  type DenoisePlace,
  type DenoiseResult,
  type DenoiseScore,
  denoise,
  type Gain,
} from './experiment/denoise.ts'
export {
  type CheckpointEvaluation,
  evaluateCheckpoint,
  readTrainedOn,
  type TrainedOn,
} from './experiment/evaluate-checkpoint.ts'
export {
  type Candidate,
  type CandidateOptions,
  type NestedChoice,
  type NestedOptions,
  type NestedResult,
  nestedCrossValidate,
} from './experiment/nested.ts'
export { RunFolder, type RunFolderOptions } from './experiment/run-folder.ts'
export { trainSplit } from './experiment/train-fold.ts'
export { checkFiles, type Downloaded, downloadFiles } from './files/download/download.ts'
export type { DownloadOptions, DownloadProgress, RemoteFile } from './files/download/options.ts'
export {
  Amused,
  type AmusedCondition,
  type AmusedEmbeddings,
  type AmusedOptions,
  type AmusedParts,
} from './generation/amused/amused.ts'
export type { AmusedLoadOptions } from './generation/amused/load.ts'
export { openPipelineFolder, type PipelineComponent, PipelineFolder } from './generation/checkpoints/pipeline-folder.ts'
export { openSingleFile, type SingleFile, type SingleFileOptions } from './generation/checkpoints/single-file.ts'
export { Clip, type ClipEncodeOptions, type ClipOptions } from './generation/clip/clip.ts'
export { type ClipPreprocessing, preprocessImages, readPreprocessing } from './generation/clip/preprocess.ts'
export { findStimuli } from './generation/clip/stimuli.ts'
export { type ClipTargets, clipTargets, meanPairwiseCosine, type TargetOptions } from './generation/clip/targets.ts'
export {
  encodeConditions,
  openPipelineEncoder,
  type PipelineEncoder,
  type TextConditions,
} from './generation/clip/text-conditions.ts'
export { EegEncoder, type EegEncoderOptions } from './generation/eeg-encoder.ts'
export {
  type ReadSentencesOptions,
  readSentences,
  type SentenceFiles,
  type SentenceProgress,
} from './generation/eeg-sentences.ts'
export { EegPrompter, type EegPrompts } from './generation/eeg-to-image/eeg-prompter.ts'
export {
  type EegGeneration,
  EegToImage,
  type EegToImageFiles,
  type EegToImageLoadOptions,
  type EegToImageMode,
  type EegToImageOptions,
} from './generation/eeg-to-image/eeg-to-image.ts'
export {
  type EegText,
  EegToText,
  type EegToTextParts,
  eegTokens,
  type PrefixPlace,
} from './generation/language/eeg-to-text.ts'
export {
  type FinetunedEpoch,
  type FinetuneTextOptions,
  finetuneText,
  type LabelledTokens,
  scoreText,
  type TextPhase,
} from './generation/language/finetune-text.ts'
export type { GenerateOptions } from './generation/language/generate.ts'
export {
  type FoundKeyword,
  findKeyword,
  type KeywordAccuracy,
  keywordAccuracy,
} from './generation/language/keywords.ts'
export {
  type GeneratedText,
  type GenerateTextOptions,
  LanguageModel,
  type Prompts,
} from './generation/language/language-model.ts'
export type { LlamaModel, LoadLanguageOptions } from './generation/language/load-llama.ts'
export { type TextVocabulary, textVocabularies } from './generation/language/vocabularies.ts'
export { labelsOfClasses, vocabularyOfClasses } from './generation/language/vocabulary-labels.ts'
export {
  cosineSimilarity,
  drawPicks,
  frechetDistance,
  type NWay,
  nWayTopK,
  type PickOptions,
  type TwoWay,
  twoWayIdentification,
} from './generation/metrics/identification.ts'
export { type ImageNetworkFiles, ImageNetworks, type SeenFeatures } from './generation/metrics/image-networks.ts'
export { mse, pixelCorrelation, psnr } from './generation/metrics/pixels.ts'
export { PAPER_SSIM, type SsimOptions, ssim } from './generation/metrics/ssim.ts'
export type { GenerationHooks, GenerationProgress } from './generation/options.ts'
export { type PictureCodec, PixelCodec } from './generation/picture-codec.ts'
export { drawComparison, drawGrid, type Heading, type Tile } from './generation/pictures/compose.ts'
export { controlFolder, type PictureControl, pictureControls } from './generation/pictures/controls.ts'
export {
  type GeneratedPicture,
  GenerationFolder,
  type GenerationFolderOptions,
} from './generation/pictures/generation-folder.ts'
export { type GenerationRecord, readGenerations } from './generation/pictures/generation-record.ts'
export {
  encodePng,
  type Picture,
  type PictureSize,
  picturesOf,
  readPicture,
  resizePicture,
  tensorOfPictures,
} from './generation/pictures/picture.ts'
export type { Generation, GenerationStep } from './generation/pipeline.ts'
export { type Scheduler, schedulerFromConfig, schedulers } from './generation/schedulers/index.ts'
export type { MaskedTokensConfig, MaskedTokensSampling, TokenDraws } from './generation/schedulers/masked-tokens.ts'
export type { NoiseSchedule } from './generation/schedulers/noise-schedule.ts'
export type { Draw, Sampling } from './generation/schedulers/sampling.ts'
export type { ControlEstimate, Estimate } from './generation/scores/estimate.ts'
export { type MeasureName, measureNames } from './generation/scores/measures.ts'
export type { Memorisation } from './generation/scores/memorisation.ts'
export {
  type FolderScoreOptions,
  type FolderScores,
  type ScoredRow,
  scoreFolder,
} from './generation/scores/score-folder.ts'
export {
  type LoggedPicture,
  type PictureScore,
  type PictureScores,
  type ScoreControl,
  type ScoreInput,
  type ScoreOptions,
  scorePictures,
} from './generation/scores/score-pictures.ts'
export type { Pairing } from './generation/scores/stimuli.ts'
export { fitSgdm, type SgdmFitOptions, type SgdmLossWeights, type Stimuli } from './generation/sgdm/fit-sgdm.ts'
export {
  fitNoisedClassifier,
  NoisedClassifier,
  type NoisedClassifierConfig,
} from './generation/sgdm/noised-classifier.ts'
export { type EegReading, Sgdm, type SgdmConfig } from './generation/sgdm/sgdm.ts'
export { type SgdmOptions, type SgdmParts, SgdmPipeline } from './generation/sgdm/sgdm-pipeline.ts'
export type { StableDiffusionLoadOptions } from './generation/stable-diffusion/load.ts'
export {
  type PromptEmbeddings,
  StableDiffusion,
  type StableDiffusionOptions,
  type StableDiffusionParts,
} from './generation/stable-diffusion/stable-diffusion.ts'
export type { ChatMessage } from './generation/tokenizers/chat.ts'
export { loadTokenizer } from './generation/tokenizers/load.ts'
export type { BatchOptions, EncodedBatch, EncodeOptions, Tokenizer } from './generation/tokenizers/tokenizer.ts'
export { VaeCodec } from './generation/vae-codec.ts'
export { Generator } from './generator.ts'
export { type Index, type SetValue, Slice, slice } from './indexing.ts'
export { type MemoryUse, memory, releaseMemory, scope, setMemoryWarning } from './memory.ts'
export type * from './models/configs.generated.ts'
export { type Conversion, type ConvertOptions, convertCheckpoint } from './models/convert.ts'
export { fitModels, type ModelFit } from './models/fit.ts'
export { type CheckpointSummary, formatCheckpoint, inspectCheckpoint } from './models/inspect-checkpoint.ts'
export type { CheckpointLayout } from './models/layouts.ts'
export { loadCheckpoint } from './models/load.ts'
export { type FittingWeights, loadFitting } from './models/load-fitting.ts'
export type { LoadProgress, LoadWeightsOptions } from './models/load-weights.ts'
export { type AsyncOptions, Model, type ModelPlacement, type NamedTensors } from './models/model.ts'
export {
  type LoadModelOptions,
  type ModelDescription,
  type ModelFactory,
  type ModelOptions,
  type Models,
  models,
  type OptionDescription,
} from './models/models.ts'
export type { DTypeOfNested, NestedNumbers } from './nested-numbers.ts'
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
} from './nn/layers.ts'
export { Module } from './nn/module.ts'
export { type Recorded, type RecordedResult, record } from './nn/record.ts'
export { Sequential, type Stage } from './nn/sequential.ts'
export type { Aten, Result } from './ops/aten.generated.ts'
export { type AnyOperator, asyncOps, ops } from './ops/index.ts'
export type * as MethodTypes from './ops/typed-methods.ts'
export type { PlainValue } from './pickle/to-plain.ts'
export { type WriteStoreOptions, writeStore } from './prepare/write-store.ts'
export { FittedPipeline, type StoredPipeline } from './preprocessing/fitted-pipeline.ts'
export type { LiveEvent } from './preprocessing/live-windows.ts'
export { Pipeline } from './preprocessing/pipeline.ts'
export { type Recipe, type RecipeName, recipes } from './preprocessing/recipes.ts'
export type { PipelineSource, Step } from './preprocessing/schema.ts'
export type { TrialOptions } from './preprocessing/step.ts'
export type { StepName, StepSource } from './preprocessing/steps/index.ts'
export type { PipelineStream, StreamOptions, StreamOutput } from './preprocessing/stream.ts'
export { Random } from './random.ts'
export { writeBrainVision } from './recordings/brainvision/writer.ts'
export { readEdf } from './recordings/edf.ts'
export type { TruncatedPolicy } from './recordings/edf-header.ts'
export { writeEdf } from './recordings/edf-writer.ts'
export type { FileOptions } from './recordings/file-options.ts'
export { formatSummary, inspectRecording, type RecordingSummary } from './recordings/inspect.ts'
export { writeNpz } from './recordings/numpy/writer.ts'
export type { SignalQuality } from './recordings/quality.ts'
export {
  type Channel,
  type ChannelType,
  type ReadOptions,
  Recording,
  type RecordingEvent,
  type RecordingMetadata,
  type RecordingParts,
} from './recordings/recording.ts'
export type { Segment } from './recordings/segments.ts'
export type { ChannelRange, SignalSource } from './recordings/source.ts'
export { drawTraces, type TraceOptions } from './recordings/traces.ts'
export {
  type AdversarialNets,
  type AdversarialOptions,
  type AdversarialStepResult,
  encodeImages,
  fitAdversarial,
  fitLatentClassifier,
  type LatentClassifierOptions,
  reconstructImages,
} from './regimes/adversarial.ts'
export { type AlignmentOptions, fitAlignment, type Retrieval, retrieveImages } from './regimes/alignment.ts'
export { EegImages, type EegImagesParts, type ImageSize } from './regimes/eeg-images.ts'
export { fitMapper, type MapperOptions, type MapperTargets, type Phase } from './regimes/mapper.ts'
export { addNoise, snrGained } from './regimes/noise.ts'
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
} from './regimes/variational.ts'
export { CrossValidationResult } from './report/cross-validation-result.ts'
export { exampleSignals, type SignalWindows } from './report/example-signals.ts'
export { renderReport } from './report/html.ts'
export type {
  Baseline,
  EpochFigures,
  ExampleSignals,
  LearningCurve,
  RunReport,
  SplitFold,
  SplitProof,
} from './report/run-report.ts'
export { libtorchVersion, manualSeed, numThreads, randomState, setNumThreads, setRandomState } from './runtime.ts'
export type { AnalyticOptions } from './signal/analytic.ts'
export type { BadChannelOptions, BadChannels } from './signal/bad-channels.ts'
export { BandPass, type BandPassOptions } from './signal/band-pass.ts'
export type { FilterSection } from './signal/butterworth.ts'
export type {
  CovarianceOptions,
  CspOptions,
  RiemannMean,
  RiemannMeanOptions,
  SpatialPatterns,
} from './signal/covariance.ts'
export type {
  FastIcaOptions,
  IcaWhitening,
  InfomaxOptions,
  PicardOptions,
  PrincipalComponents,
  Unmixing,
} from './signal/decomposition.ts'
export { type EpochOptions, type Epochs, type FixedLengthOptions, fixedLengthEvents } from './signal/epochs.ts'
export type { EyeComponents, EyeOptions } from './signal/eye-components.ts'
export type { ButterType } from './signal/filters.ts'
export type { FirwinOptions } from './signal/firwin.ts'
export type { FrequencyRange } from './signal/frequencies.ts'
export type { ElectrodePlaces } from './signal/head-positions.ts'
export { findHeartbeats } from './signal/heartbeats.ts'
export { Ica, type IcaApplyOptions, type IcaOptions, type IcaSearch } from './signal/ica.ts'
export { type AsyncSignal, asyncSignal, type Signal, signal } from './signal/index.ts'
export type { MneFilterOptions, MneNotchOptions } from './signal/mne.ts'
export type { MneFirOptions } from './signal/mne-design.ts'
export type { PolyphasePad } from './signal/resampling.ts'
export type { MovingOptions } from './signal/scaling.ts'
export type { SplineOptions } from './signal/space.ts'
export type {
  MorletOptions,
  MultitaperOptions,
  PowerSpectrum,
  SegmentOptions,
  Spectrogram,
  SpectrumWindow,
  WelchOptions,
} from './signal/spectra.ts'
export { FirStream, SignalStream, SosStream, StandardizeStream } from './signal/streams.ts'
export type { Taper } from './signal/taper.ts'
export { openStore, type WindowStore } from './store/open-store.ts'
export { openPickledLmdb, type PickledLmdbOptions, type PickledWindows } from './store/pickled-lmdb.ts'
export type { SampleType } from './store/samples.ts'
export type { StoreHeader } from './store/store-format.ts'
export { type BackwardOptions, type ItemOf, type Nested, type Shape, Tensor } from './tensor.ts'
export { type Augmentation, augment, augmentBatch, mirrorChannels } from './training/augment.ts'
export { type CheckpointCadence, type CheckpointOptions, TrainingCheckpoints } from './training/checkpoints.ts'
export { balancedWeights } from './training/class-weights.ts'
export { DataLoader, type DataLoaderOptions, type LoadedBatch } from './training/data-loader.ts'
export type { BestEpoch, EarlyStoppingOptions } from './training/early-stopping.ts'
export { type FitOptions, type FitResult, fit, type LoopOptions, type TrainingStore } from './training/fit.ts'
export { JsonLinesLog, type JsonLinesOptions, type LogRecord, readJsonLines } from './training/log/json-lines.ts'
export {
  ProgressBar,
  type ProgressOptions,
  type ProgressState,
  type ProgressStream,
  type ProgressTotals,
} from './training/log/progress-bar.ts'
export { type TensorBoardOptions, TensorBoardWriter } from './training/log/tensorboard.ts'
export { type LossTerms, losses, type MapperLossInputs, type MapperLossOptions } from './training/losses.ts'
export type * from './training/options.generated.ts'
export {
  type Loss,
  loss,
  type Optimizer,
  optim,
  type ParameterGroup,
  type TrainStepOptions,
  type WithGroups,
} from './training/options.ts'
export { type Preset, type PresetName, presets } from './training/presets.ts'
export {
  type DescribedSchedule,
  describedSchedule,
  type OneCycleOptions,
  type Schedule,
  schedules,
} from './training/schedules.ts'
export { type TensorSet, windowTensors } from './training/tensor-set.ts'
export type {
  Batch,
  BatchEvaluation,
  StepResult,
  Trainable,
  TrainingSnapshot,
  TrainStep,
} from './training/train-step.ts'
export type { ProgressRecord, TrainingProgress } from './training/training-progress.ts'
export { type PublishedCheckpoint, publishedCheckpoint, publishedCheckpoints } from './weights/manifest.ts'
export {
  findWeights,
  stateOf as weightsState,
  type WeightsState,
  wrongFiles as wrongWeights,
} from './weights/places.ts'
export { type Pulled, pullWeights } from './weights/pull.ts'
export type { PulledFile, PullOptions } from './weights/pull-options.ts'
