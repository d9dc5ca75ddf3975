import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type JsonObject, readJsonObject } from '../../checkpoints/json-file.ts'
import { EegTorchError } from '../../errors.ts'

const INDEX = 'model_index.json'

/** A part of a pipeline: a network, a tokeniser, a scheduler. */
export interface PipelineComponent {
  /** Of Python: `diffusers` or `transformers`. */
  readonly library: string
  /** Such as `UNet2DConditionModel`. */
  readonly className: string
  /** Its folder. */
  readonly path: string
}

/** A folder of diffusers: what `model_index.json` says of it. */
export class PipelineFolder {
  readonly path: string
  /** Such as `StableDiffusionPipeline`. */
  readonly className: string
  /** Parts that the folder has, by name: `unet`, `vae`, `text_encoder`. Those that the index leaves empty are left out. */
  readonly components: ReadonlyMap<string, PipelineComponent>
  /** What else the index says, such as `requires_safety_checker`. */
  readonly settings: JsonObject

  constructor(path: string, className: string, components: Map<string, PipelineComponent>, settings: JsonObject) {
    this.path = path
    this.className = className
    this.components = components
    this.settings = settings
  }

  /**
   * The folder of a part, for `models.load` and the readers of tokenisers and schedulers.
   *
   * @param classNames classes that will do; any where none is given
   * @throws EegTorchError `FILE_NOT_FOUND` for a part that is not there, `CHECKPOINT_MISMATCH` for one of another class
   */
  component(name: string, ...classNames: string[]): PipelineComponent {
    const found = this.components.get(name)
    if (found === undefined) {
      throw new EegTorchError('FILE_NOT_FOUND', `the ${this.className} has no ${name}`, {
        file: this.path,
        expected: `one of ${[...this.components.keys()].join(', ')}`,
      })
    }
    if (!existsSync(found.path)) {
      throw new EegTorchError('FILE_NOT_FOUND', `${INDEX} names a ${name} whose folder is missing`, {
        file: found.path,
        expected: `the folder of a ${found.className}`,
      })
    }
    if (classNames.length === 0 || classNames.includes(found.className)) return found
    throw new EegTorchError('CHECKPOINT_MISMATCH', `the ${name} is of another class`, {
      file: this.path,
      expected: classNames.join(' or '),
      received: found.className,
    })
  }
}

/**
 * Reads the index of a folder as diffusers' `save_pretrained` lays it out; no weights are opened.
 *
 * @throws EegTorchError `FILE_NOT_FOUND`, `FILE_INVALID`; `FILE_UNSAFE` for a part that would lie outside of the folder
 */
export function openPipelineFolder(path: string): PipelineFolder {
  const file = join(path, INDEX)
  if (!existsSync(file)) {
    throw new EegTorchError('FILE_NOT_FOUND', 'this is no folder of a pipeline', { file: path, expected: INDEX })
  }
  const index = readJsonObject(file)
  const className = index._class_name
  if (typeof className !== 'string') throw new EegTorchError('FILE_INVALID', 'the index names no _class_name', { file })
  const components = new Map<string, PipelineComponent>()
  const settings: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(index)) {
    if (name.startsWith('_')) continue
    if (!isComponent(value)) settings[name] = value
    else if (value[0] !== null && value[1] !== null) {
      components.set(name, { library: value[0], className: value[1], path: join(path, plainName(name, file)) })
    }
  }
  return new PipelineFolder(path, className, components, settings)
}

function isComponent(value: unknown): value is [string, string] | [null, null] {
  return Array.isArray(value) && value.length === 2 && value.every((item) => item === null || typeof item === 'string')
}

function plainName(name: string, file: string): string {
  if (/^[\w-]+$/.test(name)) return name
  throw new EegTorchError('FILE_UNSAFE', 'the index names a part outside of its folder', {
    file,
    expected: 'the plain name of a folder',
    received: JSON.stringify(name.slice(0, 100)),
  })
}
