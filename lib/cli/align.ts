import { join } from 'node:path'
import type { Command } from 'commander'
import { z } from 'zod'
import { readSafetensors } from '../checkpoints/safetensors.ts'
import { readAll } from '../datasets/read-all.ts'
import { defined } from '../defined.ts'
import { EegTorchError } from '../errors.ts'
import { type AlignResult, align, type RetrievalShare } from '../experiment/align.ts'
import { writeFileAtomically } from '../files/atomic.ts'
import { numThreads } from '../runtime.ts'
import type { Tensor } from '../tensor.ts'
import { TrainingCheckpoints } from '../training/checkpoints.ts'
import { optim } from '../training/options.ts'
import { readCommandConfig } from './command-config.ts'
import { positive, range, seedOf, studyFields, threads } from './config-fields.ts'
import { cutFiltered } from './config-pipeline.ts'
import { showProgress } from './progress-line.ts'
import { windowOptions } from './run-training.ts'
import { addRunFlags, type RunFlags } from './shared-flags.ts'
import { interruptible, openStudy } from './study-folder.ts'
import { windowsIdentity } from './windows-identity.ts'

/** What flags say. */
export const alignSchema = z.strictObject({
  ...studyFields,
  embeddings: z.string().describe('<file> safetensors: one row per class, in the order of --events'),
  tensor: z.string().optional().describe('<name> which tensor of the file (default: its only one)'),
  window: range.default([0, 0.8]).describe('<from..to> seconds around the event'),
  band: range.optional().describe('<low..high> band-pass in hertz (default: none)'),
  candidates: z
    .enum(['all', 'batch'])
    .default('all')
    .describe('<which> contrast with the images of all classes, or of the batch'),
  temperature: z.number().positive().default(0.07).describe('<t> of the contrastive loss'),
  epochs: positive.default(40).describe('<n> rounds over the training part'),
  batchSize: positive.default(32).describe('<n> pairs in a batch'),
  lr: z.number().positive().default(3e-4).describe('<rate> learning rate of Adam'),
  pooledLength: positive.optional().describe('<n> steps of time that the encoder keeps'),
  hiddenDim: positive.optional().describe('<n> width of the encoder’s hidden layer'),
  seed: seedOf('weights and order'),
  threads,
})

export function describe(command: Command): void {
  command.description(
    'Train sgdm_eeg_encoder towards embeddings of the images that were seen, and look up the images of the windows that were left out.',
  )
  addRunFlags(command, alignSchema.shape, { out: 'runs/align' })
    .addHelpText(
      'after',
      '\nExamples:\n  $ eegtorch align --data study/ --events face house --embeddings clip.safetensors --band 0.5..40',
    )
    .action(run)
}

async function run({ out, json = false, ...flags }: RunFlags): Promise<void> {
  const config = await readCommandConfig(alignSchema, flags, undefined)
  const { data, embeddings: file, tensor: name, events, task, window, band, channels, ...rest } = config
  const { threads: _, lr, pooledLength, hiddenDim, ...training } = rest
  const model = defined({ pooledLength, hiddenDim })
  const embeddings = await readEmbeddings(file, name)
  const cut = windowOptions({ window, events, task, channels })
  const recordings = await readAll(data)
  const windows = await cutFiltered({ window, ...defined({ band, events, task, channels }) }, recordings)
  await using _study = await openStudy(
    out,
    { data, file, name, ...cut, band, lr, model, threads: numThreads(), ...training },
    { data: { identity: await windowsIdentity(windows, [...recordings]) }, file },
  )
  const result = await interruptible(out, (signal) =>
    align(windows, embeddings, {
      ...training,
      model,
      optimizer: optim.adam({ lr }),
      signal,
      storeOf: (fold) => new TrainingCheckpoints(join(out, `fold-${fold + 1}`)),
      onEpoch: ({ fold, folds }, epoch, loss) =>
        json || showProgress(`fold ${fold + 1}/${folds} epoch ${epoch}/${training.epochs} loss ${loss.toFixed(4)} `),
    }),
  )
  await writeFileAtomically(join(out, 'results.json'), JSON.stringify(result, undefined, 2))
  console.log(json ? JSON.stringify(result) : formatResult(result))
}

/** @throws EegTorchError `INVALID_OPTION` where the file does not hold one tensor, or not the named one */
async function readEmbeddings(path: string, wanted: string | undefined): Promise<Tensor> {
  const tensors = await readSafetensors(path).loadAll({ copy: true })
  const [only, more] = tensors.keys()
  const name = wanted ?? (more === undefined ? only : undefined)
  const found = name === undefined ? undefined : tensors.get(name)
  if (found !== undefined) return found.to('float32')
  throw new EegTorchError('INVALID_OPTION', `${path} does not tell which tensor is meant`, {
    option: '--tensor',
    expected: `one of ${[...tensors.keys()].slice(0, 10).join(', ')}`,
    received: wanted ?? 'none',
  })
}

function formatResult({ top1, top5, windows, images, folds }: AlignResult): string {
  const line = (name: string, { share, low, high, chance }: RetrievalShare) =>
    `${name} ${share.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}], chance ${chance.toFixed(3)}`
  return [
    `${windows} windows, ${images} images, ${folds.length} folds`,
    line('the right image first', top1),
    ...(top5 ? [line('among the first five', top5)] : []),
  ].join('\n')
}
