export { EegEncoder, type EegEncoderOptions, type ReadAllOptions } from '../encoders/eeg-encoder.ts'
export {
  Amused,
  type AmusedCondition,
  type AmusedEmbeddings,
  type AmusedOptions,
  type AmusedParts,
} from '../generation/amused/amused.ts'
export type { AmusedLoadOptions } from '../generation/amused/load.ts'
export {
  type ConvertedSingleFile,
  type ConvertSingleFileOptions,
  convertSingleFile,
} from '../generation/checkpoints/convert-single-file.ts'
export {
  openPipelineFolder,
  type PipelineComponent,
  PipelineFolder,
} from '../generation/checkpoints/pipeline-folder.ts'
export { openSingleFile, type SingleFile, type SingleFileOptions } from '../generation/checkpoints/single-file.ts'
export {
  type WriteSingleFileOptions,
  type WrittenSingleFile,
  writeSingleFile,
} from '../generation/checkpoints/write-single-file.ts'
export { Clip, type ClipEncodeOptions, type ClipOptions } from '../generation/clip/clip.ts'
export { type ClipPreprocessing, preprocessImages, readPreprocessing } from '../generation/clip/preprocess.ts'
export {
  type ClipTargets,
  clipTargets,
  meanPairwiseCosine,
  storedTargets,
  type TargetDescription,
  type TargetOptions,
} from '../generation/clip/targets.ts'
export {
  encodeConditions,
  openPipelineEncoder,
  type PipelineEncoder,
  type TextConditions,
} from '../generation/clip/text-conditions.ts'
export { controlWindows } from '../generation/control-windows.ts'
export { type ControllableUnet, type ControlNetOptions, controlNetOf } from '../generation/controlnet/controlnet.ts'
export {
  type ControlledPictures,
  type ControlNetFitOptions,
  type EegConditions,
  type FrozenUnet,
  fitControlNet,
  type TokenConditions,
} from '../generation/controlnet/fit-controlnet.ts'
export type { Structures } from '../generation/controlnet/structure-guide.ts'
export {
  type ReadSentencesOptions,
  readSentences,
  type SentenceFiles,
  type SentenceProgress,
} from '../generation/eeg-sentences.ts'
export { EegPrompter, type EegPrompts } from '../generation/eeg-to-image/eeg-prompter.ts'
export {
  type EegGeneration,
  EegToImage,
  type EegToImageFiles,
  type EegToImageLoadOptions,
  type EegToImageMode,
  type EegToImageOptions,
} from '../generation/eeg-to-image/eeg-to-image.ts'
export {
  type FinetunedImage,
  type FinetunedImageEpoch,
  type FinetuneImageOptions,
  finetuneImage,
} from '../generation/eeg-to-image/finetune-image.ts'
export {
  type DrawnBatch,
  type GeneratePicturesOptions,
  generatePictures,
  type PictureSource,
  type PictureWords,
  type PictureWork,
} from '../generation/generate-pictures.ts'
export {
  cosineSimilarity,
  drawPicks,
  frechetDistance,
  type NWay,
  nWayExpected,
  nWayTopK,
  type PickOptions,
  type TwoWay,
  twoWayIdentification,
} from '../generation/metrics/identification.ts'
export { type ImageNetworkFiles, ImageNetworks, type SeenFeatures } from '../generation/metrics/image-networks.ts'
export { mse, pixelCorrelation, psnr } from '../generation/metrics/pixels.ts'
export { PAPER_SSIM, type SsimOptions, ssim } from '../generation/metrics/ssim.ts'
export type { GenerationHooks, GenerationProgress } from '../generation/options.ts'
export { type PictureCodec, PixelCodec } from '../generation/picture-codec.ts'
export { drawComparison, drawGrid, type Heading, type Tile } from '../generation/pictures/compose.ts'
export { controlFolder, type PictureControl, pictureControls } from '../generation/pictures/controls.ts'
export {
  type GeneratedPicture,
  GenerationFolder,
  type GenerationFolderOptions,
} from '../generation/pictures/generation-folder.ts'
export { type GenerationRecord, readGenerations } from '../generation/pictures/generation-record.ts'
export {
  encodePng,
  type Picture,
  type PictureSize,
  picturesOf,
  readPicture,
  resizePicture,
  tensorOfPictures,
} from '../generation/pictures/picture.ts'
export { findStimuli, StimulusFolder } from '../generation/pictures/stimuli.ts'
export type { Generation, GenerationStep } from '../generation/pipeline.ts'
export { type Scheduler, schedulerFromConfig, schedulers } from '../generation/schedulers/index.ts'
export type { MaskedTokensConfig, MaskedTokensSampling, TokenDraws } from '../generation/schedulers/masked-tokens.ts'
export type { NoiseSchedule } from '../generation/schedulers/noise-schedule.ts'
export type { Draw, Sampling } from '../generation/schedulers/sampling.ts'
export type { ControlEstimate, Estimate } from '../generation/scores/estimate.ts'
export { type MeasureName, measureNames } from '../generation/scores/measures.ts'
export type { Memorisation } from '../generation/scores/memorisation.ts'
export {
  type FolderScoreOptions,
  type FolderScores,
  type ScoredRow,
  scoreFolder,
} from '../generation/scores/score-folder.ts'
export {
  type LoggedPicture,
  type PictureScore,
  type PictureScores,
  type ScoreControl,
  type ScoreInput,
  type ScoreOptions,
  scorePictures,
} from '../generation/scores/score-pictures.ts'
export type { Pairing } from '../generation/scores/stimuli.ts'
export { fitSgdm, type SgdmFitOptions, type SgdmLossWeights, type Stimuli } from '../generation/sgdm/fit-sgdm.ts'
export { fitSgdmControlNet } from '../generation/sgdm/fit-sgdm-controlnet.ts'
export {
  fitNoisedClassifier,
  NoisedClassifier,
  type NoisedClassifierConfig,
} from '../generation/sgdm/noised-classifier.ts'
export { type EegReading, Sgdm, type SgdmConfig } from '../generation/sgdm/sgdm.ts'
export { type SgdmOptions, type SgdmParts, SgdmPipeline } from '../generation/sgdm/sgdm-pipeline.ts'
export type { PictureDrawing } from '../generation/sources/drawing.ts'
export { openPictureSource } from '../generation/sources/open-source.ts'
export {
  requirePreparedFor,
  type ToldTrials,
  trialsSeenBy,
  type WindowWork,
  workOfPrompts,
  workOfWindows,
} from '../generation/sources/picture-work.ts'
export { SentenceSource, type SentenceWork } from '../generation/sources/sentence-source.ts'
export type { StableDiffusionLoadOptions } from '../generation/stable-diffusion/load.ts'
export {
  type PromptEmbeddings,
  StableDiffusion,
  type StableDiffusionOptions,
  type StableDiffusionParts,
} from '../generation/stable-diffusion/stable-diffusion.ts'
export { VaeCodec } from '../generation/vae-codec.ts'
export type { PrefixPlace } from '../language/decoding.ts'
export {
  type EegText,
  EegToText,
  type EegToTextParts,
} from '../language/eeg-to-text.ts'
export { type FinetunedEpoch, type FinetuneTextOptions, finetuneText } from '../language/finetune-text.ts'
export type { GenerateOptions } from '../language/generate.ts'
export {
  type FoundKeyword,
  findKeyword,
  type KeywordAccuracy,
  keywordAccuracy,
} from '../language/keywords.ts'
export {
  type GeneratedText,
  type GenerateTextOptions,
  LanguageModel,
  type Prompts,
} from '../language/language-model.ts'
export type { LlamaModel, LoadLanguageOptions } from '../language/load-llama.ts'
export { type LabelledTokens, scoreText } from '../language/score-text.ts'
export { type TextVocabulary, textVocabularies } from '../language/vocabularies.ts'
export { labelsOfClasses, vocabularyOfClasses } from '../language/vocabulary-labels.ts'
export type { ChatMessage } from '../tokenizers/chat.ts'
export { type LoadTokenizerOptions, loadTokenizer } from '../tokenizers/load.ts'
export type { BatchOptions, EncodedBatch, EncodeOptions, Tokenizer } from '../tokenizers/tokenizer.ts'
