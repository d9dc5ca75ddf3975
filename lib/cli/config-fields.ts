import { z } from 'zod'
import type { Device } from '../dtype.ts'
import { MONTAGES } from '../generation/window-channels.ts'
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
  .describe('<name> cpu, cuda, or a GPU by its number: cuda:1')

export const autocast = z.enum(['bfloat16', 'float16']).optional().describe('<type> train in a 16-bit type')

export const threads = positive.optional().describe('<n> CPU threads')

export const montage = namesOf(MONTAGES)
  .optional()
  .describe('<name> regions of the brain (default: the encoder’s, else by channel names)')

/** @param of what is drawn by it */
export const seedOf = (of: string) =>
  z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0).describe(`<n> of ${of}`)

function gpus(): Device[] {
  const { devices } = libtorchVersion()
  const numbered = Array.from({ length: devices }, (_, index): Device => `cuda:${index}`)
  return devices === 0 ? [] : ['cuda', ...numbered]
}

/** From less to more. */
export const range = z.tuple([z.number(), z.number()]).refine(([from, to]) => from < to, 'must go from less to more')

const names = z.array(z.string()).min(1)

/** Which windows of recordings a study is made of, and what one fold of it tests. */
export const studyFields = {
  data: names.describe('<path> recordings: folders, files or patterns'),
  task: z.string().optional().describe('<name> a known task, in place of --events'),
  events: names
    .optional()
    .describe('<labels> labels of the events around which windows are cut (default: every event)'),
  channels: names.optional().describe('<names> channels to use (default: every EEG channel)'),
  leaveOut: z.enum(['subject', 'session', 'run', 'trial']).default('run').describe('<group> what one fold tests'),
}
