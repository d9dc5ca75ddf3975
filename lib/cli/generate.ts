import { type Command, Option } from 'commander'
import { defined } from '../defined.ts'
import { EEG_TO_IMAGE_MODES } from '../generation/eeg-to-image/eeg-to-image.ts'
import { generatePictures, type PictureWork } from '../generation/generate-pictures.ts'
import { GenerationFolder } from '../generation/pictures/generation-folder.ts'
import { setNumThreads } from '../runtime.ts'
import { openStore } from '../store/open-store.ts'
import { type GenerateConfig, generateSchema } from './generate-config.ts'
import { openSource } from './generate-sources.ts'
import { workOfWindows } from './generate-work.ts'
import { interruptible, showProgress } from './study-folder.ts'
import { checkOptions, readConfigFile } from './train-config.ts'

interface Flags extends Record<string, unknown> {
  out: string
  json?: boolean
}

export function describe(command: Command): void {
  command
    .description(
      'Draw pictures of EEG trials, or of texts. A folder that was stopped goes on; what is there is never made again.',
    )
    .argument('[config]', 'YAML file with these options in camelCase; flags win over it')
    .addOption(
      new Option(
        '--pipeline <name>',
        'image: CSBrain and tokens for Stable Diffusion; sgdm; prompt: texts alone',
      ).choices([...generateSchema.shape.pipeline.options]),
    )
    .option('--eeg <store>', 'a store that eegtorch prepare wrote')
    .option('--encoder <file>', 'CSBrain, for --pipeline image')
    .option('--checkpoint <file>', 'the mapper (image), or the networks (sgdm)')
    .option('--classifier <file>', 'classifier of noised latents, for sgdm')
    .option('--diffusion <folder>', 'a diffusion model in diffusers’ layout; for sgdm its autoencoder is used')
    .option('--scheduler <class>', 'diffusers’ name of a scheduler, in place of the folder’s')
    .option('--stimuli <folder>', 'pictures named by stimulus or class: drawn beside the results')
    .option('--prompts <text...>', 'texts to draw; or one for each class, for --mode label-prompt')
    .addOption(
      new Option(
        '--mode <mode>',
        'what the diffusion model sees: tokens read from the EEG (default), or a text about the class that was read',
      ).choices([...EEG_TO_IMAGE_MODES]),
    )
    .option('--n <count>', 'trials, from the first on (default: all)', Number)
    .option('--steps <n>', 'steps from noise to picture (default: 25; sgdm 50)', Number)
    .option('--guidance <scale>', 'classifier-free guidance (default: 7.5)', Number)
    .option('--strength <share>', 'of the steps that sgdm takes from the rough structure (default: 0.8)', Number)
    .option('--seed <n>', 'of the noise (default: 0)', Number)
    .option('--height <pixels>', 'default: what the model was trained on', Number)
    .option('--width <pixels>', 'default: what the model was trained on', Number)
    .option('--batch <n>', 'pictures at a time (default: 1)', Number)
    .option('--low-memory', 'free the EEG’s networks before the diffusion model loads, decode one picture at a time')
    .option('--device <name>', 'cpu or cuda (default: cpu)')
    .option('--dtype <type>', 'float32, float16 or bfloat16 (default: float32)')
    .option('--threads <n>', 'CPU threads', Number)
    .option('--out <folder>', 'folder of the pictures', 'runs/pictures')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ eegtorch generate --pipeline prompt --diffusion ./stable-diffusion-v1-5 --prompts "a photo of a dog"
  $ eegtorch generate --pipeline image --eeg visual.store --encoder csbrain.pth --checkpoint mapper.safetensors --diffusion ./stable-diffusion-v1-5 --n 16 --low-memory
  $ eegtorch generate --pipeline sgdm --eeg visual.store --checkpoint runs/sgdm/last.safetensors --stimuli pictures/`,
    )
    .action(generate)
}

async function generate(file: string | undefined, { out, json = false, ...flags }: Flags): Promise<void> {
  const written = file === undefined ? {} : await readConfigFile(file)
  const config = checkOptions(generateSchema, { ...written, ...defined(flags) }, file)
  if (config.threads !== undefined) await setNumThreads(config.threads)
  const windows = config.eeg === undefined ? undefined : openStore(config.eeg).windows
  const work: PictureWork[] =
    windows === undefined
      ? config.prompts!.map((text, number) => ({ trial: `prompt ${number + 1}: ${text}`, number }))
      : workOfWindows(windows, config.n, config.stimuli)
  await using folder = await GenerationFolder.open(out, { settings: settingsOf(config) })
  const made = await interruptible(out, async (signal) => {
    using source = await openSource(config, windows)
    return await generatePictures(source, work, folder, {
      ...{ seed: config.seed, batch: config.batch, signal },
      onProgress: ({ done, total, step, steps }) =>
        json || showProgress(`picture ${done + 1} of ${total}  step ${step} of ${steps} `),
    })
  })
  const records = folder.records
  const right = records.filter(({ true: truth, predicted }) => truth === predicted).length
  const known = records.filter(({ true: truth }) => truth !== undefined).length
  const result = { folder: out, made, pictures: records.length, right, known, mode: records[0]?.mode }
  console.log(json ? JSON.stringify(result) : formatResult(result))
}

/** What decides how pictures look; more trials, or larger batches, go on in the same folder. */
function settingsOf({ n: _, batch: __, threads: ___, seed: ____, ...config }: GenerateConfig): Record<string, unknown> {
  return config
}

interface Result {
  folder: string
  made: number
  pictures: number
  right: number
  known: number
  mode: string | undefined
}

function formatResult({ folder, made, pictures, right, known, mode }: Result): string {
  return [
    `${made} pictures made, ${pictures} in ${folder}, mode ${mode ?? 'none'}`,
    ...(known > 0 ? [`class read right in ${right} of ${known} (the class, not the picture)`] : []),
    `grid  ${folder}/summary_grid.png`,
  ].join('\n')
}
