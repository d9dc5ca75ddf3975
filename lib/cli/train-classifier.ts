import { join } from 'node:path'
import { rememberAll } from '../evaluation/seen-trials.ts'
import { schedulers } from '../generation/schedulers/index.ts'
import { fitNoisedClassifier, NoisedClassifier } from '../generation/sgdm/noised-classifier.ts'
import { manualSeed } from '../runtime.ts'
import { TrainingCheckpoints } from '../training/checkpoints.ts'
import type { ControlNetWork } from './train-controlnet.ts'
import type { TrainDiffusionConfig } from './train-diffusion-config.ts'

/** The classifier of a run. */
export const classifierFile = (out: string) => join(out, 'classifier.safetensors')

/** Teaches a classifier the classes of the pictures under any amount of noise; it goes on where it was stopped. */
export async function trainClassifier(
  { seed, timesteps, predictionType, epochs, batchSize, device }: TrainDiffusionConfig,
  { windows, codec, seen, folder }: ControlNetWork,
  signal: AbortSignal,
): Promise<void> {
  manualSeed(seed)
  const { latents, classes } = seen.stimuli
  const nClasses = windows.classNames.length
  const classifier = new NoisedClassifier({ channels: codec.channels, nClasses, timesteps }).to(device)
  await fitNoisedClassifier(
    classifier,
    { latents, classes: classes! },
    {
      scheduler: schedulers.ddpm({ numTrainTimesteps: timesteps, predictionType }),
      ...{ epochs, batchSize, seed, signal, store: new TrainingCheckpoints(join(folder, 'classifier')) },
    },
  )
  await classifier.save(classifierFile(folder), await rememberAll(windows))
}
