import { join } from 'node:path'
import type { Command } from 'commander'
import { readSafetensors } from '../checkpoints/safetensors.ts'
import { cat, eye, fromTypedArray } from '../creation.ts'
import { Standardiser } from '../datasets/standardise.ts'
import type { EegWindows } from '../datasets/windows.ts'
import { defined } from '../defined.ts'
import { EegTorchError } from '../errors.ts'
import { rememberAll } from '../evaluation/seen-trials.ts'
import { requireFinite } from '../experiment/finite-windows.ts'
import { type PictureCodec, PixelCodec } from '../generation/picture-codec.ts'
import { readPicture, tensorOfPictures } from '../generation/pictures/picture.ts'
import { schedulers } from '../generation/schedulers/index.ts'
import { fitSgdm, type Stimuli } from '../generation/sgdm/fit-sgdm.ts'
import { Sgdm } from '../generation/sgdm/sgdm.ts'
import { smallSgdm } from '../generation/sgdm/small-sgdm.ts'
import { workOfWindows } from '../generation/sources/picture-work.ts'
import { loadVae } from '../generation/stable-diffusion/load.ts'
import { manualSeed, numThreads } from '../runtime.ts'
import { openStore } from '../store/open-store.ts'
import { storeIdentity } from '../store/store-identity.ts'
import type { Tensor } from '../tensor.ts'
import { TrainingCheckpoints } from '../training/checkpoints.ts'
import type { FitOptions, FitResult } from '../training/fit.ts'
import { optim } from '../training/options.ts'
import { readCommandConfig } from './command-config.ts'
import { showProgress } from './progress-line.ts'
import { addConfigFlags, type RunFlags } from './shared-flags.ts'
import { interruptible, openStudy } from './study-folder.ts'
import { classifierFile, trainClassifier } from './train-classifier.ts'
import {
  type ControlNetWork,
  controlNetFolder,
  requireWindowsOf,
  trainControlNet,
  trialsOf,
} from './train-controlnet.ts'
import { type TrainDiffusionConfig, trainDiffusionSchema } from './train-diffusion-config.ts'

export function describe(command: Command): void {
  command.description(
    'Train the networks of structure-guided diffusion (sgdm) on EEG trials and the pictures that were seen. A run that was stopped goes on.',
  )
  addConfigFlags(command, trainDiffusionSchema.shape, { out: 'runs/sgdm', taker: 'train-diffusion' })
    .addHelpText(
      'after',
      `
Examples:
  $ eegtorch train-diffusion --data train.store --stimuli pictures/ --epochs 200 --out runs/sgdm
  $ eegtorch train-diffusion --data train.store --stimuli pictures/ --controlnet-of runs/sgdm/last.safetensors --out runs/control
  $ eegtorch generate --pipeline sgdm --data test.store --checkpoint runs/sgdm/last.safetensors --stimuli pictures/`,
    )
    .action(train)
}

async function train(file: string | undefined, { out, json = false, ...flags }: RunFlags): Promise<void> {
  const config = await readCommandConfig(trainDiffusionSchema, flags, file, 'train-diffusion')
  const { device, ...settings } = config
  const { vae, semantics, controlnetOf } = settings
  const { windows, header } = openStore(config.data)
  if (controlnetOf !== undefined) requireWindowsOf(controlnetOf, windows)
  const data = { identity: storeIdentity(header) }
  await using _study = await openStudy(
    out,
    { ...settings, threads: numThreads() },
    { data, vae, semantics, controlnetOf },
  )
  await requireFinite(windows, { file: config.data })
  using codec = config.vae === undefined ? new PixelCodec() : await loadVae(config.vae, { device })
  const seen = await readStimuli(windows, config, codec)
  const { epochs, batchSize, lr, clipNorm, ema, useEmaWarmup, emaInvGamma, emaPower, seed, freeze, autocast } = config
  const result = await interruptible(out, async (signal) => {
    const options: Omit<FitOptions, 'loss'> = {
      ...{ epochs, batchSize, clipNorm, seed, signal, ema, useEmaWarmup, emaInvGamma, emaPower },
      ...defined({ freeze, autocast }),
      optimizer: optim.adamW({ lr }),
      onEpoch: ({ epoch, trainLoss }) =>
        void (json || showProgress(`epoch ${epoch} of ${epochs}  loss ${trainLoss.toFixed(4)} `)),
    }
    const work: ControlNetWork = { windows, codec, seen, folder: out }
    const trained = await (config.controlnetOf === undefined ? trainNetworks : trainControlNet)(config, work, options)
    if (config.trainClassifier) await trainClassifier(config, work, signal)
    return trained
  })
  const told = {
    folder: out,
    trials: windows.length,
    stimuli: seen.names.length,
    loss: result.epochs.at(-1)?.trainLoss,
  }
  const made =
    config.controlnetOf === undefined
      ? `networks  ${join(out, 'last.safetensors')}`
      : `ControlNet  ${controlNetFolder(out)}`
  const lines = [
    `loss ${told.loss?.toFixed(4)} after ${epochs} epochs of ${told.trials} trials, ${told.stimuli} pictures`,
    made,
    ...(config.trainClassifier ? [`classifier  ${classifierFile(out)}`] : []),
  ]
  console.log(json ? JSON.stringify(told) : lines.join('\n'))
}

