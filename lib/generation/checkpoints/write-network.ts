import { join } from 'node:path'
import { writeCheckpoint } from '../../checkpoints/checkpoint.ts'
import { writeFileAtomically } from '../../files/atomic.ts'
import { makeFolder } from '../../files/make-folder.ts'
import type { Model } from '../../models/model.ts'

/** The release of diffusers whose layout is written. */
export const DIFFUSERS_VERSION = '0.42.1'

/**
 * Writes a network as the folder that diffusers' `from_pretrained` reads: `config.json` and its weights. What was there is replaced, file by file.
 *
 * @param className of diffusers, such as `ControlNetModel`
 * @param description what is remembered beside the weights, such as the trials that were learned from
 * @throws EegTorchError `FILE_WRITE_FAILED`
 */
export async function writeNetwork(
  folder: string,
  className: string,
  network: Model,
  description: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const state = network.stateDict()
  const config = { _class_name: className, _diffusers_version: DIFFUSERS_VERSION, ...network.referenceConfig }
  try {
    await makeFolder(folder)
    await writeCheckpoint(join(folder, 'diffusion_pytorch_model.safetensors'), state, description)
    await writeFileAtomically(join(folder, 'config.json'), `${JSON.stringify(config, undefined, 2)}\n`)
  } finally {
    for (const weight of Object.values(state)) weight.dispose()
  }
}
