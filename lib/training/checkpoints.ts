import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { checkDescription, parseJsonObject } from '../checkpoints/json-file.ts'
import { readSafetensors, writeSafetensors } from '../checkpoints/safetensors.ts'
import { EegTorchError } from '../errors.ts'
import { makeFolder } from '../files/make-folder.ts'
import { numThreads } from '../runtime.ts'
import type { Tensor } from '../tensor.ts'
import type { TrainingStore } from './fit.ts'
import { whole } from './learning-curve.ts'
import { evaluatedWeights, type TrainStep } from './train-step.ts'
import { type ProgressRecord, progressRecord, TrainingProgress } from './training-progress.ts'

/** How often a training's state is saved. Whichever comes first; without any, every 10 seconds. */
export interface CheckpointCadence {
  everySteps?: number
  everySeconds?: number
  everyEpochs?: number
  /** Keep the weights of every so many epochs in a file of their own. */
  keepEvery?: number
}

/** What a weights file tells of itself besides its tensors: model, config, preprocessing, split. */
export type CheckpointDescription = Readonly<Record<string, unknown>>

/** What the state file holds beside tensors. */
const savedState = z.object({
  progress: progressRecord,
  /** CPU threads: sums come out bit for bit alike with the same number only. */
  threads: whole,
  /** Lines that the log had. */
  logRecords: whole,
})
type SavedState = z.infer<typeof savedState>

/** What {@link TrainingCheckpoints} is made with. */
export interface CheckpointOptions extends CheckpointCadence {
  /** Written into every weights file. */
  description?: CheckpointDescription
  /** Records in the log as of now; a resumed run cuts the log there. */
  logRecords?: () => number
  /** Told once when the state was saved with another number of threads. */
  onWarning?: (sentence: string) => void
}

const STATE = 'state.safetensors'
const DEFAULT_SECONDS = 10

/**
 * Keeps a training in a folder: `state.safetensors` is all that the next step depends on (weights, moments of the optimiser, random state, place
 * in the epoch), in one file that is replaced at once, so that a kill at any moment leaves a whole one. `best.safetensors` and
 * `last.safetensors` hold weights under the reference's names.
 */
export class TrainingCheckpoints implements TrainingStore {
  readonly folder: string
  readonly #options: CheckpointOptions
  #savedAt = performance.now()
  #savedStep = -1

  constructor(folder: string, options: CheckpointOptions = {}) {
    const { everySteps, everySeconds, everyEpochs } = options
    const seconds = everySteps ?? everySeconds ?? everyEpochs ?? DEFAULT_SECONDS
    this.folder = folder
    this.#options = everySteps || everySeconds || everyEpochs ? options : { ...options, everySeconds: seconds }
  }

  async restore(step: TrainStep): Promise<TrainingProgress | undefined> {
    const path = join(this.folder, STATE)
    const saved = readSavedState(this.folder)
    if (saved === undefined) return undefined
    const tensors = await readSafetensors(path).loadAll({ copy: true })
    try {
      await step.restore({ model: withPrefix(tensors, 'model.'), training: withPrefix(tensors, 'training.') })
    } finally {
      for (const tensor of tensors.values()) tensor.dispose()
    }
    if (saved.threads !== numThreads()) this.#options.onWarning?.(differentThreads(saved.threads))
    this.#savedStep = saved.progress.step
    return new TrainingProgress(saved.progress as ProgressRecord)
  }

