import { setNumThreads } from '../runtime.ts'
import { overPreset } from './command-config.ts'
import { finetuneMapper } from './finetune-image.ts'
import { finetuneImageSchema } from './finetune-image-config.ts'
import { checkOptions } from './train-config.ts'

/**
 * Trains `eeg_clip_mapper` from a configuration of `eegtorch train` that says `regime: mapper`; its options are those of `finetune-image`.
 *
 * @throws EegTorchError `INVALID_OPTION` naming the option
 */
export async function trainMapper(
  { regime: _, ...written }: Readonly<Record<string, unknown>>,
  flags: Readonly<Record<string, unknown>>,
  { file, out = 'runs/mapper', json = false }: { file?: string | undefined; out?: string | undefined; json?: boolean },
): Promise<void> {
  const said = overPreset({ ...written, ...flags }, 'finetune-image')
  const config = checkOptions(finetuneImageSchema, said, { file, flags })
  if (config.threads !== undefined) await setNumThreads(config.threads)
  await finetuneMapper(config, { out, json })
}
