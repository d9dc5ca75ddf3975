import { type OpenCheckpointOptions, openCheckpoint } from '../checkpoints/checkpoint.ts'
import { EegTorchError } from '../errors.ts'
import type { Tensor } from '../tensor.ts'
import { namingFile } from './load.ts'
import { matchNames, type NameMatch, prefixesOf } from './match-names.ts'
import type { Model } from './model.ts'
import { printable } from './model-fit.ts'
import { nativeModels } from './native-models.ts'

/** What a network took of a checkpoint, and what not. */
export interface FittingWeights {
  /** Tensors of the network that were copied in. */
  loaded: string[]
  /** Tensors of the network that stay as they were, such as a new classifier's. */
  left: string[]
  /** Tensors of the checkpoint that the network has no place for, or one of another shape or type. */
  unused: string[]
}

/**
 * Copies of a checkpoint what fits a network by name, shape and kind of number, to fine-tune it: the rest keeps its initial values. An encoder finds
 * its place in a larger network too, as CSBrain's in `csbrain_classifier`.
 *
 * @returns what was copied and what was not: look at it, since nothing is an error as long as something fits
 * @throws EegTorchError `CHECKPOINT_MISMATCH` where nothing fits, and as {@link openCheckpoint}
 */
export async function loadFitting(
  model: Model,
  path: string,
  options: OpenCheckpointOptions = {},
): Promise<FittingWeights> {
  const checkpoint = openCheckpoint(path, options)
  const state = model.stateDict()
  const tensors = await checkpoint.tensors.loadAll()
  try {
    const merged = new Map(Object.entries(state))
    const loaded = new Set<string>()
    const unused: string[] = []
    const names = placesOf(model, Object.keys(state), checkpoint.tensors.names)
    for (const [name, tensor] of tensors) {
      const own = names.get(name)
      if (own === undefined || !fits(tensor, state[own]!)) unused.push(name)
      else {
        merged.set(own, tensor)
        loaded.add(own)
      }
    }
    if (loaded.size === 0) throw nothingFits(path, model.name, checkpoint.tensors.names)
    namingFile(path, () => model.loadStateDict(merged))
    return { loaded: [...loaded], left: Object.keys(state).filter((name) => !loaded.has(name)), unused }
  } finally {
    for (const tensor of [...tensors.values(), ...Object.values(state)]) tensor.dispose()
  }
}

/** Where in the network the names of the file belong: in all of it, or in the part of it where most of them do. */
function placesOf(model: Model, own: readonly string[], stored: readonly string[]): ReadonlyMap<string, string> {
  const older = nativeModels.modelOlderNames(model.id)
  const parts = prefixesOf(own, 0).map((prefix) => {
    const inside = own.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length))
    return { prefix, match: matchNames(inside, prefix === '' ? older : {}, stored) }
  })
  const best = parts.reduce((a, b) => (size(b.match) > size(a.match) ? b : a))
  return new Map([...best.match.names].map(([name, place]) => [name, best.prefix + place]))
}

function size({ names }: NameMatch): number {
  return names.size
}

function fits(tensor: Tensor, own: Tensor): boolean {
  const isReal = (t: Tensor) => /^b?float/.test(t.dtype)
  return tensor.shape.join() === own.shape.join() && (isReal(own) ? isReal(tensor) : tensor.dtype === own.dtype)
}

function nothingFits(file: string, model: string, names: readonly string[]): EegTorchError {
  return new EegTorchError('CHECKPOINT_MISMATCH', `holds no weights that fit ${model}`, {
    file,
    received:
      names.length === 0
        ? 'no tensors'
        : `tensors such as ${names
            .slice(0, 3)
            .map((name) => printable(name, 80))
            .join(', ')}`,
  })
}
