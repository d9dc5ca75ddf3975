export { FittedPipeline, type StoredPipeline } from '../preprocessing/fitted-pipeline.ts'
export type { LiveEvent } from '../preprocessing/live-windows.ts'
export { Pipeline } from '../preprocessing/pipeline.ts'
export { type Recipe, type RecipeName, recipes } from '../preprocessing/recipes.ts'
export type { PipelineSource, Step } from '../preprocessing/schema.ts'
export type { TrialOptions } from '../preprocessing/step.ts'
export type { StepName, StepSource } from '../preprocessing/steps/index.ts'
export type { PipelineStream, StreamOptions, StreamOutput } from '../preprocessing/stream.ts'
export type { AnalyticOptions } from '../signal/analytic.ts'
export type { BadChannelOptions, BadChannels } from '../signal/bad-channels.ts'
export { BandPass, type BandPassOptions } from '../signal/band-pass.ts'
export type { FilterSection } from '../signal/butterworth.ts'
export type {
  CovarianceOptions,
  CspOptions,
  RiemannMean,
  RiemannMeanOptions,
  SpatialPatterns,
} from '../signal/covariance.ts'
export type {
  FastIcaOptions,
  IcaWhitening,
  InfomaxOptions,
  PicardOptions,
  PrincipalComponents,
  Unmixing,
} from '../signal/decomposition.ts'
export { type EpochOptions, type Epochs, type FixedLengthOptions, fixedLengthEvents } from '../signal/epochs.ts'
export type { EyeComponents, EyeOptions } from '../signal/eye-components.ts'
export type { ButterType } from '../signal/filters.ts'
export type { FirwinOptions } from '../signal/firwin.ts'
export type { FrequencyRange } from '../signal/frequencies.ts'
export type { ElectrodePlaces } from '../signal/head-positions.ts'
export { findHeartbeats } from '../signal/heartbeats.ts'
export { Ica, type IcaApplyOptions, type IcaOptions, type IcaSearch } from '../signal/ica.ts'
export { type AsyncSignal, asyncSignal, type Signal, signal } from '../signal/index.ts'
export type { MneFilterOptions, MneNotchOptions } from '../signal/mne.ts'
export type { MneFirOptions } from '../signal/mne-design.ts'
export type { PolyphasePad } from '../signal/resampling.ts'
export type { MovingOptions } from '../signal/scaling.ts'
export type { SplineOptions } from '../signal/space.ts'
export type {
  MorletOptions,
  MultitaperOptions,
  PowerSpectrum,
  SegmentOptions,
  Spectrogram,
  SpectrumWindow,
  WelchOptions,
} from '../signal/spectra.ts'
export { FirStream, SignalStream, SosStream, StandardizeStream } from '../signal/streams.ts'
export type { Taper } from '../signal/taper.ts'
