import { join } from 'node:path'
import { openCheckpoint } from '../checkpoints/checkpoint.ts'
import type { EegWindows } from '../datasets/windows.ts'
import { rememberAll } from '../evaluation/seen-trials.ts'
import { writeNetwork } from '../generation/checkpoints/write-network.ts'
import { controlNetOf, structureLayers } from '../generation/controlnet/controlnet.ts'
import type { PictureCodec } from '../generation/picture-codec.ts'
import { schedulerFromConfig } from '../generation/schedulers/index.ts'
import type { Stimuli } from '../generation/sgdm/fit-sgdm.ts'
import { fitSgdmControlNet } from '../generation/sgdm/fit-sgdm-controlnet.ts'
import { Sgdm } from '../generation/sgdm/sgdm.ts'
import { requirePreparedFor } from '../generation/sources/picture-work.ts'
import { requireChannels } from '../generation/window-channels.ts'
import { manualSeed } from '../runtime.ts'
import type { Tensor } from '../tensor.ts'
import { TrainingCheckpoints } from '../training/checkpoints.ts'
import type { FitOptions, FitResult } from '../training/fit.ts'
import { type TensorSet, windowTensors } from '../training/tensor-set.ts'
import type { TrainDiffusionConfig } from './train-diffusion-config.ts'

/** What the training of a ControlNet works on. */
export interface ControlNetWork {
  windows: EegWindows
  codec: PictureCodec
  seen: { stimuli: Stimuli; targets: Tensor }
  folder: string
}

/** Where the ControlNet of a run lies, in diffusers' layout. */
export function controlNetFolder(out: string): string {
  return join(out, 'controlnet')
}

/** Windows of EEG and the stimulus of each, where that is. */
export function trialsOf(windows: EegWindows, targets: Tensor): TensorSet {
  return { inputs: windowTensors(windows).inputs.to(targets.device), targets }
}

/** @throws EegTorchError for windows of other channels, or prepared otherwise, than those of the networks that a ControlNet is trained on */
export function requireWindowsOf(file: string, windows: EegWindows): void {
  requireChannels(windows, openCheckpoint(file).metadata.channelNames, file)
  requirePreparedFor(windows, file)
}

/** Trains a ControlNet on the UNet of networks that were trained before, and writes it as a folder of diffusers. */
export async function trainControlNet(
  { controlnetOf: file, seed, snrGamma, conditionDropout, device }: TrainDiffusionConfig,
  { windows, codec, seen, folder }: ControlNetWork,
  options: Omit<FitOptions, 'loss'>,
): Promise<FitResult> {
  using networks = await Sgdm.load(file!, { device })
  const { metadata } = openCheckpoint(file!)
  const told = metadata.scheduler ?? { _class_name: 'DDPMScheduler' }
  const scheduler = schedulerFromConfig(told as Record<string, unknown>)
  manualSeed(seed)
  using controlNet = controlNetOf(networks.unet, structureLayers(codec)).to(device)
  const trials = trialsOf(windows, seen.targets)
  const result = await fitSgdmControlNet(controlNet, networks, codec, trials, seen.stimuli, {
    ...options,
    ...{ scheduler, snrGamma, conditionDropout },
    store: new TrainingCheckpoints(folder, { description: { controlNet: controlNet.referenceConfig } }),
  })
  await writeNetwork(controlNetFolder(folder), 'ControlNetModel', controlNet, await rememberAll(windows))
  return result
}
