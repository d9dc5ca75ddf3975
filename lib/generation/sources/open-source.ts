import { noGrad } from '../../autograd.ts'
import { openCheckpoint } from '../../checkpoints/checkpoint.ts'
import type { EegWindows } from '../../datasets/windows.ts'
import { defined } from '../../defined.ts'
import { EegTorchError } from '../../errors.ts'
import type { Tensor } from '../../tensor.ts'
import { type EegPrompts, promptsOfRows, tensorsOfPrompts } from '../eeg-to-image/eeg-prompter.ts'
import { EegToImage } from '../eeg-to-image/eeg-to-image.ts'
import type { PictureSource, PictureWork } from '../generate-pictures.ts'
import { type PictureCodec, PixelCodec } from '../picture-codec.ts'
import { type Scheduler, schedulerFromConfig } from '../schedulers/index.ts'
import { NoisedClassifier } from '../sgdm/noised-classifier.ts'
import { Sgdm } from '../sgdm/sgdm.ts'
import { SgdmPipeline } from '../sgdm/sgdm-pipeline.ts'
import { loadControlNet, loadVae } from '../stable-diffusion/load.ts'
import { StableDiffusion } from '../stable-diffusion/stable-diffusion.ts'
import { channelsOf, requireChannels, tensorOf } from '../window-channels.ts'
import {
  controlNetOptions,
  diffusionOptions,
  drawOptions,
  loadOptions,
  modeOf,
  type PictureDrawing,
  requireDrawing,
  structureOptions,
  wantedPlacement,
} from './drawing.ts'

/**
 * What draws pictures where no words are read from the EEG: the pipelines `image`, `sgdm` and `prompt` ({@link SentenceSource} has the others). Networks
 * load as their files are needed; the source owns them.
 *
 * @param work what is drawn: the numbers of the work are those of the windows, or of `prompts`
 * @param windows of the EEG; none for `prompt`
 * @throws EegTorchError `INVALID_OPTION` for what the pipeline needs, `CHECKPOINT_MISMATCH`, and as loading does
 */
export async function openPictureSource(
  config: PictureDrawing,
  work: readonly PictureWork[],
  windows?: EegWindows,
): Promise<PictureSource> {
  requireDrawing(config, 'image', 'sgdm', 'prompt')
  if (windows === undefined && config.pipeline !== 'prompt')
    throw new EegTorchError('INVALID_OPTION', `the pipeline ${config.pipeline} needs EEG`, { option: 'windows' })
  if (config.pipeline === 'prompt') return promptSource(config, work)
  return config.pipeline === 'image' ? imageSource(config, work, windows!) : sgdmSource(config, windows!)
}

async function promptSource(config: PictureDrawing, work: readonly PictureWork[]): Promise<PictureSource> {
  const pipeline = await StableDiffusion.load(config.diffusion!, diffusionOptions(config))
  return {
    async prepare() {},
    async draw(indices, numbers, signal) {
      const prompts = indices.map((i) => config.prompts![i]!)
      const told = { ...drawOptions(config), ...structureOptions(config, work, indices) }
      const generation = pipeline.generate(prompts, { ...told, numbers: [...numbers], signal })
      const mode = modeOf('prompt', config)
      return { generation, words: prompts.map((prompt) => ({ predicted: prompt, prompt, mode })) }
    },
    [Symbol.dispose]: () => pipeline.dispose(),
  }
}

