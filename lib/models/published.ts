import type { Checkpoint } from '../checkpoints/checkpoint.ts'
import { SelectedTensors } from '../checkpoints/selected-tensors.ts'
import type { TensorSource } from '../checkpoints/tensor-file.ts'
import { EegTorchError } from '../errors.ts'
import { isObject } from '../is-object.ts'
import { describeModels } from './option-names.ts'
import { PUBLISHED, type Published, type PublishedPart, UNCONCERNED } from './published-classes.ts'

type Config = Readonly<Record<string, unknown>>

/**
 * A checkpoint of diffusers or transformers as one of the registry's networks: its class becomes the network's name, its config the network's
 * options, and tensors of other parts, and buffers that older releases saved, are left out. Other checkpoints come back as they are.
 *
 * @param wanted the network's name: a class such as `CLIPModel` holds several
 * @throws EegTorchError `CHECKPOINT_MISMATCH` for a class that is not registered, or another than the one that is wanted; `INVALID_OPTION` for a
 *   field of the config that the network does not know
 */
export function asRegistered(checkpoint: Checkpoint, wanted?: string): Checkpoint {
  const { config } = checkpoint.metadata
  const className = classIn(config)
  if (config === undefined || className === undefined || checkpoint.metadata.model !== undefined) return checkpoint
  const published = Object.hasOwn(PUBLISHED, className) ? PUBLISHED[className]! : undefined
  if (published === undefined) {
    if (config._class_name === undefined) return checkpoint
    throw new EegTorchError(
      'CHECKPOINT_MISMATCH',
      `holds a network of the class ${className}, which is not registered`,
      {
        file: checkpoint.path,
        expected: Object.keys(PUBLISHED).join(', '),
      },
    )
  }
  const part = choosePart(published, className, wanted, checkpoint.path)
  return { ...checkpoint, ...registered(part, checkpoint, config) }
}

/** A checkpoint's own part of the registry: the network's name, its options, and its tensors alone. */
export function registered(
  part: PublishedPart,
  { path, metadata, tensors }: Checkpoint,
  config: Config,
): Pick<Checkpoint, 'metadata' | 'tensors'> {
  const options = part.read?.(config, path) ?? optionsOf(part, config, path)
  const own = tensorsOf(part, tensors)
  return {
    metadata: { ...metadata, model: part.network, config: options },
    tensors: part.source?.(own, options) ?? own,
  }
}

/** The class that a config names, as diffusers (`_class_name`) or transformers (`architectures`) writes it. */
function classIn(config: Config | undefined): string | undefined {
  if (typeof config?._class_name === 'string') return config._class_name
  const [first] = Array.isArray(config?.architectures) ? config.architectures : []
  return typeof first === 'string' ? first : undefined
}

function choosePart(parts: Published, className: string, wanted: string | undefined, file: string): PublishedPart {
  const [only, ...others] = parts
  const chosen = wanted === undefined && others.length === 0 ? only : parts.find(({ network }) => network === wanted)
  if (chosen !== undefined) return chosen
  const names = parts.map(({ network }) => network).join(' or ')
  if (wanted === undefined) {
    throw new EegTorchError('INVALID_OPTION', `a ${className} holds several networks`, {
      file,
      option: 'model',
      expected: names,
    })
  }
  throw new EegTorchError('CHECKPOINT_MISMATCH', 'the config describes another network', {
    file,
    expected: wanted,
    received: `${className}, which is ${names}`,
  })
}

/** The options of the network in a published config. What does not concern it is left out; what nobody knows is refused. */
function optionsOf(part: PublishedPart, whole: Config, file: string): Config {
  const own = part.section === undefined ? whole : sectionOf(part.section, whole, file)
  const config: Config = { ...part.defaults, ...own, ...part.derive?.(own, whole) }
  const known = new Set(
    describeModels()
      .get(part.network)
      ?.fields.map(({ name }) => name),
  )
  const options: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(config)) {
    if (known.has(name)) options[name] = value
    else if (!isUnconcerned(name, value, part)) throw unknownField(name, value, part, file)
  }
  return options
}

function sectionOf(section: string, whole: Config, file: string): Config {
  const own = whole[section]
  if (isObject(own)) return own
  throw new EegTorchError('FILE_INVALID', `the config has no ${section}`, { file })
}

function isUnconcerned(name: string, value: unknown, { ignored = [] }: PublishedPart): boolean {
  // what is switched off changes nothing, whatever it is
  const isOff = value === null || value === false
  return isOff || name.startsWith('_') || UNCONCERNED.has(name) || ignored.includes(name)
}

function unknownField(name: string, value: unknown, { network }: PublishedPart, file: string): EegTorchError {
  const field = name.slice(0, 100)
  return new EegTorchError('INVALID_OPTION', `the config has a field ${field} that ${network} does not know`, {
    file,
    option: field,
    received: JSON.stringify(value)?.slice(0, 100) ?? 'nothing',
  })
}

function tensorsOf({ tensors: isPart, unused }: PublishedPart, source: TensorSource): TensorSource {
  const kept = source.names.filter((name) => (isPart?.test(name) ?? true) && !unused?.test(name))
  if (kept.length === source.names.length) return source
  return new SelectedTensors(source, new Map(kept.map((name) => [name, { from: name }])))
}
