import type { z } from 'zod'
import { defined } from '../defined.ts'
import { setNumThreads } from '../runtime.ts'
import { checkOptions, readConfigFile } from './train-config.ts'

/**
 * The configuration of a command: a YAML file, and flags that win over it. Sets the threads that it asks for.
 *
 * @throws EegTorchError `FILE_NOT_FOUND`, `FILE_INVALID`; `INVALID_OPTION` naming the option where it was said
 */
export async function readCommandConfig<S extends z.ZodObject>(
  schema: S,
  flags: Record<string, unknown>,
  file: string | undefined,
): Promise<z.infer<S>> {
  const written = file === undefined ? {} : await readConfigFile(file)
  const config = checkOptions(schema, { ...written, ...defined(flags) }, { file, flags })
  if (typeof config.threads === 'number') await setNumThreads(config.threads)
  return config
}
