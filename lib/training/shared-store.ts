import type { ProcessGroup } from '../distributed/process-group.ts'
import type { Tensor } from '../tensor.ts'
import type { TrainingStore } from './fit.ts'
import type { TrainStep } from './train-step.ts'
import { type ProgressRecord, TrainingProgress } from './training-progress.ts'

/** A store for processes that train together: process 0 reads and writes it, the others hear from process 0. */
export class SharedStore implements TrainingStore {
  readonly #store: TrainingStore | undefined
  readonly #group: ProcessGroup
  #step: TrainStep | undefined

  /** @param store counts in process 0 alone */
  constructor(store: TrainingStore | undefined, group: ProcessGroup) {
    this.#store = group.rank === 0 ? store : undefined
    this.#group = group
  }

  async restore(step: TrainStep): Promise<TrainingProgress | undefined> {
    this.#step = step
    const own = await this.#store?.restore(step)
    const record = await this.#group.broadcastValue<ProgressRecord | null>(own ? { ...own } : null)
    await step.synchronise()
    return own ?? (record === null ? undefined : new TrainingProgress(record))
  }

  async loadBest(): Promise<Map<string, Tensor>> {
    const { model: weights, training } = await this.#step!.snapshot()
    for (const tensor of training.values()) tensor.dispose()
    const best = await this.#store?.loadBest()
    for (const [name, tensor] of weights) {
      const stored = best?.get(name)
      if (stored !== undefined) tensor.copy_(stored)
      await this.#group.broadcast(tensor)
    }
    for (const tensor of best?.values() ?? []) tensor.dispose()
    return weights
  }

  async afterStep(step: TrainStep, progress: TrainingProgress): Promise<void> {
    await this.#store?.afterStep(step, progress)
  }

  async afterEpoch(step: TrainStep, progress: TrainingProgress): Promise<void> {
    await this.#store?.afterEpoch(step, progress)
  }

  async save(step: TrainStep, progress: TrainingProgress): Promise<void> {
    await this.#store?.save(step, progress)
  }

  async keepBest(weights: ReadonlyMap<string, Tensor>, progress: TrainingProgress): Promise<void> {
    await this.#store?.keepBest(weights, progress)
  }

  async finish(weights: ReadonlyMap<string, Tensor>, progress: TrainingProgress): Promise<void> {
    await this.#store?.finish(weights, progress)
  }
}
