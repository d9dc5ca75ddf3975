import type { ProcessGroup } from '../distributed/process-group.ts'
import type { TestOpening } from '../evaluation/test-ledger.ts'
import type { TrainingStore } from '../training/fit.ts'
import type { CrossValidationStore, TrainingOutcome, TrainingPlace } from './cross-validate-options.ts'

/** A cross-validation's store for processes that train together: process 0 reads and writes it, the others hear from process 0. */
export class SharedRun implements CrossValidationStore {
  readonly #store: CrossValidationStore | undefined
  readonly #group: ProcessGroup

  /** @param store counts in process 0 alone */
  constructor(store: CrossValidationStore | undefined, group: ProcessGroup) {
    this.#store = group.rank === 0 ? store : undefined
    this.#group = group
  }

  async readOutcome(place: TrainingPlace): Promise<TrainingOutcome | undefined> {
    const own = await this.#store?.readOutcome(place)
    return (await this.#group.broadcastValue(own ?? null)) ?? undefined
  }

  outcomeFile(place: TrainingPlace): string | undefined {
    return this.#store?.outcomeFile?.(place)
  }

  async writeOutcome(place: TrainingPlace, outcome: TrainingOutcome): Promise<void> {
    await this.#store?.writeOutcome(place, outcome)
  }

  readOpenings(): readonly TestOpening[] {
    return this.#store?.readOpenings?.() ?? []
  }

  recordOpening(opening: TestOpening): void {
    this.#store?.recordOpening?.(opening)
  }

  trainingStore(place: TrainingPlace, description: Record<string, unknown>): TrainingStore | undefined {
    return this.#store?.trainingStore(place, description)
  }
}
