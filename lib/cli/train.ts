import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Command, Option } from 'commander'
import { defined } from '../defined.ts'
import { initProcessGroup } from '../distributed/process-group.ts'
import { deviceOfProcess, readProcessPlace } from '../distributed/process-place.ts'
import { EegTorchError } from '../errors.ts'
import { libtorchVersion } from '../runtime.ts'
import { withDataset } from './config-dataset.ts'
import { withPipeline } from './config-pipeline.ts'
import { parseBand, parseRange } from './parse-range.ts'
import { CONFIG_FILE, freshFolder, printRun, runTraining } from './run-training.ts'
import { deviceFlag, presetFlag } from './shared-flags.ts'
import { checkConfig, readConfigFile, trainSchema } from './train-config.ts'
import { trainMapper } from './train-mapper.ts'

interface Flags extends Record<string, unknown> {
  config?: string
  resume?: string
  out?: string
  json?: boolean
}

export function describe(command: Command): void {
  command
    .description('Train a network on recordings, test it on what each fold leaves out, and write a report.')
    .argument('[model]', 'network that classifies windows, such as eegnet; an unknown name lists all')
    .option('--dataset <name>', 'a data set by its name (eegtorch datasets), or a YAML file that describes one')
    .option(
      '--data <path...>',
      'recordings: folders, files or patterns; with --dataset, its folder; or a store of eegtorch prepare',
    )
    .option(
      '--task <name>',
      'a task of the data set, or of EEGMMIDB: fists-feet, left-right, with or without -imagery or -execution',
    )
    .option('--events <labels...>', 'labels of the events that are trials, in place of --task')
    .option('--window <from..to>', 'seconds around the cue (default: 0.5..3.5)', parseRange)
    .option('--pipeline <name>', 'preprocessing: a recipe, or a YAML file; in place of --window, --band, --channels')
    .option('--band <low..high>', 'band-pass in hertz, or none (default: 4..38)', parseBand)
    .option('--channels <names...>', 'channels to use (default: every EEG channel)')
    .addOption(
      new Option('--leave-out <group>', 'what one fold tests (default: run)').choices([
        'subject',
        'session',
        'run',
        'trial',
        'stimulus',
      ]),
    )
    .option('--folds <n>', 'folds of trials, in place of --leave-out', Number)
    .option('--seeds <n>', 'trainings of each fold (default: 1)', Number)
    .option('--validation <share>', 'share of the training trials to choose the epoch by (default: none)', Number)
    .option('--early-stopping <epochs>', 'stop after so many epochs without improvement; needs --validation', Number)
    .addOption(new Option('--monitor <figure>', 'what must improve (default: loss)').choices(['loss', 'accuracy']))
    .option('--stimuli-apart', 'refuse splits in which two parts share a stimulus')
    .option('--permutations <n>', 'hold the answers against labels shuffled so often', Number)
    .option('--retrainings <n>', 'train each classical decoder so often on shuffled labels', Number)
    .addOption(
      new Option('--controls <names...>', 'what else the same windows tell').choices(['block', 'time', 'shuffled']),
    )
    .option('--epochs <n>', 'default: 60', Number)
    .option('--batch-size <n>', 'default: 16', Number)
    .addOption(presetFlag('train'))
    .option('--upsample <factor>', 'put samples between the samples', Number)
    .addOption(new Option('--optimizer <name>', 'default: adam').choices(['adam', 'adamw', 'sgd', 'rmsprop', 'lbfgs']))
    .option('--strong-wolfe', 'search each line, with --optimizer lbfgs')
    .option('--layer-decay <factor>', 'learning rate of each layer against that of the layer after it', Number)
    .option('--freeze <names...>', 'parameters that stay as they are: conv_temporal* bnorm_temporal*')
    .option('--start-from <file>', 'weights to start from, where names and shapes fit')
    .option('--lr <rate>', 'learning rate (default: the optimiser’s own)', Number)
    .option('--weight-decay <number>', 'the optimiser’s weight decay (default: its own)', Number)
    .option('--momentum <number>', 'of sgd and rmsprop (default: 0)', Number)
    .addOption(
      new Option('--schedule <name>', 'default: constant').choices([
        'constant',
        'cosine',
        'oneCycle',
        'one-cycle',
        'polynomial',
        'step',
      ]),
    )
    .option('--warm-up <steps>', 'steps over which the learning rate rises', Number)
    .option(
      '--augmentations <names...>',
      'random changes of training windows: timeReverse ftSurrogate ...; options in --config',
    )
    .addOption(new Option('--loss <name>', 'default: crossEntropy').choices(['crossEntropy', 'focal']))
    .option('--label-smoothing <share>', 'share of the target that goes to all classes (default: 0)', Number)
    .addOption(new Option('--class-weights <how>', 'weigh classes by their counts').choices(['balanced']))
    .option('--clip-norm <norm>', 'largest norm of the gradient', Number)
    .option('--clip-value <size>', 'largest size of each number of the gradient', Number)
    .option('--l1 <factor>', 'penalty on the sizes of weights', Number)
    .option('--l2 <factor>', 'penalty on the squares of weights', Number)
    .option('--ema <decay>', 'test a running mean of the weights', Number)
    .option('--accumulate <n>', 'micro-batches that a batch is cut into, as many as it has windows at most', Number)
    .addOption(new Option('--autocast <type>', 'compute in a 16-bit type').choices(['bfloat16', 'float16']))
    .option('--no-standardise', 'do not scale channels')
    .option('--no-baselines', 'without classical decoders on the same folds')
    .addOption(deviceFlag())
    .option('--threads <n>', 'CPU threads', Number)
    .option('--checkpoint-steps <n>', 'save the state every so many steps', Number)
    .option('--checkpoint-seconds <s>', 'save the state every so many seconds (default: 10)', Number)
    .option('--checkpoint-epochs <n>', 'save the state every so many epochs', Number)
    .option('--keep-every <epochs>', 'keep the weights of every so many epochs', Number)
    .option('--config <file>', 'YAML file with these options in camelCase; flags win over it')
    .option('--resume <run>', 'go on with the run in this folder')
    .option('--out <folder>', 'folder of the run (default: runs/DATE-MODEL)')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ eegtorch train eegnet --data eegmmidb/ --task fists-feet --leave-out run --seeds 5
  $ eegtorch train eegnet --dataset bcic-iv-2a --config cross-session.yaml
  $ eegtorch train conv_net --data 'study/*.edf' --events left right --folds 5 --validation 0.2 --early-stopping 20
  $ eegtorch train --config run.yaml --lr 5e-4
  $ eegtorch train --config mapper.yaml      (regime: mapper, with the options of finetune-image)
  $ eegtorch train --resume runs/2026-11-21-eegnet`,
    )
    .action(train)
}

async function train(model: string | undefined, flags: Flags): Promise<void> {
  const { config: file, resume, out, json = false, ...options } = flags
  const source = resume === undefined ? file : configOf(resume)
  const written = source === undefined ? {} : await readConfigFile(source)
  if (written.regime === 'mapper') return trainMapper(written, given(options), { file: source, out, json })
  const said = await withDataset({ ...written, ...(model && { model }), ...given(options) })
  const config = await withPipeline(checkConfig(said, { file: source, flags: given(options) }))
  const place = readProcessPlace()
  const writes = place === undefined || place.rank === 0
  const folder = resume ?? out ?? freshFolder(config.model)
  if (writes && resume === undefined && existsSync(join(folder, CONFIG_FILE))) {
    throw new EegTorchError('INVALID_OPTION', `${folder} holds a run already`, {
      option: '--out',
      expected: `a new folder, or --resume ${folder}`,
      received: folder,
    })
  }
  const device = place && deviceOfProcess(config.device, place, libtorchVersion().devices)
  const backend = config.device === 'cpu' ? 'gloo' : 'nccl'
  using group = place !== undefined && place.worldSize > 1 ? await initProcessGroup({ place, backend }) : undefined
  const run = await runTraining(config, { folder, quiet: json, group, ...defined({ device }) })
  if (writes) printRun(run, json)
  await group?.barrier()
}

function configOf(run: string): string {
  const file = join(run, CONFIG_FILE)
  if (existsSync(file)) return file
  throw new EegTorchError('FILE_NOT_FOUND', 'is no run to resume', {
    file: run,
    expected: `a folder with ${CONFIG_FILE}`,
    received: existsSync(run) ? 'a folder without it' : 'nothing there',
  })
}

/** Options that a word alone turns on. */
const SWITCHES: ReadonlySet<string> = new Set(['strongWolfe', 'stimuliApart'])

/** What was said on the command line. Switches that commander sets by itself count only when they turn something off. */
function given(options: Record<string, unknown>): Record<string, unknown> {
  const known = Object.keys(trainSchema.shape)
  const said = Object.entries(options).filter(
    ([name, value]) => known.includes(name) && value !== undefined && (value !== true || SWITCHES.has(name)),
  )
  return Object.fromEntries(said)
}
