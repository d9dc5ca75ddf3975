import { EegTorchError } from '../errors.ts'
import { snakeCase } from '../names.ts'
import { Tensor } from '../tensor.ts'
import { nativeTraining as native } from './native.ts'
import type {
  AmplitudeScaleOptions,
  BandstopFilterOptions,
  ChannelsDropoutOptions,
  ChannelsRerefOptions,
  ChannelsShuffleOptions,
  ChannelsSymmetryOptions,
  FrequencyShiftOptions,
  FtSurrogateOptions,
  GaussianNoiseOptions,
  MaskEncodingOptions,
  MixupOptions,
  SegmentRecombinationOptions,
  SignFlipOptions,
  SmoothTimeMaskOptions,
  TimeReverseOptions,
  TimeShiftOptions,
} from './options.generated.ts'
import { toNativeOptions } from './options.ts'
import type { Batch } from './train-step.ts'

/** A random change of training batches by name with its options; make one with {@link augment}. */
export type Augmentation = { readonly name: string } & Readonly<Record<string, unknown>>

const makers = {
  timeReverse: (options: TimeReverseOptions = {}) => named('time_reverse', options),
  signFlip: (options: SignFlipOptions = {}) => named('sign_flip', options),
  ftSurrogate: (options: FtSurrogateOptions = {}) => named('ft_surrogate', options),
  channelsDropout: (options: ChannelsDropoutOptions = {}) => named('channels_dropout', options),
  channelsShuffle: (options: ChannelsShuffleOptions = {}) => named('channels_shuffle', options),
  channelsSymmetry: (options: ChannelsSymmetryOptions = {}) => named('channels_symmetry', options),
  channelsReref: (options: ChannelsRerefOptions = {}) => named('channels_reref', options),
  gaussianNoise: (options: GaussianNoiseOptions = {}) => named('gaussian_noise', options),
  amplitudeScale: (options: AmplitudeScaleOptions = {}) => named('amplitude_scale', options),
  smoothTimeMask: (options: SmoothTimeMaskOptions = {}) => named('smooth_time_mask', options),
  maskEncoding: (options: MaskEncodingOptions = {}) => named('mask_encoding', options),
  timeShift: (options: TimeShiftOptions = {}) => named('time_shift', options),
  bandstopFilter: (options: BandstopFilterOptions = {}) => named('bandstop_filter', options),
  frequencyShift: (options: FrequencyShiftOptions = {}) => named('frequency_shift', options),
  segmentRecombination: (options: SegmentRecombinationOptions = {}) => named('segment_recombination', options),
  mixup: (options: MixupOptions = {}) => named('mixup', options),
}

/**
 * Random changes of batches (batch, channels, samples) while training. Each example changes with a probability, 0.5 unless said otherwise.
 * Names, options and definitions are those of braindecode.augmentation where it has them.
 *
 * {@link fit} fills in what follows from windows: `sfreq` of `bandstopFilter` and `frequencyShift`, `permutation` of `channelsSymmetry`.
 */
export const augment: {
  /** Runs windows backwards. */
  timeReverse(options?: TimeReverseOptions): Augmentation
  /** Turns all channels upside down. */
  signFlip(options?: SignFlipOptions): Augmentation
  /** Keeps the spectrum and draws other phases (Schwabedal et al. 2018). */
  ftSurrogate(options?: FtSurrogateOptions): Augmentation
  /** Lets some channels go flat (Saeed et al. 2020). */
  channelsDropout(options?: ChannelsDropoutOptions): Augmentation
  /** Lets some channels change places (Saeed et al. 2020). */
  channelsShuffle(options?: ChannelsShuffleOptions): Augmentation
  /** Lets left and right channels change sides (Deiss et al. 2018); {@link mirrorChannels} makes the permutation. */
  channelsSymmetry(options?: ChannelsSymmetryOptions): Augmentation
  /** Takes another channel as the reference (Mohsenvand et al. 2020). */
  channelsReref(options?: ChannelsRerefOptions): Augmentation
  /** Adds white noise, in the unit of the windows: standard deviations where they are standardised. */
  gaussianNoise(options?: GaussianNoiseOptions): Augmentation
  /** Multiplies each channel by a factor (Mohsenvand et al. 2020). */
  amplitudeScale(options?: AmplitudeScaleOptions): Augmentation
  /** Fades a stretch of all channels to zero (Mohsenvand et al. 2020). */
  smoothTimeMask(options?: SmoothTimeMaskOptions): Augmentation
  /** Sets stretches of all channels to zero (Ding et al. 2024). */
  maskEncoding(options?: MaskEncodingOptions): Augmentation
  /** Moves all channels in time (Mohsenvand et al. 2020). */
  timeShift(options?: TimeShiftOptions): Augmentation
  /** Takes a narrow band of frequencies out (Mohsenvand et al. 2020). */
  bandstopFilter(options?: BandstopFilterOptions): Augmentation
  /** Moves the spectrum up or down (Rommel et al. 2022). */
  frequencyShift(options?: FrequencyShiftOptions): Augmentation
  /** Puts windows together from stretches of others of their class (Lotte 2015). The classes must be the batch's only target. */
  segmentRecombination(options?: SegmentRecombinationOptions): Augmentation
  /** Mixes pairs of examples and their labels (Zhang et al. 2018). Comes last; for cross entropy, focal loss and targets of floats. */
  mixup(options?: MixupOptions): Augmentation
} = makers

