import { z } from 'zod'
import { Ica, type IcaSearch } from '../../signal/ica.ts'
import { asyncSignal } from '../../signal/index.ts'
import type { Tensor } from '../../tensor.ts'
import { inARow, type SignalBlock } from '../block.ts'
import { applyMix, type ChannelMix, mixOf, mixRecording } from '../channel-mix.ts'
import { tensorOf } from '../on-tensor.ts'
import { defineStep, type StepWork } from '../step.ts'
import { fromEegWindows } from '../step-windows.ts'
import { findChannels, keepChannels, ofTypes } from './channels.ts'

const from = z.enum(['recording', 'training'])

/** How a step works that finds a mix in each recording, or in the training windows. */
function mixing<Options extends { by: 'recording' | 'training' }>(
  find: (whole: SignalBlock, options: Options) => Promise<ChannelMix>,
): Required<Pick<StepWork<Options>, 'recording' | 'learn'>> {
  return {
    recording: (recording, options) => mixRecording(recording, (whole) => find(whole, options)),
    learn: {
      when: ({ by }) => by === 'training',
      fit: async (training, options) => ({ ...(await find(inARow([fromEegWindows(training).block]), options)) }),
      apply: async (windows, _, learned) => ({
        ...windows,
        block: await applyMix(windows.block, learned as unknown as ChannelMix),
      }),
    },
  }
}

const icaSchema = z.strictObject({
  components: z
    .number()
    .positive()
    .refine(
      (count) => count < 1 || (Number.isInteger(count) && count >= 2),
      'a whole number from 2, or a share below 1',
    )
    .default(0.999999),
  method: z.enum(['fastica', 'infomax', 'picard']).default('fastica'),
  seed: z.number().int().min(0).default(0),
  remove: z.union([z.literal('eyes'), z.array(z.number().int().min(0))]).default('eyes'),
  eog: z.array(z.string()).min(1).optional(),
  measure: z.enum(['zscore', 'correlation']).default('zscore'),
  threshold: z.number().positive().optional(),
  by: from.default('recording'),
})

export const ica = defineStep({
  what:
    'Takes independent components out of the EEG channels: those that follow the eyes, as MNE-Python finds them (by the EOG channels, those named in `eog`, or Fp), ' +
    'or those with the numbers in `remove`. High-pass at 1 Hz before. Found in each `recording` by itself, or in the `training` windows.',
  schema: icaSchema,
  ...mixing(findComponents),
})

/** @param whole one item: everything that is learned from */
async function findComponents(whole: SignalBlock, options: z.output<typeof icaSchema>): Promise<ChannelMix> {
  const { components, method, seed, remove } = options
  const eeg = ofTypes(whole.channels, ['eeg']).filter((index) => whole.channels[index]!.isBad !== true)
  const channels = eeg.map((index) => whole.channels[index]!.name)
  using x = rowsOf(whole, eeg)
  const search: IcaSearch = { method, seed }
  const found = await Ica.fit(x, { components, channels, ...search })
  const exclude = remove === 'eyes' ? await findEyes(found, whole, x, options) : remove
  return await mixOf(whole, eeg, (rows) => found.applyAsync(rows, { exclude }))
}

async function findEyes(
  found: Ica,
  whole: SignalBlock,
  x: Tensor,
  { eog, measure, threshold }: z.output<typeof icaSchema>,
): Promise<number[]> {
  const { samplingRate, channels } = whole
  const typed = [...channels.keys()].filter((index) => channels[index]!.type === 'eog')
  const rows = eog === undefined ? typed : findChannels(channels, eog)
  const options = { samplingRate, measure, ...(threshold !== undefined && { threshold }) }
  // Without any, it looks for names near the eyes among the channels of the decomposition.
  if (rows.length === 0) return (await found.eyeComponents(x, options)).components
  using beside = rowsOf(whole, rows)
  return (await found.eyeComponents(x, { ...options, eog: beside })).components
}

/** (rows, samples) of some channels of one item, copied. */
function rowsOf(whole: SignalBlock, rows: readonly number[]): Tensor {
  using x = tensorOf(keepChannels(whole, rows))
  return x.squeeze(0)
}

const sspSchema = z.strictObject({
  count: z.number().int().min(1).default(1),
  by: from.default('training'),
})

export const ssp = defineStep({
  what:
    "Signal-space projection: takes the directions that hold most of the power out of the EEG channels, as MNE-Python's `compute_proj_raw` finds them in each `recording` " +
    'by itself, or in the `training` windows.',
  schema: sspSchema,
  short: z.number().transform((count) => ({ count })),
  ...mixing(findDirections),
})

async function findDirections(whole: SignalBlock, { count }: z.output<typeof sspSchema>): Promise<ChannelMix> {
  const eeg = ofTypes(whole.channels, ['eeg'])
  using x = rowsOf(whole, eeg)
  const { directions, shares } = await asyncSignal.powerDirections(x, count)
  shares.dispose()
  using found = directions
  return await mixOf(whole, eeg, (rows) => asyncSignal.projectOut(rows, found))
}
