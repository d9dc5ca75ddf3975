import { type Command, Option } from 'commander'
import { defined } from '../defined.ts'
import { EegTorchError } from '../errors.ts'
import { formatBytes } from '../files/format-bytes.ts'
import {
  type ConvertedSingleFile,
  type ConvertSingleFileOptions,
  convertSingleFile,
} from '../generation/checkpoints/convert-single-file.ts'
import { isPipelineFolder } from '../generation/checkpoints/inspect-pipeline.ts'
import type { SingleFileOptions } from '../generation/checkpoints/single-file.ts'
import { type WriteSingleFileOptions, writeSingleFile } from '../generation/checkpoints/write-single-file.ts'
import { type ConvertOptions, convertCheckpoint } from '../models/convert.ts'
import { CHECKPOINT_LAYOUTS } from '../models/layouts.ts'
import { nearestName } from '../nearest-name.ts'
import { readModelConfig } from './model-config.ts'

interface Flags {
  to?: string
  tokenizer?: string
  dtype?: ConvertSingleFileOptions['dtype']
  variant?: string
  maxShardSize?: number
  model?: string
  config?: string
  key?: string
  json?: boolean
}

/** Those of one network, and those of whole pipelines. */
const LAYOUTS: readonly string[] = [...CHECKPOINT_LAYOUTS, 'diffusers', 'single-file']

export function describe(command: Command): void {
  command
    .description(
      'Write a checkpoint in another layout. Every tensor must fit the network by name and shape; values stay. Nothing is overwritten.',
    )
    .argument('<source>', 'a checkpoint: safetensors, torch.save, or a folder of config.json and weights')
    .argument('<target>', 'a new file or folder')
    .option(
      '--to <layout>',
      `${CHECKPOINT_LAYOUTS.join(', ')} (default: by the ending of the target); diffusers: a Stable Diffusion in one file as a folder; single-file: such a folder as one file (also by default)`,
    )
    .option('--tokenizer <folder>', 'with --to diffusers: CLIP’s tokenizer, which a single file lacks')
    .addOption(
      new Option('--dtype <type>', 'with --to diffusers or single-file: of the weights (default: as they are)').choices(
        ['float32', 'float16', 'bfloat16'],
      ),
    )
    .option(
      '--variant <name>',
      'part of the files’ names: of those to write with --to diffusers, where fp16 stores them so; of those to read with --to single-file',
    )
    .option('--max-shard-size <GB>', 'with --to diffusers: larger files are cut (default: 10)', Number)
    .option('--model <name>', 'network of the registry, where the checkpoint does not tell')
    .option('--config <file>', 'YAML or JSON with options of the network that the checkpoint does not tell')
    .option('--key <key>', 'which state dict of a torch.save file that holds several')
    .option('--json', 'print what was written as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  $ eegtorch convert v1-5-pruned.safetensors stable-diffusion-v1-5/ --to diffusers --tokenizer clip-vit-large-patch14/\n  $ eegtorch convert stable-diffusion-v1-5/ v1-5.safetensors --to single-file --dtype float16\n  $ eegtorch convert eegnet-braindecode/ eegnet.safetensors\n  $ eegtorch convert best.safetensors eegnet.pth\n  $ eegtorch convert weights.pth shared/ --to braindecode --config options.yaml',
    )
    .action(convert)
}

async function convert(source: string, target: string, flags: Flags): Promise<void> {
  const { to, model, config, key, json } = flags
  if (to !== undefined && !LAYOUTS.includes(to)) throw unknownLayout(to)
  if (to === 'diffusers') return convertToDiffusers(source, target, flags)
  if (to === 'single-file' || (to === undefined && isPipelineFolder(source))) return toSingleFile(source, target, flags)
  const options = { to, model, key, config: config === undefined ? undefined : readModelConfig(config) }
  const written = await convertCheckpoint(source, target, options as ConvertOptions)
  if (json) return console.log(JSON.stringify(written, undefined, 2))
  const { layout, model: network, tensors, bytes, renamed } = written
  const names = renamed === 0 ? [] : [`${renamed} renamed`]
  const what = [layout, network ?? 'network not known', `${tensors} tensors`, ...names, formatBytes(bytes)]
  console.log(`wrote ${target}: ${what.join(', ')}`)
}

function unknownLayout(to: string): EegTorchError {
  const near = nearestName(to, LAYOUTS)
  return new EegTorchError('UNKNOWN_NAME', `there is no layout ${to}${near ? `; did you mean ${near}?` : ''}`, {
    ...{ option: '--to', expected: `one of ${LAYOUTS.join(', ')}`, received: to },
  })
}

async function convertToDiffusers(source: string, target: string, flags: Flags): Promise<void> {
  const { tokenizer, dtype, variant, maxShardSize, config, key, json } = flags
  if (maxShardSize !== undefined && !(maxShardSize > 0)) {
    throw new EegTorchError('INVALID_OPTION', 'the size of files is not usable', {
      ...{ option: '--max-shard-size', expected: 'gigabytes, more than 0', received: String(maxShardSize) },
    })
  }
  const written = await convertSingleFile(source, target, {
    ...defined({ tokenizer, dtype, variant, key }),
    ...(maxShardSize !== undefined && { maxShardBytes: maxShardSize * 1e9 }),
    ...(config !== undefined && { config: readModelConfig(config) as SingleFileOptions['config'] & object }),
  })
  if (json) return console.log(JSON.stringify(written, undefined, 2))
  console.log(describeWritten(written))
}

async function toSingleFile(source: string, target: string, { dtype, variant, json }: Flags): Promise<void> {
  const written = await writeSingleFile(source, target, defined({ dtype, variant }) as WriteSingleFileOptions)
  if (json) return console.log(JSON.stringify(written, undefined, 2))
  console.log(describeWritten(written))
  if (Object.keys(written.untold).length === 0) return
  console.log(`readers have to be told what such a file does not say (--config): ${JSON.stringify(written.untold)}`)
}

function describeWritten({ target, family, parts, bytes }: ConvertedSingleFile): string {
  const networks = Object.entries(parts).map(([name, tensors]) => `${name} of ${tensors} tensors`)
  return `wrote ${target}: ${[family ?? 'autoencoder', ...networks, formatBytes(bytes)].join(', ')}`
}