function named(name: string, options: object): Augmentation {
  return { ...options, name }
}

/** What windows tell that augmentations may need. */
export interface WindowFacts {
  readonly samplingRate: number
  readonly channelNames: readonly string[]
}

/** Augmentations with the options that follow from the windows, where they were not given. Names may be camelCase. */
export function completeAugmentations(list: readonly Augmentation[], windows?: WindowFacts): Augmentation[] {
  return list.map((augmentation) => {
    const name = snakeCase(augmentation.name)
    const missing = (option: string) => windows !== undefined && augmentation[option] === undefined
    if (['bandstop_filter', 'frequency_shift'].includes(name) && missing('sfreq'))
      return { ...augmentation, name, sfreq: windows!.samplingRate }
    if (name === 'channels_symmetry' && missing('permutation'))
      return { ...augmentation, name, permutation: mirrorChannels(windows!.channelNames) }
    return { ...augmentation, name }
  })
}

/**
 * For each channel the number of the one on the other side of the head, as 10-20 names tell it: odd numbers are left, the even one after each is
 * its mirror. Channels without a number, or without a counterpart, stand for themselves.
 */
export function mirrorChannels(names: readonly string[]): number[] {
  const places = new Map(names.map((name, i) => [name.toUpperCase(), i]))
  return names.map((name, i) => {
    const digits = /\d+/.exec(name)
    if (digits === null) return i
    const number = Number(digits[0])
    const other = name.replace(digits[0], String(number % 2 === 0 ? number - 1 : number + 1))
    return places.get(other.toUpperCase()) ?? i
  })
}

/**
 * What augmentations make of a batch, to look at or to train on by other means; `fit` and training steps have an option `augmentations`.
 *
 * @param options seed: the same one gives the same result; without it the process's random numbers are used
 * @returns tensors of the caller's: the inputs, and the targets, of which mixup makes three: classes, classes of the partners, shares
 * @throws EegTorchError `INVALID_OPTION`, `UNKNOWN_NAME`, `SHAPE_MISMATCH` for inputs that are not (batch, channels, samples)
 */
export async function augmentBatch(
  { inputs, targets }: { inputs: Batch['inputs']; targets?: Batch['targets'] },
  augmentations: readonly Augmentation[],
  { seed }: { seed?: number } = {},
): Promise<{ inputs: Tensor[]; targets: Tensor[] }> {
  if (seed !== undefined && !Number.isSafeInteger(seed)) {
    throw new EegTorchError('INVALID_OPTION', 'the seed is not usable', {
      option: 'seed',
      expected: 'a whole number',
      received: String(seed),
    })
  }
  const ids = (tensors: Tensor | readonly Tensor[]) => [tensors].flat().map(({ id }) => id)
  const described = toNativeOptions(completeAugmentations(augmentations))
  const changed = await native.augmentBatch(described, ids(inputs), ids(targets ?? []), seed ?? null)
  return { inputs: changed.inputs.map((id) => new Tensor(id)), targets: changed.targets.map((id) => new Tensor(id)) }
}