async function imageSource(
  config: PictureDrawing,
  work: readonly PictureWork[],
  windows: EegWindows,
): Promise<PictureSource> {
  const { prompts, mode = 'eeg-tokens' } = config
  const { classNames } = windows
  if (prompts !== undefined && prompts.length !== classNames.length) {
    throw new EegTorchError('INVALID_OPTION', 'there is not one prompt for each class', {
      option: 'prompts',
      expected: `${classNames.length}, for ${classNames.join(', ')}`,
      received: String(prompts.length),
    })
  }
  const files = { encoder: config.encoder!, mapper: config.checkpoint!, diffusion: config.diffusion! }
  const pipeline = await EegToImage.load(files, {
    ...{ ...diffusionOptions(config), ...channelsOf(windows, config), classNames, ...defined({ prompts }) },
  })
  const places = new Map<number, number>()
  let read: EegPrompts | undefined
  return {
    // All of it before the first picture: with little memory the diffusion model then takes the place of the EEG's networks, once.
    async prepare(indices, signal) {
      indices.forEach((index, place) => void places.set(index, place))
      using trials = tensorOf(windows, indices)
      read = await pipeline.read(trials, { signal })
    },
    async draw(indices, numbers, signal) {
      const part = promptsOfRows(
        read!,
        indices.map((index) => places.get(index)!),
      )
      const told = { ...drawOptions(config), ...structureOptions(config, work, indices) }
      const options = { ...told, mode, numbers: [...numbers], signal }
      const { generation, labels, prompts: texts } = await pipeline.draw(part, options)
      const predicted = labels.map((label) => classNames[label] ?? String(label))
      const words = predicted.map((name, i) => ({ predicted: name, prompt: texts[i]!, mode: modeOf(mode, config) }))
      return { generation, words, inputs: tensorsOfPrompts(part) }
    },
    [Symbol.dispose]() {
      for (const tensor of read === undefined ? [] : tensorsOfPrompts(read)) tensor.dispose()
      pipeline.dispose()
    },
  }
}

async function sgdmSource(config: PictureDrawing, windows: EegWindows): Promise<PictureSource> {
  const { metadata } = openCheckpoint(config.checkpoint!)
  requireChannels(windows, metadata.channelNames, config.checkpoint!)
  const pipeline = await openSgdm(config, metadata)
  const classNames = (metadata.classNames as string[] | undefined) ?? windows.classNames
  return {
    async prepare() {},
    async draw(indices, numbers, signal) {
      using trials = tensorOf(windows, indices)
      const reading = await pipeline.read(trials)
      const labels = labelsOf(reading.logits)
      const options = {
        ...drawOptions(config),
        ...defined({ strength: config.strength, classGuidance: config.classGuidance }),
        ...controlNetOptions(config),
        numbers: [...numbers],
        signal,
      }
      const predicted = indices.map((_, i) => classNames[labels[i] ?? -1] ?? 'unknown')
      const words = predicted.map((name) => ({ predicted: name, prompt: null, mode: modeOf('sgdm', config) }))
      const inputs = Object.values(reading).filter((tensor) => tensor !== undefined)
      return { generation: pipeline.draw(reading, options), words, inputs }
    },
    [Symbol.dispose]: () => pipeline.dispose(),
  }
}

/** What was loaded before an error is freed. The classifier computes in float32, wherever it is. */
async function openSgdm(config: PictureDrawing, metadata: Readonly<Record<string, unknown>>): Promise<SgdmPipeline> {
  const loaded: Disposable[] = []
  const own = <T extends Disposable>(part: T): T => {
    loaded.push(part)
    return part
  }
  try {
    const networks = own(await Sgdm.load(config.checkpoint!, wantedPlacement(config)))
    const classifier =
      config.classifier === undefined
        ? undefined
        : own(await NoisedClassifier.load(config.classifier, defined({ device: config.device })))
    const controlNet =
      config.controlnet === undefined ? undefined : own(await loadControlNet(config.controlnet, loadOptions(config)))
    const codec = own(await codecOf(config, networks))
    return new SgdmPipeline({ networks, codec, scheduler: schedulerOf(config, metadata), classifier, controlNet })
  } catch (error) {
    for (const part of loaded) part[Symbol.dispose]()
    throw error
  }
}

async function codecOf(config: PictureDrawing, networks: Sgdm): Promise<PictureCodec> {
  if (config.diffusion !== undefined)
    return loadVae(config.diffusion, { ...loadOptions(config), ...defined({ lowMemory: config.lowMemory }) })
  if (networks.unet.config.inChannels === 3) return new PixelCodec()
  throw new EegTorchError('INVALID_OPTION', 'these networks draw latents, which an autoencoder decodes', {
    option: 'diffusion',
    expected: 'the folder of a diffusion model, or of an autoencoder',
  })
}

function schedulerOf({ scheduler }: PictureDrawing, metadata: Readonly<Record<string, unknown>>): Scheduler {
  const config = (metadata.scheduler ?? { _class_name: 'DDPMScheduler' }) as Record<string, unknown>
  return schedulerFromConfig(config, scheduler)
}

function labelsOf(logits: Tensor | undefined): number[] {
  if (logits === undefined) return []
  using best = noGrad(() => logits.argmax(1))
  return Array.from(best.toTypedArray() as BigInt64Array, Number)
}
