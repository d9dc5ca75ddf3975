import type { Command } from 'commander'
import { type ConvertOptions, convertCheckpoint } from '../models/convert.ts'
import { formatBytes } from '../models/inspect-checkpoint.ts'
import { CHECKPOINT_LAYOUTS } from '../models/layouts.ts'
import { readModelConfig } from './model-config.ts'

interface Flags {
  to?: string
  model?: string
  config?: string
  key?: string
  json?: boolean
}

export function describe(command: Command): void {
  command
    .description(
      'Write a checkpoint in another layout. Every tensor must fit the network by name and shape; values stay. Nothing is overwritten.',
    )
    .argument('<source>', 'a checkpoint: safetensors, torch.save, or a folder of config.json and weights')
    .argument('<target>', 'a new file or folder')
    .option('--to <layout>', `${CHECKPOINT_LAYOUTS.join(', ')} (default: by the ending of the target)`)
    .option('--model <name>', 'network of the registry, where the checkpoint does not tell')
    .option('--config <file>', 'YAML or JSON with options of the network that the checkpoint does not tell')
    .option('--key <key>', 'which state dict of a torch.save file that holds several')
    .option('--json', 'print what was written as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  $ eegtorch convert eegnet-braindecode/ eegnet.safetensors\n  $ eegtorch convert best.safetensors eegnet.pth\n  $ eegtorch convert weights.pth shared/ --to braindecode --config options.yaml',
    )
    .action(convert)
}

async function convert(source: string, target: string, { to, model, config, key, json }: Flags): Promise<void> {
  const options = { to, model, key, config: config === undefined ? undefined : readModelConfig(config) }
  const written = await convertCheckpoint(source, target, options as ConvertOptions)
  if (json) return console.log(JSON.stringify(written, undefined, 2))
  const { layout, model: network, tensors, bytes, renamed } = written
  const names = renamed === 0 ? [] : [`${renamed} renamed`]
  const what = [layout, network ?? 'network not known', `${tensors} tensors`, ...names, formatBytes(bytes)]
  console.log(`wrote ${target}: ${what.join(', ')}`)
}
