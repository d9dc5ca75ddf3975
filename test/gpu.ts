import { libtorchVersion } from 'eegtorch'

/** `describe` where there is an NVIDIA GPU; else skipped, and the name says so. */
export function describeWithGpu(name: string, tests: () => void): void {
  if (libtorchVersion().devices > 0) describe(name, tests)
  else describe.skip(`${name} (skipped: there is no GPU)`, tests)
}
