import { noGrad } from '../../autograd.ts'
import { cat, tensor } from '../../creation.ts'
import type { EegWindows } from '../../datasets/windows.ts'
import { defined } from '../../defined.ts'
import type { Linear } from '../../nn/layers.ts'
import { Module } from '../../nn/module.ts'
import { Random } from '../../random.ts'
import type { Tensor } from '../../tensor.ts'
import { fit as train } from '../../training/fit.ts'
import { loss, optim } from '../../training/options.ts'
import { schedules } from '../../training/schedules.ts'
import { windowTensors } from '../../training/tensor-set.ts'
import type { Scheduler } from '../schedulers/index.ts'
import { fitSgdm } from '../sgdm/fit-sgdm.ts'
import type { Sgdm } from '../sgdm/sgdm.ts'
import type { StimulusTables } from './study-tables.ts'

/** Where a training stands. */
export interface StudyTraining {
  /** Epochs done. */
  epoch: number
  epochs: number
  /** Steps done of the epoch under way. */
  step: number
  steps: number
  loss: number
}

interface TrainingOptions {
  scheduler: Scheduler
  batches: number
  seed: number
  onTraining?: (progress: StudyTraining) => void
  signal?: AbortSignal
}

const BATCH = 16
/** Steps in which the learning rate rises. */
const WARM_UP = 100
/** The usual 0.999 remembers a thousand steps: of so few steps in all, that would be their noise. */
const EMA = 0.99
/** Pictures that each window is paired with. One alone could be learnt by heart, window by window. */
const PAIRS = 8

/** How fast so many steps learn. */
const pace = (steps: number) => ({
  optimizer: optim.adamW({ lr: 1e-3 }),
  schedule: schedules.warmUp({ steps: Math.min(WARM_UP, steps) }, schedules.cosine()),
})

/** Epochs of {@link learnClasses}, and its windows in a batch. */
const READING = { epochs: 40, batchSize: 32 }

/** The part of the networks that reads the class of windows. */
class ClassReader extends Module {
  readonly encoder: Sgdm['encoder']
  readonly classHead: Linear
  readonly #networks: Sgdm

  constructor(networks: Sgdm) {
    super()
    this.encoder = networks.encoder
    this.classHead = networks.classHead!
    this.#networks = networks
  }

  override forward(eeg: Tensor): Tensor {
    return this.classHead.forward(this.#networks.latentOf(eeg))
  }
}

/** Teaches the encoder the classes of windows before it learns to draw: what little the EEG tells is lost beside the loss of pictures. */
async function learnClasses(
  networks: Sgdm,
  windows: EegWindows,
  options: { seed: number; signal?: AbortSignal },
): Promise<void> {
  const steps = READING.epochs * Math.ceil(windows.length / READING.batchSize)
  await train(new ClassReader(networks), windowTensors(windows), {
    ...{ ...READING, ...options, ...pace(steps), loss: loss.crossEntropy() },
  })
}

/** Trains on windows, each paired with several pictures of its class. @returns the loss of the last epoch */
export async function trainStudy(
  networks: Sgdm,
  windows: EegWindows,
  tables: StimulusTables,
  { scheduler, batches, seed, onTraining, signal }: TrainingOptions,
): Promise<number> {
  const rounds = Math.max(1, Math.min(PAIRS, Math.floor((batches * BATCH) / windows.length)))
  const random = new Random(seed, 1)
  const pairs = Array.from({ length: rounds }, () => Array.from(windows.labels, (label) => tables.draw(label, random)))
  using once = windowTensors(windows).inputs
  const inputs = noGrad(() => cat(new Array<typeof once>(rounds).fill(once), 0))
  const steps = Math.ceil((rounds * windows.length) / BATCH)
  const epochs = Math.max(1, Math.round(batches / steps))
  const set = { inputs, targets: tensor(pairs.flat().map(BigInt)) }
  await learnClasses(networks, windows, { seed, ...defined({ signal }) })
  const { epochs: figures } = await fitSgdm(networks, set, tables.stimuli, {
    ...{ scheduler, epochs, batchSize: BATCH, seed, ema: EMA, ...pace(steps * epochs) },
    onStep: (taken, { epoch, batch }) => onTraining?.({ epoch, epochs, step: batch, steps, loss: taken.loss }),
    ...defined({ signal }),
  })
  return figures.at(-1)!.trainLoss
}
