import type { Checkpoint } from '../checkpoints/checkpoint.ts'
import { isObject } from '../is-object.ts'
import { describeModels, toReferenceNames } from './option-names.ts'

/** Options that braindecode called otherwise before release 0.8. */
const OLDER_OPTIONS: Readonly<Record<string, string>> = {
  in_chans: 'n_chans',
  n_classes: 'n_outputs',
  input_window_samples: 'n_times',
  first_conv_nonlin: 'activation_first_conv_nonlin',
  later_conv_nonlin: 'activation_later_conv_nonlin',
}

/**
 * The checkpoint's config, as far as the model has such options, in the reference's spelling. braindecode's `config.json` also holds what
 * its models do not use, null for what was not given, sizes in other words (`chs_info`, `input_window_seconds`), and classes by their
 * path in Python.
 */
export function storedConfig(name: string, { metadata }: Checkpoint): Record<string, unknown> {
  return knownOptions(name, withSizes(asRecord(metadata.config)))
}

/** Those of some options that a model has, in the reference's spelling; null where it may be null. */
export function knownOptions(name: string, options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const fields = describeModels().get(name)?.fields ?? []
  const types = new Map(fields.map((field) => [field.name, field.type]))
  const isGiven = ([key, value]: [string, unknown]) =>
    types.has(key) && (value !== null || types.get(key)!.includes('null'))
  const given = Object.entries(toReferenceNames(name, options)).filter(isGiven)
  return Object.fromEntries(given.map(([key, value]) => [key, className(value)]))
}

function withSizes(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const today = Object.fromEntries(
    Object.entries(config).map(([key, value]) => [
      Object.hasOwn(OLDER_OPTIONS, key) ? OLDER_OPTIONS[key]! : key,
      value,
    ]),
  )
  const { n_chans, n_times, chs_info, input_window_seconds, sfreq } = today
  if (n_chans == null && Array.isArray(chs_info)) today.n_chans = chs_info.length
  if (n_times == null && typeof input_window_seconds === 'number' && typeof sfreq === 'number') {
    today.n_times = Math.round(input_window_seconds * sfreq)
  }
  return today
}

/** Names of the channels that braindecode was given, if it was. */
export function storedChannels({ metadata }: Checkpoint): string[] | undefined {
  const { chs_info } = asRecord(metadata.config)
  if (!Array.isArray(chs_info)) return undefined
  const names = chs_info.map((channel) => asRecord(channel).ch_name)
  return names.every((name) => typeof name === 'string') ? (names as string[]) : undefined
}

function asRecord(value: unknown): Record<string, unknown> {
  return isObject(value) ? value : {}
}

/** `torch.nn.modules.activation.GELU` is GELU, `braindecode.modules.activation.Square` is Square. */
function className(value: unknown): unknown {
  return typeof value === 'string'
    ? value.replace(/^(?:torch\.nn|braindecode\.modules)\.(?:\w+\.)*(\w+)$/, '$1')
    : value
}
