import { join } from 'node:path'
import type { Command } from 'commander'
import { fromTypedArray } from '../creation.ts'
import type { EegWindows } from '../datasets/windows.ts'
import { defined } from '../defined.ts'
import { EegTorchError } from '../errors.ts'
import { writeFileAtomically } from '../files/atomic.ts'
import {
  type ClipTargets,
  clipTargets,
  promptOfClass,
  storedStimuli,
  storedTargets,
} from '../generation/clip/targets.ts'
import { promptsOfTokens } from '../generation/eeg-to-image/eeg-prompter.ts'
import { EpochPictures } from '../generation/eeg-to-image/epoch-pictures.ts'
import {
  type FinetunedImage,
  type FinetunedImageEpoch,
  finetuneImage,
} from '../generation/eeg-to-image/finetune-image.ts'
import { findStimuli } from '../generation/pictures/stimuli.ts'
import { requirePreparedFor, workOfWindows } from '../generation/sources/picture-work.ts'
import { type KeywordAccuracy, keywordAccuracy } from '../language/keywords.ts'
import type { Model } from '../models/model.ts'
import { models } from '../models/models.ts'
import { manualSeed, numThreads } from '../runtime.ts'
import { openStore } from '../store/open-store.ts'
import { storeIdentity } from '../store/store-identity.ts'
import type { Tensor } from '../tensor.ts'
import { phasesOf } from '../training/phase.ts'
import type { TensorSet } from '../training/tensor-set.ts'
import { accuracyWords } from './accuracy-words.ts'
import { readCommandConfig } from './command-config.ts'
import { encodeParts } from './encode-parts.ts'
import { type FinetuneImageConfig, finetuneImageSchema } from './finetune-image-config.ts'
import { showProgress } from './progress-line.ts'
import { addConfigFlags, type RunFlags } from './shared-flags.ts'
import { interruptible, openStudy } from './study-folder.ts'
import { type Parts, splitBySubject, trialsSeen } from './subject-parts.ts'

export function describe(command: Command): void {
  command.description(
    'Teach eeg_clip_mapper to give Stable Diffusion what CLIP makes of the pictures that were seen or imagined. Writes mapper_epochN.pth and .safetensors of each epoch, and mapper.safetensors: the best one’s.',
  )
  addConfigFlags(command, finetuneImageSchema.shape, { out: 'runs/finetune-image', taker: 'finetune-image' })
    .addHelpText(
      'after',
      `
Examples:
  $ eegtorch prepare --data imagery/ --stimuli pictures/ --targets clip-vit-large-patch14/ --diffusion stable-diffusion-v1-5/ --out imagery.store
  $ eegtorch finetune-image --data imagery.store --encoder CSBrain.pth --validation-subjects S17 S18 S19 --test-subjects S20 S21 S22
  $ eegtorch generate --pipeline image --data imagery.store --encoder CSBrain.pth --checkpoint runs/finetune-image/mapper.safetensors --diffusion stable-diffusion-v1-5/`,
    )
    .action(run)
}

async function run(file: string | undefined, { out, json = false, ...flags }: RunFlags): Promise<void> {
  await finetuneMapper(await readCommandConfig(finetuneImageSchema, flags, file, 'finetune-image'), { out, json })
}

/** The whole command, its options read: `eegtorch train` runs it too, for the regime mapper. */
export async function finetuneMapper(
  config: FinetuneImageConfig,
  { out, json }: { out: string; json: boolean },
): Promise<void> {
  const { encoder, checkpoint, clip, diffusion } = config
  const { windows, header } = openStore(config.data)
  if (checkpoint !== undefined) requirePreparedFor(windows, checkpoint)
  await using _study = await openStudy(
    out,
    { ...config, threads: numThreads() },
    { data: { identity: storeIdentity(header) }, encoder, checkpoint, clip, diffusion },
  )
  const parts = await splitBySubject(windows, config)
  const targets = await targetsOf(windows.classNames, config)
  if (!json) console.error(formatCosines(targets))
  const result = await interruptible(out, (signal) => learn({ config, out, json, signal, parts, targets }))
  await writeFileAtomically(join(out, 'results.json'), JSON.stringify(result, undefined, 2))
  console.log(json ? JSON.stringify(result) : formatResult(result, out))
}

/** Those of the pictures, CLIP and texts that were named, else the store's. @throws EegTorchError `INVALID_OPTION` for targets of other classes */
async function targetsOf(classNames: readonly string[], config: FinetuneImageConfig): Promise<ClipTargets> {
  const { data, stimuli, clip, diffusion, device } = config
  if (clip === undefined) {
    const targets = await storedTargets(data)
    requireClasses(targets, classNames, data)
    return targets
  }
  const prompts = config.prompts ?? classNames.map(promptOfClass)
  return clipTargets({
    stimuli: await findStimuli(stimuli ?? storedStimuli(data) ?? requireStimuli(data), classNames),
    ...{ prompts, classNames, clip, pipeline: diffusion!, store: data, device },
  })
}

function requireClasses(
  { made, file, imagePrototypes }: ClipTargets,
  classNames: readonly string[],
  data: string,
): void {
  const named = made?.classNames
  if (named === undefined ? imagePrototypes.shape[0] === classNames.length : named.join() === classNames.join()) return
  throw new EegTorchError('CHECKPOINT_MISMATCH', 'the CLIP targets are of other classes than the windows', {
    file,
    expected: `${classNames.join(', ')} (${data})`,
    received: named?.join(', ') ?? `${imagePrototypes.shape[0]} classes`,
  })
}

function requireStimuli(data: string): never {
  throw new EegTorchError('INVALID_OPTION', 'the store has no stimuli, so a folder of them is needed', {
    ...{ option: 'stimuli', file: data, expected: 'a folder with a picture of each class' },
  })
}

