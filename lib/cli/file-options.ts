import type { FileOptions } from '../recordings/file-options.ts'

/** What `--unit` and `--sampling-rate` say of a recording. */
export function fileOptions({ unit, samplingRate }: { unit?: string; samplingRate?: string }): FileOptions {
  return {
    ...(unit === undefined ? {} : { unit }),
    ...(samplingRate === undefined ? {} : { samplingRate: Number(samplingRate) }),
  }
}
