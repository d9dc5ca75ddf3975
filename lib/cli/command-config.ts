import type { z } from 'zod'
import { defined } from '../defined.ts'
import { setNumThreads } from '../runtime.ts'
import { type PresetTaker, presetOptions } from '../training/presets.ts'
import { checkOptions, readConfigFile } from './train-config.ts'

/**
 * The configuration of a command: a YAML file, flags that win over it, and under both the preset that they name. Sets the threads that it asks for.
 *
 * @param taker the command, where presets are for it
 * @throws EegTorchError `FILE_NOT_FOUND`, `FILE_INVALID`, `UNKNOWN_NAME`; `INVALID_OPTION` naming the option where it was said
 */
export async function readCommandConfig<S extends z.ZodObject>(
  schema: S,
  flags: Record<string, unknown>,
  file: string | undefined,
  taker?: PresetTaker,
): Promise<z.infer<S>> {
  const written = file === undefined ? {} : await readConfigFile(file)
  return checkCommandConfig(schema, written, { flags, file, taker })
}

/** As {@link readCommandConfig}, of what a file says that was read before. */
export async function checkCommandConfig<S extends z.ZodObject>(
  schema: S,
  written: Readonly<Record<string, unknown>>,
  { flags, file, taker }: { flags: Record<string, unknown>; file: string | undefined; taker: PresetTaker | undefined },
): Promise<z.infer<S>> {
  const said = { ...written, ...defined(flags) }
  const config = checkOptions(schema, taker === undefined ? said : overPreset(said, taker), { file, flags })
  if (typeof config.threads === 'number') await setNumThreads(config.threads)
  return config
}

/** What a person said, over what the preset says that it names. @throws EegTorchError as {@link presetOptions} */
function overPreset(
  { preset, ...said }: Readonly<Record<string, unknown>>,
  taker: PresetTaker,
): Record<string, unknown> {
  return preset === undefined ? said : { ...presetOptions(preset, taker), ...said }
}
