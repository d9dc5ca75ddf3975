import { join } from 'node:path'
import { type Command, Option } from 'commander'
import { z } from 'zod'
import { readAll } from '../datasets/read-all.ts'
import type { DenoiseResult } from '../evaluation/denoising-scores.ts'
import { type DenoiseOptions, denoise } from '../experiment/denoise.ts'
import { writeFileAtomically } from '../files/atomic.ts'
import { drawDenoising } from '../report/denoising-picture.ts'
import { numThreads, setNumThreads } from '../runtime.ts'
import { TrainingCheckpoints } from '../training/checkpoints.ts'
import { positive } from './config-fields.ts'
import { parseRange } from './parse-range.ts'
import { showProgress } from './progress-line.ts'
import { windowOptions } from './run-training.ts'
import { interruptible, openStudy } from './study-folder.ts'
import { checkOptions } from './train-config.ts'

/** Numbers of the command line, which are judged before anything is written. */
const numbersSchema = z.looseObject({
  snr: z.number(),
  copies: positive,
  epochs: positive,
  batchSize: positive,
  lr: z.number().positive().optional(),
  latentDim: positive.optional(),
  width: positive.optional(),
  hiddenDim: positive.optional(),
  seed: z.number().int().min(0),
})

interface Flags {
  data: string[]
  events?: string[]
  task?: string
  window: [number, number]
  channels?: string[]
  leaveOut: NonNullable<DenoiseOptions['leaveOut']>
  snr: number
  copies: number
  epochs: number
  batchSize: number
  lr?: number
  latentDim?: number
  width?: number
  hiddenDim?: number
  seed: number
  threads?: number
  out: string
  json?: boolean
}

export function describe(command: Command): void {
  command
    .description(
      'Add noise at a known level, train autoencoders to remove it, and say by how much the signal-to-noise ratio rises on what was left out.',
    )
    .argument('<models...>', 'aae (on images of the EEG), vae (on signals), or both')
    .requiredOption('--data <path...>', 'recordings: folders, files or patterns')
    .option('--task <name>', 'a known task, in place of --events')
    .option('--events <labels...>', 'labels of the events around which windows are cut (default: every event)')
    .option('--window <from..to>', 'seconds around the event', parseRange, [0, 3.2])
    .option('--channels <names...>', 'channels to use (default: every EEG channel)')
    .addOption(
      new Option('--leave-out <group>', 'what one fold tests')
        .choices(['subject', 'session', 'run', 'trial'])
        .default('run'),
    )
    .option('--snr <decibels>', 'of the noisy signal', Number, 0)
    .option('--copies <n>', 'draws of noise for each training window', Number, 4)
    .option('--epochs <n>', 'rounds over the training part', Number, 100)
    .option('--batch-size <n>', 'windows in a batch', Number, 16)
    .option('--lr <rate>', 'learning rate (default: 1e-4 for aae, 1e-3 for vae)', Number)
    .option('--latent-dim <n>', 'width of the code', Number)
    .option('--width <n>', 'filters of the first convolution of aae', Number)
    .option('--hidden-dim <n>', 'width of the hidden layers of vae', Number)
    .option('--seed <n>', 'of weights, order and noise', Number, 0)
    .option('--threads <n>', 'CPU threads', Number)
    .option('--out <folder>', 'folder of the run; one that was stopped goes on', 'runs/denoise')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', '\nExamples:\n  $ eegtorch denoise aae vae --data eegmmidb/ --channels C3 Cz C4 --snr 0')
    .action(run)
}

async function run(models: DenoiseOptions['models'] & string[], flags: Flags): Promise<void> {
  const { data, events, task, window, channels, threads, out, json = false, ...settings } = flags
  checkOptions(numbersSchema, settings, { flags: settings })
  if (threads !== undefined) await setNumThreads(threads)
  const cut = windowOptions({ window, events, task, channels })
  const windows = await (await readAll(data)).windows(cut)
  await using _study = await openStudy(out, { models, data, ...cut, threads: numThreads(), ...settings })
  const result = await interruptible(out, (signal) =>
    denoise(windows, {
      ...settings,
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
