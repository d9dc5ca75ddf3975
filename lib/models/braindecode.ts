import type { Checkpoint } from '../checkpoints/checkpoint.ts'
import type { Model } from './model.ts'
import { describeModels } from './option-names.ts'

/** The release whose names and files these are. */
const BRAINDECODE_VERSION = '1.8.1'
/** Networks that take braindecode's names and options. */
const BRAINDECODE_MODELS = ['eegnet', 'deep4net', 'shallow_fbcsp_net', 'eeg_conformer', 'atcnet']

export function isBraindecodeModel(name: string): boolean {
  return BRAINDECODE_MODELS.includes(name)
}

/** What braindecode's `config.json` says of a model, for `from_pretrained`. */
export function braindecodeConfig(model: Model, source: Checkpoint): Record<string, unknown> {
  const types = new Map(
    describeModels()
      .get(model.name)
      ?.fields.map((field) => [field.name, field.type]),
  )
  const isClass = (option: string) => types.get(option)?.includes("'ELU'")
  const options = Object.entries(model.referenceConfig).map(([option, value]) => [
    option,
    isClass(option) && typeof value === 'string' ? pythonPath(value) : value,
  ])
  return {
    input_window_seconds: null,
    sfreq: null,
    ...Object.fromEntries(options),
    // a rate that braindecode was not given is not made up
    ...(source.metadata.config?.sfreq === null && { sfreq: null }),
    chs_info: channelsOf(source, model.referenceConfig.n_chans),
    braindecode_version: BRAINDECODE_VERSION,
  }
}

/** Where Python imports the class of a nonlinearity from. */
function pythonPath(name: string): string {
  if (name === 'Identity') return 'torch.nn.modules.linear.Identity'
  const module = name === 'Square' || name === 'SafeLog' ? 'braindecode.modules' : 'torch.nn.modules'
  return `${module}.activation.${name}`
}

/** Channels as braindecode had them, or the names that `eegtorch train` stored; null where they are not known. */
function channelsOf({ metadata }: Checkpoint, count: unknown): unknown {
  const stored = metadata.config?.chs_info
  if (Array.isArray(stored) && stored.length === count) return stored
  const { channels } = metadata
  const isNamed = Array.isArray(channels) && channels.length === count && channels.every((n) => typeof n === 'string')
  return isNamed ? channels.map((ch_name: string) => ({ ch_name, kind: 'eeg' })) : null
}
