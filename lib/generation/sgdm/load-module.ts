import type { Checkpoint } from '../../checkpoints/checkpoint.ts'
import { EegTorchError } from '../../errors.ts'
import type { ModelPlacement } from '../../models/model.ts'
import { weightBudget } from '../../models/model-fit.ts'
import type { Module } from '../../nn/module.ts'

/** Of the weights, which are drawn in float32. */
const BYTES = 4

/** How to load a module from a file. */
export interface LoadModuleOptions extends ModelPlacement {
  /** From the file's names of tensors to the module's. */
  rename?: (name: string) => string
}

/**
 * A module whose options stand in a file, with the weights of that file. What was made before an error is freed.
 *
 * @param make gets how many bytes the weights may take: no more than follows from what the file holds
 * @throws EegTorchError `FILE_INVALID` for options that are none, `CHECKPOINT_MISMATCH`
 */
export async function loadModule<M extends Module>(
  checkpoint: Checkpoint,
  make: (budget: number) => M,
  { rename = (name) => name, ...placement }: LoadModuleOptions = {},
): Promise<M> {
  const module = made(checkpoint, make)
  try {
    const tensors = await checkpoint.tensors.loadAll()
    try {
      module.loadStateDict(new Map([...tensors].map(([name, weight]) => [rename(name), weight])))
    } finally {
      for (const weight of tensors.values()) weight.dispose()
    }
    module.to(placement)
    module.eval()
    return module
  } catch (error) {
    module.dispose()
    throw error
  }
}

function made<M extends Module>(checkpoint: Checkpoint, make: (budget: number) => M): M {
  try {
    return make(weightBudget(checkpoint))
  } catch (cause) {
    if (!(cause instanceof EegTorchError) || cause.code !== 'INVALID_OPTION') throw cause
    throw new EegTorchError('FILE_INVALID', `its description of the networks is not usable (${cause.message})`, {
      file: checkpoint.path,
      cause,
    })
  }
}

/**
 * @param count numbers that layers are about to draw
 * @throws EegTorchError `CHECKPOINT_MISMATCH` where they would take more than a budget
 */
export function requireWithin(budget: number | undefined, count: number): void {
  if (budget === undefined || count * BYTES <= budget) return
  throw new EegTorchError('CHECKPOINT_MISMATCH', 'the file describes networks far larger than its weights', {
    expected: `at most ${budget} bytes`,
    received: `${count * BYTES} bytes`,
  })
}
