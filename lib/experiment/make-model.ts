import { montageOf } from '../datasets/montages.ts'
import type { EegWindows } from '../datasets/windows.ts'
import { EegTorchError } from '../errors.ts'
import type { ModelName } from '../models/configs.generated.ts'
import type { Model } from '../models/model.ts'
import { type ModelDescription, type ModelFactory, models } from '../models/models.ts'

type Options = Readonly<Record<string, unknown>>

/**
 * A network whose sizes fit the windows. One that tells brain regions apart knows them by the names of the channels.
 *
 * @throws EegTorchError `INVALID_OPTION` for a model that does not classify windows, or none of this length or these channels
 */
export function makeModel<N extends ModelName>(
  factory: ModelFactory<N>,
  windows: EegWindows,
  options: Options = {},
): Model<N> {
  const described = models.list().find(({ name }) => name === factory.modelName)!
  return models.create(factory.modelName, { ...sizesFor(described, windows, options), ...options })
}

function sizesFor(model: ModelDescription, windows: EegWindows, options: Options): Options {
  const nOutputs = windows.classNames.length
  if (hasOptions(model, WHOLE)) {
    const rate = hasOptions(model, ['sfreq']) ? { sfreq: windows.samplingRate } : {}
    return { nChans: windows.nChannels, nOutputs, nTimes: windows.nSamples, ...rate }
  }
  if (hasOptions(model, IN_PATCHES)) {
    const regions = options.brainRegions === undefined ? montageOf(windows.channelNames).csbrain() : {}
    return { nOutputs, nPatches: countPatches(model, windows, options), ...regions }
  }
  throw new EegTorchError('INVALID_OPTION', `${model.name} does not classify windows of EEG`, {
    option: 'model',
    expected: `a model with the options ${WHOLE.join(', ')}, or ${IN_PATCHES.join(', ')}`,
    received: `one without ${WHOLE.find((name) => !hasOptions(model, [name]))}`,
  })
}

/** Options of networks that take windows as they are, and of those that take them as patches of channels over known regions. */
const WHOLE = ['nChans', 'nOutputs', 'nTimes']
const IN_PATCHES = ['nOutputs', 'nPatches', 'inDim', 'brainRegions']

function hasOptions({ options }: ModelDescription, wanted: readonly string[]): boolean {
  return wanted.every((name) => options.some((option) => option.name === name))
}

function countPatches(model: ModelDescription, { nSamples, samplingRate }: EegWindows, options: Options): number {
  const length = Number(options.inDim ?? model.options.find(({ name }) => name === 'inDim')!.default)
  const patches = nSamples / length
  if (Number.isInteger(patches)) return patches
  throw new EegTorchError('INVALID_OPTION', `${model.name} takes windows of whole patches`, {
    option: 'window',
    expected: `a multiple of ${length} samples`,
    received: `${nSamples} samples at ${samplingRate} Hz`,
  })
}
