import { join } from 'node:path'
import { type Command, Option } from 'commander'
import { z } from 'zod'
import { readSafetensors } from '../checkpoints/safetensors.ts'
import { readAll } from '../datasets/read-all.ts'
import { defined } from '../defined.ts'
import { EegTorchError } from '../errors.ts'
import { type AlignOptions, type AlignResult, align, type RetrievalShare } from '../experiment/align.ts'
import { writeFileAtomically } from '../files/atomic.ts'
import { numThreads, setNumThreads } from '../runtime.ts'
import type { Tensor } from '../tensor.ts'
import { TrainingCheckpoints } from '../training/checkpoints.ts'
import { optim } from '../training/options.ts'
import { positive } from './config-fields.ts'
import { cutFiltered } from './config-pipeline.ts'
import { parseRange } from './parse-range.ts'
import { showProgress } from './progress-line.ts'
import { windowOptions } from './run-training.ts'
import { interruptible, openStudy } from './study-folder.ts'
import { checkOptions } from './train-config.ts'

/** Numbers of the command line, which are judged before anything is written. */
const numbersSchema = z.looseObject({
  temperature: z.number().positive(),
  epochs: positive,
  batchSize: positive,
  lr: z.number().positive(),
  pooledLength: positive.optional(),
  hiddenDim: positive.optional(),
  seed: z.number().int().min(0),
})

interface Flags {
  data: string[]
  embeddings: string
  tensor?: string
  events?: string[]
  task?: string
  window: [number, number]
  band?: [number, number]
  channels?: string[]
  leaveOut: NonNullable<AlignOptions['leaveOut']>
  candidates: NonNullable<AlignOptions['candidates']>
  temperature: number
  epochs: number
  batchSize: number
  lr: number
  pooledLength?: number
  hiddenDim?: number
  seed: number
  threads?: number
  out: string
  json?: boolean
}

export function describe(command: Command): void {
  command
    .description(
      'Train sgdm_eeg_encoder towards embeddings of the images that were seen, and look up the images of the windows that were left out.',
    )
    .requiredOption('--data <path...>', 'recordings: folders, files or patterns')
    .requiredOption('--embeddings <file>', 'safetensors file: one row per class, in the order of --events')
    .option('--tensor <name>', 'which tensor of the file (default: its only one)')
    .option('--task <name>', 'a known task, in place of --events')
    .option('--events <labels...>', 'labels of the events at which an image was shown')
    .option('--window <from..to>', 'seconds around the event', parseRange, [0, 0.8])
    .option('--band <low..high>', 'band-pass in hertz (default: none)', parseRange)
    .option('--channels <names...>', 'channels to use (default: every EEG channel)')
    .addOption(
      new Option('--leave-out <group>', 'what one fold tests')
        .choices(['subject', 'session', 'run', 'trial'])
        .default('run'),
    )
    .addOption(
      new Option('--candidates <which>', 'contrast with the images of all classes, or of the batch')
        .choices(['all', 'batch'])
        .default('all'),
    )
    .option('--temperature <t>', 'of the contrastive loss', Number, 0.07)
    .option('--epochs <n>', 'rounds over the training part', Number, 40)
    .option('--batch-size <n>', 'pairs in a batch', Number, 32)
    .option('--lr <rate>', 'learning rate of Adam', Number, 3e-4)
    .option('--pooled-length <n>', 'steps of time that the encoder keeps', Number)
    .option('--hidden-dim <n>', 'width of the encoder’s hidden layer', Number)
    .option('--seed <n>', 'of weights and order', Number, 0)
    .option('--threads <n>', 'CPU threads', Number)
    .option('--out <folder>', 'folder of the run; one that was stopped goes on', 'runs/align')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  $ eegtorch align --data study/ --events face house --embeddings clip.safetensors --band 0.5..40',
    )
    .action(run)
}

async function run(flags: Flags): Promise<void> {
  const { data, embeddings: file, tensor: name, events, task, window, band, channels, ...rest } = flags
  checkOptions(numbersSchema, rest, { flags: rest })
  const { threads, out, json = false, lr, pooledLength, hiddenDim, ...training } = rest
  const model = defined({ pooledLength, hiddenDim })
  if (threads !== undefined) await setNumThreads(threads)
  const embeddings = await readEmbeddings(file, name)
  const cut = windowOptions({ window, events, task, channels })
  const windows = await cutFiltered({ window, ...defined({ band, events, task, channels }) }, await readAll(data))
  await using _study = await openStudy(
    out,
    { data, file, name, ...cut, band, lr, model, threads: numThreads(), ...training },
    { file },
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
