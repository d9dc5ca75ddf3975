import { EegTorchError } from '../errors.ts'
import { setNumThreads } from '../runtime.ts'
import { presets } from '../training/presets.ts'
import { finetuneMapper } from './finetune-image.ts'
import { finetuneImageSchema } from './finetune-image-config.ts'
import { checkOptions } from './train-config.ts'

const PRESET = 'eeg2image_mapper'

/**
 * Trains `eeg_clip_mapper` from a configuration of `eegtorch train` that says `regime: mapper`; its options are those of `finetune-image`.
 *
 * @throws EegTorchError `INVALID_OPTION` naming the option
 */
export async function trainMapper(
  written: Readonly<Record<string, unknown>>,
  flags: Readonly<Record<string, unknown>>,
  { file, out = 'runs/mapper', json = false }: { file?: string | undefined; out?: string | undefined; json?: boolean },
): Promise<void> {
  const config = checkOptions(finetuneImageSchema, withPreset({ ...written, ...flags }), { file, flags })
  if (config.threads !== undefined) await setNumThreads(config.threads)
  await finetuneMapper(config, { out, json })
}

/** What the preset says in the words of `finetune-image`, under what a person said. */
function withPreset({ regime: _, preset, ...said }: Readonly<Record<string, unknown>>): Record<string, unknown> {
  if (preset === undefined) return said
  if (preset !== PRESET) {
    throw new EegTorchError('INVALID_OPTION', `the preset ${preset} is not for the regime mapper`, {
      ...{ option: 'preset', expected: PRESET, received: String(preset) },
    })
  }
  const { batchSize, weightDecay, temperature, weights, warmUp, joint } = presets[PRESET].loop
  return {
    ...{ batchSize, weightDecay, temperature },
    ...{ lambdaCls: weights.classification, lambdaContrastive: weights.contrastive },
    ...{ lambdaCos: weights.cosine, lambdaMse: weights.mse },
    ...{ warmupEpochs: warmUp.epochs, warmupLr: warmUp.lr, epochs: warmUp.epochs + joint.epochs, lr: joint.lr },
    ...said,
  }
}
