import { libtorchVersion } from '../runtime.ts'
import { packageVersion } from '../setup/paths.ts'

/** What a report was computed with. */
export function versionsInUse(): Record<string, string> {
  return { eegtorch: packageVersion(), LibTorch: libtorchVersion().built, Node: process.version }
}
