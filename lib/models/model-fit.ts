import type { Checkpoint } from '../checkpoints/checkpoint.ts'
import { EegTorchError } from '../errors.ts'
import { atOnce, type Pieces } from '../files/in-pieces.ts'
import type { ModelName } from './configs.generated.ts'
import { matchNames } from './match-names.ts'
import { Model } from './model.ts'
import { models } from './models.ts'
import { nativeModels } from './native-models.ts'
import { toReferenceNames } from './option-names.ts'
import { optionsFromShapes } from './shape-options.ts'
import { knownOptions, storedConfig } from './stored-config.ts'

/** How well a checkpoint's tensors fit a registered model. */
export interface ModelFit {
  model: string
  /** Names that the model has and the checkpoint lacks. */
  missing: string[]
  /** Names that the checkpoint has and the model lacks. */
  extra: string[]
  /** Tensors of one name and two shapes, `name: [found] instead of [expected]`. */
  reshaped: string[]
  /** How many tensors the checkpoint names otherwise: as an older release or another project, or under a prefix. */
  renamed: number
  /** Everything fits: `models.load` takes it. */
  exact: boolean
}

/** A model for a checkpoint's tensors, its own not drawn, and how they fit. Dispose of the model. */
export interface FittedModel {
  model: Model
  /** The checkpoint's names, to the model's. */
  names: ReadonlyMap<string, string>
  fit: ModelFit
}

/**
 * Compares a checkpoint with every registered model that shares a name with it, best first. Options come from `config`, the checkpoint's config and its shapes;
 * where a model does not take these, from its defaults; then shapes may differ where names agree.
 */
export function fitModels(checkpoint: Checkpoint, config: Readonly<Record<string, unknown>> = {}): ModelFit[] {
  const fits = models.list().flatMap(({ name }) => {
    const fitted = tryFit(name, checkpoint, config)
    fitted?.model.dispose()
    // a network without weights, such as eeg_token_reducer, is no likeness
    return fitted === undefined || fitted.names.size === 0 ? [] : [fitted.fit]
  })
  return fits.sort((a, b) => distance(a) - distance(b))
}

/** None where the model of the options, and the one of the defaults, is far larger than the checkpoint. */
function tryFit(
  name: ModelName,
  checkpoint: Checkpoint,
  config: Readonly<Record<string, unknown>>,
): FittedModel | undefined {
  const given = { ...storedConfig(name, checkpoint), ...knownOptions(name, config) }
  for (const options of [{ ...optionsFromShapes(name, checkpoint.tensors.tensors), ...given }, given, {}]) {
    try {
      return atOnce(comparing(new Model(name, options, weightBudget(checkpoint), false), checkpoint))
    } catch (error) {
      if (!(error instanceof EegTorchError)) throw error
    }
  }
  return undefined
}

/**
 * Makes the model of a name for a checkpoint. The caller's options stand before the file's, and those before what shapes tell.
 *
 * @throws EegTorchError `UNKNOWN_NAME`, `INVALID_OPTION`, `CHECKPOINT_MISMATCH` for a config that asks for more than the file has
 */
export function fitModel(
  name: string,
  checkpoint: Checkpoint,
  config: Readonly<Record<string, unknown>> = {},
): FittedModel {
  return atOnce(fitting(name, checkpoint, config))
}

/** {@link fitModel} as work that stops between its parts: large networks have hundreds of tensors. */
export function* fitting(
  name: string,
  checkpoint: Checkpoint,
  config: Readonly<Record<string, unknown>>,
): Pieces<FittedModel> {
  const options = {
    ...optionsFromShapes(name, checkpoint.tensors.tensors),
    ...storedConfig(name, checkpoint),
    ...toReferenceNames(name, config),
  }
  const model = new Model(name as ModelName, options, weightBudget(checkpoint), false)
  yield
  return yield* comparing(model, checkpoint)
}

/** What tensors of unknown use, and a network of a few weights, may take. */
const FREE_BYTES = 16 * 2 ** 20
/** Float32 for 8-bit floats, twice, as setting up weights may need memory besides. */
const BYTES_PER_STORED = 8

/** How many bytes a network may take whose config comes from a file: no more than follows from the weights that are there. */
export function weightBudget({ tensors }: Pick<Checkpoint, 'tensors'>): number {
  const storages = new Set([...tensors.tensors.values()].map(({ storage }) => storage))
  return FREE_BYTES + [...storages].reduce((sum, { bytes }) => sum + BYTES_PER_STORED * bytes, 0)
}

function* comparing(model: Model, { tensors: { tensors: stored } }: Checkpoint): Pieces<FittedModel> {
  const shapes = shapesOf(model)
  yield
  const { names, missing, extra } = matchNames([...shapes.keys()], nativeModels.modelOlderNames(model.id), [
    ...stored.keys(),
  ])
  yield
  const reshaped: string[] = []
  for (const [name, own] of names) {
    const [found, expected] = [stored.get(name)!.shape, shapes.get(own)!]
    if (found.join() !== expected.join()) reshaped.push(`${own}: [${found}] instead of [${expected}]`)
  }
  const lacking = withoutTied(missing, names, nativeModels.modelTies(model.id))
  const renamed = [...names].filter(([name, own]) => name !== own).length
  const exact = lacking.length + extra.length + reshaped.length === 0
  return {
    model,
    names,
    fit: { model: model.name, missing: lacking, extra: [...extra], reshaped, renamed, exact },
  }
}

