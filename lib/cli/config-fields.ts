import { z } from 'zod'
import type { Device } from '../dtype.ts'
import { libtorchVersion } from '../runtime.ts'

/** A whole number from 1 on. */
export const positive = z.number().int().positive()

/** Refuses more parts of a batch than it has examples: who gathers small batches means that, and would get a smaller step in silence. */
export function requireParts(
  { batchSize, accumulate = 1 }: { batchSize: number; accumulate?: number | undefined },
  context: z.RefinementCtx,
): void {
  if (accumulate <= batchSize) return
  const message = `expected ${batchSize} at most, the batch size, for batches are cut and not gathered; received ${accumulate}`
  context.addIssue({ code: 'custom', path: ['accumulate'], message })
}

/** One of the names that a table holds. */
export const namesOf = <T extends object>(all: T) =>
  z.enum(Object.keys(all) as [keyof T & string, ...(keyof T & string)[]])

/** Where networks compute: refused where this machine lacks it, before anything is loaded or written. */
export const device = z
  .custom<Device>((name) => name === 'cpu' || gpus().some((gpu) => gpu === name), {
    error: ({ input }) => {
      const found = gpus()
      const why = found.length === 0 ? ' (LibTorch finds no GPU here; eegtorch doctor says what is missing)' : ''
      return `expected ${['cpu', ...found].join(', ')}${why}, received ${input}`
    },
  })
  .default('cpu')

function gpus(): Device[] {
  const { devices } = libtorchVersion()
  const numbered = Array.from({ length: devices }, (_, index): Device => `cuda:${index}`)
  return devices === 0 ? [] : ['cuda', ...numbered]
}
