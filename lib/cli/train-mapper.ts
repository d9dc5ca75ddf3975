import { checkCommandConfig } from './command-config.ts'
import { finetuneMapper } from './finetune-image.ts'
import { finetuneImageSchema } from './finetune-image-config.ts'

/**
 * Trains `eeg_clip_mapper` from a configuration of `eegtorch train` that says `regime: mapper`; its options are those of `finetune-image`.
 *
 * @throws EegTorchError `INVALID_OPTION` naming the option
 */
export async function trainMapper(
  { regime: _, ...written }: Readonly<Record<string, unknown>>,
  flags: Record<string, unknown>,
  { file, out = 'runs/mapper', json = false }: { file?: string | undefined; out?: string | undefined; json?: boolean },
): Promise<void> {
  const config = await checkCommandConfig(finetuneImageSchema, written, { flags, file, taker: 'finetune-image' })
  await finetuneMapper(config, { out, json })
}
