import { readSmallText } from '../checkpoints/json-file.ts'
import { EegTorchError } from '../errors.ts'
import { parseYaml } from '../files/yaml.ts'
import { isObject } from '../is-object.ts'

/**
 * Options of a network from a YAML or JSON file: by themselves, or under `config` as eegtorch's metadata has them.
 *
 * @throws EegTorchError `FILE_NOT_FOUND`, `FILE_INVALID`, `FILE_UNSAFE`
 */
export function readModelConfig(file: string): Record<string, unknown> {
  const options = parseYaml(readSmallText(file), 'list of options', file)
  if (isObject(options)) return isObject(options.config) ? options.config : options
  throw new EegTorchError('FILE_INVALID', 'this holds no options', {
    file,
    expected: 'names and values, such as n_times: 1000',
  })
}
