import { parse } from 'yaml'
import { readSmallText } from '../checkpoints/json-file.ts'
import { EegTorchError } from '../errors.ts'

/**
 * Options of a network from a YAML or JSON file: by themselves, or under `config` as eegtorch's metadata has them.
 *
 * @throws EegTorchError `FILE_NOT_FOUND`, `FILE_INVALID`
 */
export function readModelConfig(file: string): Record<string, unknown> {
  const options = parseYaml(readSmallText(file), file)
  if (isObject(options)) return isObject(options.config) ? options.config : options
  throw new EegTorchError('FILE_INVALID', 'this holds no options', {
    file,
    expected: 'names and values, such as n_times: 1000',
  })
}

function parseYaml(text: string, file: string): unknown {
  try {
    return parse(text)
  } catch (cause) {
    throw new EegTorchError('FILE_INVALID', 'this is neither YAML nor JSON', { file, cause })
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
