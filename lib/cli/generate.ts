import type { Command } from 'commander'
import { defined } from '../defined.ts'
import { requireFinite } from '../experiment/finite-windows.ts'
import { storedStimuli } from '../generation/clip/targets.ts'
import type { PictureWork } from '../generation/generate-pictures.ts'
import { controlFolder, type PictureControl } from '../generation/pictures/controls.ts'
import { requirePictures } from '../generation/pictures/picture.ts'
import type { PredictionType } from '../generation/schedulers/config.ts'
import { requirePreparedFor, trialsSeenBy, workOfPrompts, workOfWindows } from '../generation/sources/picture-work.ts'
import { assumedPrediction } from '../generation/stable-diffusion/load.ts'
import { openStore } from '../store/open-store.ts'
import { accuracyWords } from './accuracy-words.ts'
import { readCommandConfig } from './command-config.ts'
import { BY_STABLE_DIFFUSION, type GenerateConfig, generateSchema } from './generate-config.ts'
import { drawControls, drawPictures, type Made, openFolder } from './generate-run.ts'
import { addConfigFlags, type RunFlags } from './shared-flags.ts'
import { interruptible } from './study-folder.ts'

export function describe(command: Command): void {
  command.description(
    'Draw pictures of EEG trials, or of texts. A folder that was stopped goes on; what is there is never made again.',
  )
  addConfigFlags(command, generateSchema.shape, { out: 'runs/pictures', taker: 'generate' })
    .addHelpText(
      'after',
      `
Examples:
  $ eegtorch generate --pipeline prompt --diffusion ./stable-diffusion-v1-5 --prompts "a photo of a dog"
  $ eegtorch generate --pipeline image --data visual.store --encoder csbrain.pth --checkpoint mapper.safetensors --diffusion ./stable-diffusion-v1-5 --n 16 --controls shuffled random label --low-memory
  $ eegtorch generate --pipeline text --data motor.store --encoder CSBrain.pth --projection projection_epoch6.pth --language TinyLlama-1.1B-Chat-v1.0 --adapter lora_epoch6 --nf4 --diffusion ./stable-diffusion-2-1 --height 512 --width 512 --n 20
  $ eegtorch generate --pipeline amused --data visual.store --encoder CSBrain.pth --projection projection_epoch5.pth --language TinyLlama-1.1B-Chat-v1.0 --adapter lora_epoch5 --diffusion ./amused-512 --stimuli stimuli/ --n 20
  $ eegtorch generate --pipeline sgdm --data visual.store --checkpoint runs/sgdm/last.safetensors --stimuli pictures/`,
    )
    .action(generate)
}

async function generate(file: string | undefined, { out, json = false, ...flags }: RunFlags): Promise<void> {
  const config = await readCommandConfig(generateSchema, flags, file, 'generate')
  const windows = config.data === undefined ? undefined : openStore(config.data).windows
  if (windows !== undefined) {
    const indices = Array.from({ length: Math.min(config.n ?? windows.length, windows.length) }, (_, i) => i)
    await requireFinite(windows, { indices, file: config.data! })
    requirePreparedFor(windows, ...trainedHere(config))
  }
  const work: PictureWork[] =
    windows === undefined
      ? await workOfPrompts(config.prompts!, config.structure)
      : await workOfWindows(windows, {
          n: config.n,
          stimuli: config.stimuli ?? storedStimuli(config.data!),
          structure: config.structure,
          told: trialsSeenBy(...[config.encoder ?? [], trainedHere(config)].flat()),
        })
  await requirePictures(
    work.flatMap(({ stimulus, structure }) => [stimulus, structure]).filter((file) => file !== undefined),
  )
  const trained = work.filter((one) => one.trained).length
  if (trained > 0)
    console.error(
      `note: the networks learned from ${trained} of these ${work.length} trials: what they make of them says nothing about new ones`,
    )
  const assumed = assumedOf(config)
  if (assumed !== undefined)
    console.error(
      `note: ${config.diffusion} does not say what its UNet predicts, ${assumed} is assumed; --prediction-type says otherwise`,
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
  const predictionType = config.predictionType ?? assumed
  const told = {
    ...result,
    ...defined({ predictionType }),
    ...(keywords && { keywords }),
    ...(config.controls && { controls }),
  }
  console.log(json ? JSON.stringify(told) : formatResult(told))
}

/** What a single file that draws is taken to predict, where nobody says it. */
function assumedOf({ pipeline, diffusion, predictionType }: GenerateConfig): PredictionType | undefined {
  const isRead = BY_STABLE_DIFFUSION.includes(pipeline) && diffusion !== undefined && predictionType === undefined
  return isRead ? assumedPrediction(diffusion) : undefined
}

/**
 * Networks that learned from EEG as it is drawn here. Those that were published for pictures and texts saw none; the encoder stayed as it was, and
 * may have learned from windows that were prepared otherwise.
 */
function trainedHere({ pipeline, projection, adapter, checkpoint, classifier, controlnet }: GenerateConfig): string[] {
  const paths = [projection, adapter, checkpoint, classifier, pipeline === 'sgdm' ? controlnet : undefined]
  return paths.filter((path) => path !== undefined)
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
  /** What the UNet was said, or is assumed, to predict; absent where its folder says it. */
  predictionType?: PredictionType
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
