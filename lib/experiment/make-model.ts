import type { EegWindows } from '../datasets/windows.ts'
import { EegTorchError } from '../errors.ts'
import type { ModelName } from '../models/configs.generated.ts'
import type { Model } from '../models/model.ts'
import { type ModelFactory, models } from '../models/models.ts'

/** A network whose sizes fit the windows. */
export function makeModel<N extends ModelName>(
  factory: ModelFactory<N>,
  windows: EegWindows,
  options: Readonly<Record<string, unknown>> = {},
): Model<N> {
  const known = new Set(
    models
      .list()
      .find(({ name }) => name === factory.modelName)!
      .options.map(({ name }) => name),
  )
  const sizes = { nChans: windows.nChannels, nOutputs: windows.classNames.length, nTimes: windows.nSamples }
  const missing = Object.keys(sizes).find((name) => !known.has(name))
  if (missing !== undefined) {
    throw new EegTorchError('INVALID_OPTION', `${factory.modelName} does not classify windows of EEG`, {
      option: 'model',
      expected: 'a model with the options nChans, nOutputs and nTimes',
      received: `one without ${missing}`,
    })
  }
  const rate = known.has('sfreq') ? { sfreq: windows.samplingRate } : {}
  return models.create(factory.modelName, { ...sizes, ...rate, ...options })
}