async function trainNetworks(
  config: TrainDiffusionConfig,
  { windows, codec, seen, folder }: ControlNetWork,
  options: Omit<FitOptions, 'loss'>,
): Promise<FitResult> {
  const { snrGamma, conditionDropout } = config
  const networks = makeNetworks(windows, config, codec, seen.stimuli)
  const scheduler = schedulers.ddpm({ numTrainTimesteps: config.timesteps, predictionType: config.predictionType })
  const description = {
    ...networks.description(),
    ...{ classNames: windows.classNames, channelNames: windows.channelNames },
    ...(await rememberAll(windows)),
    scheduler: { _class_name: 'DDPMScheduler', ...scheduler.config },
  }
  return await fitSgdm(networks, trialsOf(windows, seen.targets), seen.stimuli, {
    ...options,
    ...{ scheduler, snrGamma, conditionDropout },
    store: new TrainingCheckpoints(folder, { description }),
  })
}

/** The pictures that were seen, and which of them in each trial. */
async function readStimuli(
  windows: EegWindows,
  { stimuli: folder, size, semantics, device }: TrainDiffusionConfig,
  codec: PictureCodec,
): Promise<{ names: string[]; stimuli: Stimuli; targets: Tensor }> {
  const work = await workOfWindows(windows, { stimuli: folder })
  const files = work.map(({ stimulus }) => stimulus!)
  const names = [...new Set(files)].sort()
  const parts: Tensor[] = []
  for (const name of names) {
    const picture = await readPicture(name, { width: size, height: size })
    parts.push(await codec.encode(tensorOfPictures([picture])))
  }
  const firstOf = (name: string) => windows.labels[files.indexOf(name)]!
  const whole = (values: readonly number[]) => fromTypedArray(BigInt64Array.from(values, (value) => BigInt(value)))
  const count = names.length
  return {
    names,
    stimuli: {
      latents: cat(parts, 0).to(device),
      semantics: (semantics === undefined ? (eye(count) as Tensor) : await readRows(semantics, count)).to(device),
      classes: whole(names.map(firstOf)).to(device),
    },
    targets: whole(files.map((name) => names.indexOf(name))).to(device),
  }
}

/** @throws EegTorchError `SHAPE_MISMATCH` unless the file holds one tensor with a row for each stimulus */
async function readRows(file: string, count: number): Promise<Tensor> {
  const tensors = [...(await readSafetensors(file).loadAll({ copy: true })).values()]
  const [only] = tensors
  if (tensors.length === 1 && only!.shape.length === 2 && only!.shape[0] === count) return only!.to('float32')
  throw new EegTorchError('SHAPE_MISMATCH', 'does not hold one vector for each stimulus', {
    ...{ file, option: 'semantics', expected: `one tensor (${count}, width)` },
    received: tensors.map(({ shape }) => `(${shape.join(', ')})`).join(', '),
  })
}

function makeNetworks(
  windows: EegWindows,
  { seed, device, ...sizes }: TrainDiffusionConfig,
  codec: PictureCodec,
  { semantics }: Stimuli,
): Sgdm {
  manualSeed(seed)
  const networks = new Sgdm(smallSgdm(windows, codec, { ...sizes, semanticDim: semantics.shape[1]! }))
  return networks.scaleEeg(Standardiser.fit(windows, [...windows.labels.keys()])).to(device)
}
