import type { Command } from 'commander'
import { z } from 'zod'
import { ImageNetworks } from '../generation/metrics/image-networks.ts'
import { measureNames } from '../generation/scores/measures.ts'
import { type FolderScores, scoreFolder } from '../generation/scores/score-folder.ts'
import { scoreFields } from '../generation/scores/score-pictures.ts'
import { readCommandConfig } from './command-config.ts'
import { showProgress } from './progress-line.ts'
import { scoreLines, writeScores } from './score-report.ts'
import { addFlags } from './shared-flags.ts'

/** What a person may write: in a YAML file, or as flags of `eegtorch score`. */
export const scoreSchema = z.strictObject({
  against: z.string().optional().describe('<folder> stimuli (default: those that the log names)'),
  training: z.string().optional().describe('<folder> pictures that the generator learnt from, for the nearest one'),
  metrics: z
    .array(z.enum(measureNames))
    .min(1)
    .optional()
    .describe('<names> what to measure (default: all that the networks allow)'),
  alexnet: z
    .string()
    .optional()
    .describe('<file> weights of torchvision’s AlexNet: two-way identification by its layers 2 and 5'),
  inception: z
    .string()
    .optional()
    .describe('<file> weights of torchvision’s Inception-v3: two-way and n-way identification'),
  lpips: z.string().optional().describe('<file> weights of LPIPS over AlexNet; its heads alone go with --alexnet'),
  clip: z
    .string()
    .optional()
    .describe('<path> a CLIP of transformers or OpenAI: similarity and two-way identification'),
  ...scoreFields,
  protocol: z.string().optional().describe('<words> how trials were split, for the report'),
  simulated: z.boolean().default(false).describe('say in the report that the EEG came from a program'),
})

interface Flags extends Record<string, unknown> {
  config?: string
  json?: boolean
}

export function describe(command: Command): void {
  addFlags(command, scoreSchema.shape)
    .description(
      'Score generated pictures against what was seen, beside their controls: shuffled EEG, random EEG, the label alone, the nearest training picture. eegtorch generate --controls draws the first three. Writes scores.json and scores.html into the folder.',
    )
    .argument('<folder>', 'pictures of eegtorch generate: generations.jsonl and its PNG files')
    .option('--config <file>', 'YAML file with these options in camelCase; flags win over it')
    .option('--json', 'print the scores as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  $ eegtorch score pictures/ --against stimuli/\n  $ eegtorch score pictures/ --training train-stimuli/ --alexnet alexnet-owt-7be5be79.pth --lpips alex.pth',
    )
    .action(score)
}

async function score(folder: string, { config, json = false, ...flags }: Flags): Promise<void> {
  const read = await readCommandConfig(scoreSchema, flags, config)
  const { alexnet, inception, lpips, clip, protocol, simulated, ...options } = read
  using networks = await ImageNetworks.open({ alexnet, inception, lpips, clip })
  const onProgress = (done: number, total: number) => {
    if (!json) showProgress(done === total ? '' : `measure ${done} of ${total} `)
  }
  const scores = await scoreFolder(folder, { ...options, networks, onProgress })
  const { report, written } = await writeScores(scores, {
    ...{ title: `Pictures in ${folder}`, simulated },
    protocol: protocol ?? protocolOf(scores),
  })
  if (json) console.log(JSON.stringify(written))
  else console.log([...scoreLines(scores), `report: ${report}`].join('\n'))
}

function protocolOf({ trained }: FolderScores): string {
  if (trained === 0) return 'no picture is of a trial that the networks were trained on, or chosen by'
  return 'not said; only trials that no network was trained on tell anything'
}
