import { join } from 'node:path'
import type { Command } from 'commander'
import { z } from 'zod'
import { readAll } from '../datasets/read-all.ts'
import type { DenoiseResult } from '../evaluation/denoising-scores.ts'
import { type DenoiseOptions, denoise } from '../experiment/denoise.ts'
import { writeFileAtomically } from '../files/atomic.ts'
import { drawDenoising } from '../report/denoising-picture.ts'
import { numThreads } from '../runtime.ts'
import { TrainingCheckpoints } from '../training/checkpoints.ts'
import { presets } from '../training/presets.ts'
import { readCommandConfig } from './command-config.ts'
import { positive, range, seedOf, studyFields, threads } from './config-fields.ts'
import { showProgress } from './progress-line.ts'
import { windowOptions } from './run-training.ts'
import { addRunFlags, type RunFlags } from './shared-flags.ts'
import { interruptible, openStudy } from './study-folder.ts'
import { windowsIdentity } from './windows-identity.ts'

const TABLE = presets.cnn_aae_autoencoder.options

/** What flags say; what belongs to a preset may come from there. */
export const denoiseSchema = z.strictObject({
  ...studyFields,
  window: range.default([0, 3.2]).describe('<from..to> seconds around the event'),
  snr: z.number().default(0).describe('<decibels> of the noisy signal'),
  copies: positive.default(4).describe('<n> draws of noise for each training window'),
  epochs: positive.default(TABLE.epochs).describe('<n> rounds over the training part'),
  batchSize: positive.default(16).describe('<n> windows in a batch'),
  lr: z.number().positive().optional().describe(`<rate> learning rate (default: ${TABLE.lr} for aae, 0.001 for vae)`),
  adversarialWeight: z
    .number()
    .min(0)
    .default(TABLE.adversarialWeight)
    .describe('<weight> of fooling the discriminator of aae'),
  imageSize: positive.default(TABLE.imageSize).describe('<pixels> rows and columns of the images of aae'),
  latentDim: positive.optional().describe('<n> width of the code'),
  width: positive.optional().describe('<n> filters of the first convolution of aae'),
  hiddenDim: positive.optional().describe('<n> width of the hidden layers of vae'),
  seed: seedOf('weights, order and noise'),
  threads,
})

export function describe(command: Command): void {
  command
    .description(
      'Add noise at a known level, train autoencoders to remove it, and say by how much the signal-to-noise ratio rises on what was left out.',
    )
    .argument('<models...>', 'aae (on images of the EEG), vae (on signals), or both')
  addRunFlags(command, denoiseSchema.shape, { out: 'runs/denoise', taker: 'denoise' })
    .addHelpText('after', '\nExamples:\n  $ eegtorch denoise aae vae --data eegmmidb/ --channels C3 Cz C4 --snr 0')
    .action(run)
}

async function run(
  models: DenoiseOptions['models'] & string[],
  { out, json = false, ...flags }: RunFlags,
): Promise<void> {
  const config = await readCommandConfig(denoiseSchema, flags, undefined, 'denoise')
  const { data, events, task, window, channels, threads: _, imageSize, ...settings } = config
  const cut = windowOptions({ window, events, task, channels })
  const recordings = await readAll(data)
  const windows = await recordings.windows(cut)
  await using _study = await openStudy(
    out,
    { models, data, ...cut, threads: numThreads(), imageSize, ...settings },
    { data: { identity: await windowsIdentity(windows, [...recordings]) } },
  )
  const result = await interruptible(out, (signal) =>
    denoise(windows, {
      ...settings,
      size: [imageSize, imageSize],
      models,
      signal,
      storeOf: ({ model, fold }) => new TrainingCheckpoints(join(out, `${model}-fold-${fold + 1}`)),
      onEpoch: ({ model, fold, folds }, epoch, loss) =>
        json ||
        showProgress(`${model} fold ${fold + 1}/${folds} epoch ${epoch}/${settings.epochs} loss ${loss.toFixed(5)} `),
    }),
  )
  await keep(result, out)
  console.log(json ? JSON.stringify(withoutExamples(result)) : formatResult(result, out))
}

async function keep(result: DenoiseResult, folder: string): Promise<void> {
  const { default: sharp } = await import('sharp')
  const svg = await drawDenoising(result)
  await writeFileAtomically(
    join(folder, 'denoised.png'),
    await sharp(Buffer.from(svg)).png({ palette: true }).toBuffer(),
  )
  await writeFileAtomically(join(folder, 'results.json'), JSON.stringify(withoutExamples(result), undefined, 2))
}

function withoutExamples({ examples: _, ...result }: DenoiseResult): Omit<DenoiseResult, 'examples'> {
  return result
}

function formatResult({ scores, snr, windows, folds }: DenoiseResult, folder: string): string {
  const decibels = ({ mean, deviation }: { mean: number; deviation: number }) =>
    `${mean.toFixed(2)} ± ${deviation.toFixed(2)} dB`.padStart(18)
  const share = (value: number) => `${(100 * value).toFixed(0)} %`.padStart(8)
  const rows = scores.map(
    ({ name, images, signals, explained }) =>
      `${name.padEnd(26)}${decibels(images)}${decibels(signals)}${share(explained.images)}${share(explained.signals)}`,
  )
  return [
    `noise at ${snr} dB, ${windows} windows, ${folds.length} folds; gains: mean of windows ± deviation of folds`,
    `${''.padEnd(26)}${'gained in images'.padStart(18)}${'in signals'.padStart(18)}${'of variance explained'.padStart(24)}`,
    ...rows,
    `picture  ${join(folder, 'denoised.png')}`,
  ].join('\n')
}