/** What is missing under every name that a tensor has in the network: tied ones are stored once. */
function withoutTied(
  missing: readonly string[],
  names: ReadonlyMap<string, string>,
  ties: Readonly<Record<string, string>>,
): string[] {
  const first = (name: string) => (Object.hasOwn(ties, name) ? ties[name]! : name)
  const found = new Set([...names.values()].map(first))
  return missing.filter((name) => !found.has(first(name)))
}

function shapesOf(model: Model): Map<string, readonly number[]> {
  const { names, shapes } = nativeModels.modelShapes(model.id)
  return new Map(names.map((name, i) => [name, shapes[i]!]))
}

// Names tell more than shapes, which follow from the options.
function distance({ missing, extra, reshaped }: ModelFit): number {
  return missing.length + extra.length + reshaped.length / 1000
}

/** Whether the names agree, whatever the shapes. */
export function hasEveryName({ missing, extra }: ModelFit): boolean {
  return missing.length + extra.length === 0
}

/** The network's names, in its order, to those of the checkpoint; tied tensors are stored once. */
export function storedNames({ model, names }: FittedModel): Map<string, string> {
  const stored = new Map([...names].map(([name, own]) => [own, name]))
  return new Map(model.tensorNames().flatMap((own) => (stored.has(own) ? [[own, stored.get(own)!] as const] : [])))
}

const NAMES_SHOWN = 5

/** What does not fit, in words: `missing a, b; extra c; other shape d: [1] instead of [2]`. */
export function describeMisfit({ missing, extra, reshaped }: ModelFit): string {
  const part = (what: string, names: readonly string[]) => {
    if (names.length === 0) return []
    const more = names.length > NAMES_SHOWN ? ` and ${names.length - NAMES_SHOWN} more` : ''
    return [
      `${what} ${names
        .slice(0, NAMES_SHOWN)
        .map((name) => printable(name, 80))
        .join(', ')}${more}`,
    ]
  }
  return [...part('missing', missing), ...part('extra', extra), ...part('other shape', reshaped)].join('; ')
}

/**
 * @param model the one that was compared: of its sizes that no file tells, those that would change what does not fit are named
 * @throws EegTorchError `CHECKPOINT_MISMATCH` that lists what does not fit
 */
export function requireFit(fit: ModelFit, file: string, model?: Model): void {
  if (fit.exact) return
  const sizes = model === undefined || !hasEveryName(fit) ? [] : sizesBehind(model, fit.reshaped)
  throw new EegTorchError('CHECKPOINT_MISMATCH', `the weights do not fit ${fit.model}: ${describeMisfit(fit)}`, {
    file,
    ...(sizes.length > 0 && { expected: `another ${sizes.join(' or ')}, said in config` }),
  })
}

/** Sizes that follow from windows. */
const SIZES = ['nChans', 'nTimes', 'nOutputs']

/** Those sizes that decide a length that does not fit, with what they were taken for: `nTimes than 1000`. */
function sizesBehind({ name, config }: Model, reshaped: readonly string[]): string[] {
  const misfits = reshaped.map((told) => /^(.*): \[([\d,]*)\] instead of /.exec(told)!)
  const known = config as Readonly<Record<string, unknown>>
  const shapesWith = (options: Readonly<Record<string, unknown>>) => {
    using model = new Model(name, options, undefined, false)
    return shapesOf(model)
  }
  const before = shapesWith(known)
  return SIZES.filter((size) => typeof known[size] === 'number').flatMap((size) => {
    try {
      const after = shapesWith({ ...known, [size]: 2 * (known[size] as number) })
      const decides = misfits.some(([, tensor, found]) => {
        const [old, changed] = [before.get(tensor!)!, after.get(tensor!)]
        return found!.split(',').some((length, axis) => Number(length) !== old[axis] && changed?.[axis] !== old[axis])
      })
      return decides ? [`${size} than ${known[size]}`] : []
    } catch (error) {
      if (error instanceof EegTorchError) return []
      throw error
    }
  })
}

/** Text of a file for a terminal: no colours, cursor moves or line ends of its own, and not endless. */
export function printable(text: string, length = 200): string {
  const plain = text.replace(/\p{Cc}/gu, (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`)
  return plain.length > length ? `${plain.slice(0, length)}…` : plain
}

/**
 * The model that a checkpoint holds: the one it names, else the one whose tensors are called so.
 *
 * @throws EegTorchError `CHECKPOINT_MISMATCH` that tells which came closest, and what it lacks
 */
export function modelIn(checkpoint: Checkpoint, config: Readonly<Record<string, unknown>> = {}): string {
  const { model } = checkpoint.metadata
  if (typeof model === 'string') return model
  const [best] = fitModels(checkpoint, config)
  if (best !== undefined && hasEveryName(best)) return best.model
  throw new EegTorchError('CHECKPOINT_MISMATCH', 'the checkpoint does not say which model it holds, and none fits', {
    file: checkpoint.path,
    expected: 'a model by name',
    received: best ? `tensors closest to ${best.model} (${describeMisfit(best)})` : 'tensors of no registered model',
  })
}
