import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { defined } from '../defined.ts'
import { initProcessGroup } from '../distributed/process-group.ts'
import { deviceOfProcess, readProcessPlace } from '../distributed/process-place.ts'
import { EegTorchError } from '../errors.ts'
import { libtorchVersion } from '../runtime.ts'
import { withDataset } from './config-dataset.ts'
import { withPipeline } from './config-pipeline.ts'
import { CONFIG_FILE, freshFolder, printRun, runTraining } from './run-training.ts'
import { addFlags, presetFlag } from './shared-flags.ts'
import { checkConfig, readConfigFile, trainSchema } from './train-config.ts'
import { trainMapper } from './train-mapper.ts'

interface Flags extends Record<string, unknown> {
  config?: string
  resume?: string
  out?: string
  json?: boolean
}

export function describe(command: Command): void {
  const { preset: _preset, model: _model, ...flags } = trainSchema.shape
  addFlags(command, flags)
    .addOption(presetFlag('train'))
    .description('Train a network on recordings, test it on what each fold leaves out, and write a report.')
    .argument('[model]', 'network that classifies windows, such as eegnet; an unknown name lists all')
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
  const { config: file, resume, out, json = false, ...rest } = flags
  const options = defined(rest)
  const source = resume === undefined ? file : configOf(resume)
  const written = source === undefined ? {} : await readConfigFile(source)
  if (written.regime === 'mapper') requireMapper({ model, resume })
  if (written.regime === 'mapper') return trainMapper(written, options, { file: source, out, json })
  const said = { ...written, ...(model && { model }), ...options }
  const config = await withPipeline(checkConfig(await withDataset(said), { file: source, flags: options }))
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
  const run = await runTraining(config, { folder, said, quiet: json, group, ...defined({ device }) })
  if (writes) printRun(run, json)
}

/** @throws EegTorchError `INVALID_OPTION` for what has no place beside `regime: mapper` */
function requireMapper(said: { model?: string | undefined; resume?: string | undefined }): void {
  const [option, expected] =
    said.model !== undefined
      ? (['model', 'no model: the file says regime: mapper, which trains eeg_clip_mapper'] as const)
      : (['resume', 'the same --config and --out, with which a run of regime: mapper goes on'] as const)
  if (said[option] === undefined) return
  throw new EegTorchError('INVALID_OPTION', `option ${option} has no place beside regime: mapper`, {
    ...{ option, expected, received: said[option] },
  })
}

function configOf(run: string): string {
  const file = join(run, CONFIG_FILE)
  if (existsSync(file)) return file
  throw new EegTorchError('FILE_NOT_FOUND', 'is no run to resume', {
    file: run,
    expected: `a folder with ${CONFIG_FILE} (a run of regime: mapper goes on with the same --config and --out)`,
    received: existsSync(run) ? 'a folder without it' : 'nothing there',
  })
}
