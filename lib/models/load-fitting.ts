import { openCheckpoint } from '../checkpoints/checkpoint.ts'
import { EegTorchError } from '../errors.ts'
import type { Model } from './model.ts'

/** What {@link loadFitting} did. */
export interface FittingWeights {
  /** Tensors of the network that came from the file. */
  loaded: string[]
  /** Tensors of the network that stayed as they were: the file lacks them, or has them in another shape. */
  left: string[]
}

/**
 * Starts a network from the weights of another one, for fine-tuning: copies what agrees in name and shape, such as all but the head where there
 * are other classes.
 *
 * @throws EegTorchError `CHECKPOINT_MISMATCH` when nothing fits; `FILE_NOT_FOUND`, `FILE_INVALID`, `FILE_UNSAFE`
 */
export async function loadFitting(net: Model, path: string): Promise<FittingWeights> {
  const stored = await openCheckpoint(path).tensors.loadAll()
  const own = net.stateDict()
  try {
    const fits = ([name, tensor]: [string, { shape: readonly number[] }]) =>
      stored.get(name)?.shape.join() === tensor.shape.join()
    const loaded = Object.entries(own)
      .filter(fits)
      .map(([name]) => name)
    const left = Object.keys(own).filter((name) => !loaded.includes(name))
    if (loaded.length === 0) {
      throw new EegTorchError('CHECKPOINT_MISMATCH', `holds no weights that fit ${net.name}`, {
        file: path,
        expected: `some of ${Object.keys(own).slice(0, 3).join(', ')}, ...`,
        received: [...stored.keys()].slice(0, 3).join(', ') || 'no tensors',
      })
    }
    net.loadStateDict(
      new Map(Object.keys(own).map((name) => [name, loaded.includes(name) ? stored.get(name)! : own[name]!])),
    )
    return { loaded, left }
  } finally {
    for (const tensor of [...stored.values(), ...Object.values(own)]) tensor.dispose()
  }
}
