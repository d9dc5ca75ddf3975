import { z } from 'zod'
import { fromTypedArray } from '../../creation.ts'
import { asyncSignal } from '../../signal/index.ts'
import type { Tensor } from '../../tensor.ts'
import type { SignalBlock } from '../block.ts'
import { tensorOf } from '../on-tensor.ts'
import { defineStep } from '../step.ts'
import { type CutWindows, fromEegWindows } from '../step-windows.ts'
import { requireChannels } from './scaling.ts'

/** What alignment learned: the mean covariance of each person's session in training, and of all together. */
interface Learned {
  channelNames: string[]
  references: Record<string, number[][]>
  all: number[][]
}

export const euclideanAlignment = defineStep({
  what:
    'Whitens windows by the mean covariance of their subject and session (He and Wu 2020): of the `training` windows (a subject not among them: of all), ' +
    'of the first `calibration` windows, of the windows up to each (`running`), or of all of them (`offline`, which looks into the future).',
  schema: z
    .strictObject({
      mode: z.enum(['training', 'calibration', 'running', 'offline']).default('training'),
      calibration: z.number().int().min(1).optional(),
    })
    .refine(
      ({ mode, calibration }) => (mode === 'calibration') === (calibration !== undefined),
      'calibration takes the number of windows, and no other mode does',
    ),
  short: z.enum(['training', 'running', 'offline']).transform((mode) => ({ mode })),
  // Windows are looked at together, of all recordings: never before they are split.
  learn: {
    when: () => true,
    fit: async (training, { mode }) => {
      if (mode !== 'training') return {}
      const windows = fromEegWindows(training)
      const references: Learned['references'] = {}
      for (const [name, indices] of groupsOf(windows)) references[name] = await referenceOf(windows.block, indices)
      const all = await referenceOf(windows.block, [...windows.origins.keys()])
      return { channelNames: [...training.channelNames], references, all }
    },
    apply: async (windows, { mode, calibration }, learned) => {
      const { channelNames, references, all } = learned as unknown as Learned
      if (mode === 'training') requireChannels(windows.block, channelNames)
      for (const [name, indices] of groupsOf(windows)) {
        if (mode === 'training') await alignTo(windows.block, indices, references[name] ?? all)
        else await alignTogether(windows.block, indices, { mode, ...(calibration !== undefined && { calibration }) })
      }
      return windows
    },
  },
  together: ({ mode }) => mode !== 'training',
})

/** Positions of the windows of each subject and session, in the order of time. */
function groupsOf({ origins, recordings }: CutWindows): Map<string, number[]> {
  const groups = new Map<string, number[]>()
  const order = [...origins.keys()].sort((a, b) => {
    const [one, two] = [origins[a]!, origins[b]!]
    return one.recording - two.recording || one.start - two.start
  })
  for (const index of order) {
    const { subject, session, identity } = recordings[origins[index]!.recording]!
    // Of a recording whose subject is not known, nothing says that it is that of another.
    const name = JSON.stringify(subject === undefined ? [identity] : [subject, session ?? null])
    groups.set(name, [...(groups.get(name) ?? []), index])
  }
  return groups
}

/** (windows, channels, samples) of some windows, copied. */
function gather(block: SignalBlock, indices: readonly number[]): Tensor {
  const size = block.channels.length * block.samples
  const data = new Float64Array(indices.length * size)
  for (const [i, index] of indices.entries()) data.set(block.data.subarray(index * size, (index + 1) * size), i * size)
  return tensorOf({ ...block, data, items: indices.length })
}

/** Writes windows back to where {@link gather} found them. */
function scatter(block: SignalBlock, indices: readonly number[], windows: Tensor): void {
  const size = block.channels.length * block.samples
  using dense = windows.contiguous()
  const data = dense.toTypedArray({ share: true }) as Float64Array
  for (const [i, index] of indices.entries()) block.data.set(data.subarray(i * size, (i + 1) * size), index * size)
}

async function referenceOf(block: SignalBlock, indices: readonly number[]): Promise<number[][]> {
  using x = gather(block, indices)
  using reference = await asyncSignal.euclideanReference(x)
  return reference.toArray() as number[][]
}

async function alignTo(block: SignalBlock, indices: readonly number[], rows: readonly number[][]): Promise<void> {
  const n = rows.length
  using reference = fromTypedArray(Float64Array.from(rows.flat()), { shape: [n, n] })
  using x = gather(block, indices)
  using aligned = await asyncSignal.alignTo(x, reference)
  scatter(block, indices, aligned)
}

async function alignTogether(
  block: SignalBlock,
  indices: readonly number[],
  options: { mode: 'calibration' | 'running' | 'offline'; calibration?: number },
): Promise<void> {
  using x = gather(block, indices)
  const { aligned, reference } = await asyncSignal.euclideanAlignment(x, options)
  reference.dispose()
  using windows = aligned
  scatter(block, indices, windows)
}