  async afterStep(step: TrainStep, progress: TrainingProgress): Promise<void> {
    const { everySteps, everySeconds } = this.#options
    const due =
      (everySteps !== undefined && progress.step % everySteps === 0) ||
      (everySeconds !== undefined && performance.now() - this.#savedAt >= everySeconds * 1000)
    if (due) await this.save(step, progress)
  }

  async afterEpoch(step: TrainStep, progress: TrainingProgress): Promise<void> {
    const { everyEpochs, keepEvery } = this.#options
    if (keepEvery !== undefined && progress.epoch % keepEvery === 0) await this.#keepEpoch(step, progress)
    if (everyEpochs !== undefined && progress.epoch % everyEpochs === 0) await this.save(step, progress)
    else await this.afterStep(step, progress)
  }

  /** Saves the state now. */
  async save(step: TrainStep, progress: TrainingProgress): Promise<void> {
    const { model, training } = await step.snapshot()
    const tensors = new Map([
      ...[...model].map(([name, tensor]) => [`model.${name}`, tensor] as const),
      ...[...training].map(([name, tensor]) => [`training.${name}`, tensor] as const),
    ])
    const state: SavedState = {
      progress: { ...progress },
      threads: numThreads(),
      logRecords: this.#options.logRecords?.() ?? 0,
    }
    try {
      await makeFolder(this.folder)
      await writeSafetensors(join(this.folder, STATE), tensors, { eegtorch_state: JSON.stringify(state) })
    } finally {
      for (const tensor of tensors.values()) tensor.dispose()
    }
    this.#savedAt = performance.now()
    this.#savedStep = progress.step
  }

  async keepBest(weights: ReadonlyMap<string, Tensor>, progress: TrainingProgress): Promise<void> {
    await this.#write('best', weights, progress)
  }

  async loadBest(): Promise<Map<string, Tensor>> {
    return readSafetensors(join(this.folder, 'best.safetensors')).loadAll({ copy: true })
  }

  async finish(weights: ReadonlyMap<string, Tensor>, progress: TrainingProgress): Promise<void> {
    await this.#write('last', weights, progress)
  }

  /** Removes the state of a training whose results are safe. */
  async forget(): Promise<void> {
    await rm(join(this.folder, STATE), { force: true })
  }

  /** The step at which the state was last saved or restored, -1 before. */
  get savedStep(): number {
    return this.#savedStep
  }

  async #keepEpoch(step: TrainStep, progress: TrainingProgress): Promise<void> {
    const snapshot = await step.snapshot()
    const { model, training } = snapshot
    try {
      await this.#write(`epoch-${String(progress.epoch).padStart(4, '0')}`, evaluatedWeights(snapshot), progress)
    } finally {
      for (const tensor of [...model.values(), ...training.values()]) tensor.dispose()
    }
  }

  async #write(name: string, weights: ReadonlyMap<string, Tensor>, progress: TrainingProgress): Promise<void> {
    const { epoch, step, best } = progress
    const told = { ...this.#options.description, epoch, step, ...(best && { best }) }
    await makeFolder(this.folder)
    await writeSafetensors(join(this.folder, `${name}.safetensors`), weights, {
      format: 'pt',
      eegtorch: JSON.stringify(told),
    })
  }
}

/** What a folder's state file says beside its tensors; undefined where there is none. */
export function readSavedState(folder: string): SavedState | undefined {
  const path = join(folder, STATE)
  if (!existsSync(path)) return undefined
  const text = readSafetensors(path).metadata.get('eegtorch_state')
  if (text === undefined) {
    throw new EegTorchError('FILE_INVALID', 'holds no state of a training', {
      file: path,
      expected: 'a file that eegtorch wrote while training',
      received: 'another safetensors file',
    })
  }
  const what = 'the state of the training'
  return checkDescription(savedState, parseJsonObject(text, path, what), what, path)
}

function withPrefix(tensors: ReadonlyMap<string, Tensor>, prefix: string): Map<string, Tensor> {
  const chosen = [...tensors].filter(([name]) => name.startsWith(prefix))
  return new Map(chosen.map(([name, tensor]) => [name.slice(prefix.length), tensor]))
}

function differentThreads(saved: number): string {
  return (
    `the run was started with ${saved} threads and goes on with ${numThreads()}: ` +
    `its weights will not be bit-identical to those of an uninterrupted run (use --threads ${saved})`
  )
}
