import { type Command, Option } from 'commander'
import { storedStimuli } from '../generation/clip/targets.ts'
import { EEG_TO_IMAGE_MODES } from '../generation/eeg-to-image/eeg-to-image.ts'
import type { PictureWork } from '../generation/generate-pictures.ts'
import { controlFolder, type PictureControl, pictureControls } from '../generation/pictures/controls.ts'
import { requirePictures } from '../generation/pictures/picture.ts'
import { type ToldTrials, trialsSeenBy, workOfPrompts, workOfWindows } from '../generation/sources/picture-work.ts'
import { PREFIX_PLACES } from '../language/decoding.ts'
import { textVocabularies } from '../language/vocabularies.ts'
import { openStore } from '../store/open-store.ts'
import { accuracyWords } from './accuracy-words.ts'
import { readCommandConfig } from './command-config.ts'
import { decodingFlags } from './decoding-flags.ts'
import { type GenerateConfig, generateSchema } from './generate-config.ts'
import { drawControls, drawPictures, type Made, openFolder } from './generate-run.ts'
import { requireNumbers } from './require-numbers.ts'
import { deviceFlag, montageFlag, presetFlag, type RunFlags } from './shared-flags.ts'
import { interruptible } from './study-folder.ts'

export function describe(command: Command): void {
  command
    .description(
      'Draw pictures of EEG trials, or of texts. A folder that was stopped goes on; what is there is never made again.',
    )
    .argument('[config]', 'YAML file with these options in camelCase; flags win over it')
    .addOption(
      new Option(
        '--pipeline <name>',
        'text: a sentence of Llama, its keyword’s prompt to Stable Diffusion; amused: the same to aMUSEd; image: tokens to Stable Diffusion; sgdm; prompt: texts alone',
      ).choices([...generateSchema.shape.pipeline.options]),
    )
    .option('--eeg <store>', 'a store that eegtorch prepare wrote')
    .option('--encoder <file>', 'CSBrain, for text, amused and image')
    .addOption(montageFlag())
    .option('--projection <file>', 'projection_epochN.pth, for text and amused')
    .option('--language <folder>', 'Llama in transformers’ layout, for text and amused')
    .option('--adapter <folder>', 'its LoRA adapter in peft’s layout: lora_epochN')
    .option('--nf4', 'hold the language model in four bits')
    .addOption(
      new Option('--vocabulary <name>', 'keywords and prompts (default: the one that knows the classes)').choices(
        Object.keys(textVocabularies),
      ),
    )
    .addOption(
      new Option('--place <where>', 'where the EEG stands (default: before-prompt)').choices([...PREFIX_PLACES]),
    )
  for (const flag of decodingFlags()) command.addOption(flag)
  command
    .option('--checkpoint <file>', 'the mapper (image), or the networks (sgdm)')
    .option('--classifier <file>', 'classifier of noised latents, for sgdm (train-diffusion --classifier)')
    .option(
      '--controlnet <folder>',
      'ControlNet in diffusers’ layout; sgdm tells it the structure that is read from the EEG (train-diffusion --controlnet)',
    )
    .option(
      '--structure <path>',
      'what the ControlNet of text, image and prompt sees: a picture, or a folder with one for each stimulus, class or, in the order of names, prompt',
    )
    .option(
      '--diffusion <path>',
      'a diffusion model: a folder of diffusers, or a single file; sgdm uses its autoencoder. Without one, text and amused read sentences alone',
    )
    .option('--tokenizer <folder>', 'of the diffusion model, where a single file has none')
    .option('--scheduler <class>', 'diffusers’ name of a scheduler, in place of the folder’s')
    .option(
      '--stimuli <folder>',
      'pictures named by stimulus or class, drawn beside the results (default: the store’s own)',
    )
    .option('--prompts <text...>', 'texts to draw; or one for each class, for --mode label-prompt')
    .addOption(
      new Option(
        '--mode <mode>',
        'what the diffusion model sees: tokens read from the EEG (default), or a text about the class that was read',
      ).choices([...EEG_TO_IMAGE_MODES]),
    )
    .addOption(
      new Option(
        '--controls <names...>',
        'draw the trials besides without their EEG, for eegtorch score: from EEG of another trial, from noise, from the label’s prompt alone (image)',
      ).choices([...pictureControls]),
    )
    .option('--n <count>', 'trials, from the first on (default: all)', Number)
    .option('--steps <n>', 'steps from noise to picture (default: 25; sgdm 50; amused 12)', Number)
    .option('--guidance <scale>', 'classifier-free guidance (default: 7.5; amused 10)', Number)
    .option('--negative-prompt <text>', 'what pictures are kept away from; not for sgdm')
    .option(
      '--class-guidance <scale>',
      'how hard the class that was read pulls, with --classifier (default: 1)',
      Number,
    )
    .option('--strength <share>', 'of the steps that sgdm takes from the rough structure (default: 0.8)', Number)
    .option('--structure-weight <number>', 'of what the ControlNet says (default: 1)', Number)
    .option('--structure-start <share>', 'of the steps before which the ControlNet says nothing (default: 0)', Number)
    .option('--structure-end <share>', 'of the steps after which it says nothing more (default: 1)', Number)
    .option(
      '--guess-mode',
      'let the ControlNet guess from the picture: under the condition alone, and less at the first skips than in the middle',
    )
    .option('--seed <n>', 'of the noise, and of drawn words (default: 0)', Number)
    .option('--height <pixels>', 'default: what the model was trained on', Number)
    .option('--width <pixels>', 'default: what the model was trained on', Number)
    .option('--batch <n>', 'pictures at a time, and sentences (default: 1)', Number)
    .option('--preview-every <steps>', 'show how the pictures stand in preview.png', Number)
    .option('--low-memory', 'free the EEG’s networks before the diffusion model loads, decode one picture at a time')
    .addOption(deviceFlag())
    .option('--cuda-graph', 'on a GPU, launch each step as one CUDA graph')
    .option('--dtype <type>', 'float32, float16 or bfloat16 (default: float32)')
    .addOption(presetFlag('generate'))
    .option('--threads <n>', 'CPU threads', Number)
    .option('--out <folder>', 'folder of the pictures', 'runs/pictures')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ eegtorch generate --pipeline prompt --diffusion ./stable-diffusion-v1-5 --prompts "a photo of a dog"
  $ eegtorch generate --pipeline image --eeg visual.store --encoder csbrain.pth --checkpoint mapper.safetensors --diffusion ./stable-diffusion-v1-5 --n 16 --controls shuffled random label --low-memory
  $ eegtorch generate --pipeline text --eeg motor.store --encoder CSBrain.pth --projection projection_epoch6.pth --language TinyLlama-1.1B-Chat-v1.0 --adapter lora_epoch6 --nf4 --diffusion ./stable-diffusion-2-1 --height 512 --width 512 --n 20
  $ eegtorch generate --pipeline amused --eeg visual.store --encoder CSBrain.pth --projection projection_epoch5.pth --language TinyLlama-1.1B-Chat-v1.0 --adapter lora_epoch5 --diffusion ./amused-512 --stimuli stimuli/ --n 20
  $ eegtorch generate --pipeline sgdm --eeg visual.store --checkpoint runs/sgdm/last.safetensors --stimuli pictures/`,
    )
    .action(generate)
}

async function generate(file: string | undefined, { out, json = false, ...flags }: RunFlags): Promise<void> {
  const config = await readCommandConfig(generateSchema, flags, file, 'generate')
  const windows = config.eeg === undefined ? undefined : openStore(config.eeg).windows
  if (windows !== undefined) await requireNumbers(windows, config.eeg!, config.n)
  const work: PictureWork[] =
    windows === undefined
      ? await workOfPrompts(config.prompts!, config.structure)
      : await workOfWindows(windows, {
          n: config.n,
          stimuli: config.stimuli ?? storedStimuli(config.eeg!),
          structure: config.structure,
          told: toldBy(config),
        })
  await requirePictures(
    work.flatMap(({ stimulus, structure }) => [stimulus, structure]).filter((file) => file !== undefined),
  )
  const trained = work.filter((one) => one.trained).length
  if (trained > 0)
    console.error(
      `note: the networks learned from ${trained} of these ${work.length} trials: what they make of them says nothing about new ones`,
    )
  await using folder = await openFolder(out, config)
  const { made, keywords, controls } = await interruptible(out, async (signal) => {
    const run = { config, windows, work, json, signal }
    return { ...(await drawPictures(run, folder)), controls: await drawControls(run, out) }
  })
  const records = folder.records
  const right = records.filter(({ true: truth, predicted }) => truth === predicted).length
  const known = records.filter(({ true: truth }) => truth !== undefined).length
  const modes = [...new Set(records.map(({ mode }) => mode))]
  const result = { folder: out, made, pictures: records.length, right, known, trained, mode: modes.join(', ') }
  const told = { ...result, ...(keywords && { keywords }), ...(config.controls && { controls }) }
  console.log(json ? JSON.stringify(told) : formatResult(told))
}

/** Trials that shaped the networks. Those that were published for pictures and texts saw no EEG, and are not asked. */
function toldBy({
  pipeline,
  encoder,
  projection,
  adapter,
  checkpoint,
  classifier,
  controlnet,
}: GenerateConfig): ToldTrials {
  const paths = [encoder, projection, adapter, checkpoint, classifier, pipeline === 'sgdm' ? controlnet : undefined]
  return trialsSeenBy(...paths.filter((path) => path !== undefined))
}

interface Result extends Made {
  folder: string
  pictures: number
  right: number
  known: number
  /** Trials that the networks learned from. */
  trained: number
  /** How the pictures were made; empty where there are none. */
  mode: string
  controls?: Partial<Record<PictureControl, Made>>
}

function formatResult({ folder, made, pictures, right, known, mode, keywords, controls = {} }: Result): string {
  return [
    ...(keywords === undefined
      ? []
      : [`keyword right in ${accuracyWords(keywords)}, ${keywords.without} without a keyword`]),
    ...(pictures === 0
      ? [`sentences  ${folder}/sentences.jsonl`]
      : [
          `${made} pictures made, ${pictures} in ${folder}, mode ${mode}`,
          ...(known > 0 ? [`class read right in ${right} of ${known} (the class, not the picture)`] : []),
          `grid  ${folder}/summary_grid.png`,
        ]),
    ...Object.entries(controls).map(([name, control]) => formatControl(folder, name as PictureControl, control)),
  ].join('\n')
}

function formatControl(folder: string, name: PictureControl, { made, keywords }: Made): string {
  const words = keywords === undefined ? '' : `, keyword right in ${accuracyWords(keywords)}`
  return `control ${name}: ${made} pictures made, ${controlFolder(folder, name)}${words}`
}