interface Learning {
  config: FinetuneImageConfig
  out: string
  json: boolean
  signal: AbortSignal
  parts: Parts<EegWindows>
  targets: ClipTargets
}

interface ImageResult extends FinetunedImage {
  /** Mean cosine of two classes' targets. */
  cosines: ClipTargets['cosines']
  targets: string
  test?: KeywordAccuracy
}

async function learn({ config, out, json, signal, parts, targets }: Learning): Promise<ImageResult> {
  const { device, autocast } = config
  const sets = await encodeParts(parts, config, signal, (inputs, windows) => ({
    inputs,
    targets: classesOf(windows, device),
  }))
  manualSeed(config.seed)
  using mapper = await makeMapper(config, sets.train, targets)
  await using pictures = await picturesOf(config, parts, sets, out)
  const { batchSize, weightDecay, seed, lambdaCls, lambdaContrastive, lambdaCos, lambdaMse, temperature } = config
  const placed = {
    imagePrototypes: targets.imagePrototypes.to(device),
    textHidden: targets.textHidden.to(device),
  }
  const learnt = await finetuneImage(mapper, sets.train, placed, {
    ...{ batchSize, weightDecay, seed, lambdaCls, lambdaContrastive, lambdaCos, lambdaMse, temperature, signal },
    ...phasesOf(config),
    ...(autocast && { autocast }),
    ...(sets.validation && { validation: sets.validation }),
    folder: out,
    description: {
      ...{ classNames: parts.train.classNames, ...(await trialsSeen(parts)), targets: targets.key },
      ...defined({ made: targets.made }),
    },
    onEpoch: async (told) => {
      if (!json) showProgress(`${formatEpoch(told)} `)
      await pictures?.draw(mapper, told.epoch, signal)
    },
  })
  const test = sets.test && (await scoreMapper(mapper, sets.test))
  return { ...learnt, cosines: targets.cosines, targets: targets.file, ...defined({ test }) }
}

function classesOf(windows: EegWindows, device: FinetuneImageConfig['device']): Tensor {
  using labels = fromTypedArray(BigInt64Array.from(windows.labels, (label) => BigInt(label)))
  return labels.to(device)
}

async function makeMapper(
  { checkpoint, mapperOptions, device }: FinetuneImageConfig,
  { inputs }: TensorSet,
  { imagePrototypes, textHidden }: ClipTargets,
): Promise<Model<'eeg_clip_mapper'>> {
  const [, nTokens, inDim] = inputs.shape as [number, number, number]
  const sizes = { nTokens, inDim, nOutputs: imagePrototypes.shape[0]!, nQueries: textHidden.shape[1]! }
  const net =
    checkpoint === undefined
      ? models.eegClipMapper({ ...mapperOptions, ...sizes, clipDim: imagePrototypes.shape[1]! } as never)
      : ((await models.load(checkpoint, { model: 'eeg_clip_mapper' })) as Model<'eeg_clip_mapper'>)
  return net.to(device)
}

async function picturesOf(
  config: FinetuneImageConfig,
  parts: Parts<EegWindows>,
  sets: Parts<TensorSet>,
  out: string,
): Promise<EpochPictures | undefined> {
  const { generateEvery, generateSamples, diffusion, stimuli, data, device, dtype, steps, guidance, seed } = config
  if (generateEvery === undefined) return undefined
  const windows = parts.validation ?? parts.train
  return new EpochPictures({
    ...{ diffusion: diffusion!, device, dtype, every: generateEvery, folder: join(out, 'pictures') },
    tokens: (sets.validation ?? sets.train).inputs,
    work: await workOfWindows(windows, { n: generateSamples, stimuli: stimuli ?? storedStimuli(data) }),
    classNames: windows.classNames,
    drawing: { steps, guidance, seed, ...defined({ height: config.height, width: config.width }) },
  })
}

/** Classes that the mapper tells from trials it has never seen. */
async function scoreMapper(mapper: Model<'eeg_clip_mapper'>, { inputs, targets }: TensorSet) {
  const { labels, ...tensors } = await promptsOfTokens(mapper, inputs)
  for (const tensor of Object.values(tensors)) tensor.dispose()
  using truth = targets.to('cpu')
  return keywordAccuracy(labels, Array.from(truth.toTypedArray() as BigInt64Array, Number))
}

function formatCosines({ cosines: { images, texts }, cached }: ClipTargets): string {
  return `CLIP targets ${cached ? 'from the store' : 'computed'}: mean cosine of two classes ${images.toFixed(3)} for pictures, ${texts.toFixed(3)} for texts (near 1 they hardly tell classes apart)`
}

function formatEpoch({ epoch, phase, figures }: FinetunedImageEpoch): string {
  const { trainLoss, trainAccuracy, validationAccuracy } = figures
  const share = (name: string, value: number | undefined) =>
    value === undefined ? '' : `  ${name} ${(100 * value).toFixed(1)} %`
  return `epoch ${String(epoch).padStart(3)}  ${phase.padEnd(7)}  loss ${trainLoss.toFixed(4)}${share('training', trainAccuracy)}${share('validation', validationAccuracy)}`
}

function formatResult({ epochs, bestEpoch, test, cosines }: ImageResult, out: string): string {
  const best = bestEpoch === undefined ? [] : [`best epoch ${bestEpoch}, by validation`]
  const tested = test === undefined ? [] : [`test ${accuracyWords(test)}`]
  const alike = `targets alike by cosine: pictures ${cosines.images.toFixed(3)}, texts ${cosines.texts.toFixed(3)}`
  return [...epochs.map(formatEpoch), alike, ...best, ...tested, `kept in ${out}`].join('\n')
}
