import { EegTorchError } from '../errors.ts'
import { groupBy } from './group-by.ts'

/** A look at the test part of a fold. */
export interface TestOpening {
  /** From 0. */
  readonly fold: number
  /** Who looked: a network, a decoder, a control. */
  readonly by: string
  /** Of a network's training. */
  readonly seed?: number
  /** Looks, where there were several; default 1. */
  readonly times?: number
}

/** Where openings are kept, so that a run which is stopped and goes on still counts those before. */
export interface OpeningsStore {
  readOpenings?(): readonly TestOpening[]
  recordOpening?(opening: TestOpening): void
}

/**
 * Counts every look at a test part, and refuses a second one by the same training: what is seen twice may be chosen by. An opening is recorded before
 * the answers are computed, so that a training which was killed while it was tested counts twice when it is done again.
 */
export class TestLedger {
  readonly #store: OpeningsStore | undefined
  readonly #openings: TestOpening[]
  readonly #here = new Set<string>()

  constructor(store?: OpeningsStore) {
    this.#store = store
    this.#openings = [...(store?.readOpenings?.() ?? [])]
  }

  get openings(): readonly TestOpening[] {
    return this.#openings
  }

  /** @throws EegTorchError `SPLIT_LEAKS` if the same has looked already since this ledger was made */
  open(opening: TestOpening): void {
    const key = keyOf(opening)
    if (this.#here.has(key)) {
      const seed = opening.seed === undefined ? '' : `, seed ${opening.seed},`
      throw new EegTorchError(
        'SPLIT_LEAKS',
        `${opening.by}${seed} has been tested on fold ${opening.fold + 1} already: a test part is opened once per run`,
      )
    }
    this.#here.add(key)
    this.#add(opening)
  }

  /** Counts a look of an earlier process, whose answers are read back, where that process did not record it. */
  note(opening: TestOpening): void {
    this.#here.add(keyOf(opening))
    if (!this.#openings.some((known) => keyOf(known) === keyOf(opening))) this.#add(opening)
  }

  #add(opening: TestOpening): void {
    this.#openings.push(opening)
    this.#store?.recordOpening?.(opening)
  }
}

/** `test parts opened 21 times: eegnet 15 (5 of each fold), CSP + LDA 3 (1 of each fold), ...` */
export function formatOpenings(openings: readonly TestOpening[]): string {
  const count = (list: readonly TestOpening[]) => list.reduce((sum, { times = 1 }) => sum + times, 0)
  const parts = [...groupBy(openings, ({ by }) => by)].map(([by, own]) => {
    const perFold = [...groupBy(own, ({ fold }) => fold).values()].map(count)
    const [least, most] = [Math.min(...perFold), Math.max(...perFold)]
    return `${by} ${count(own)} (${least === most ? most : `${least} to ${most}`} of each fold)`
  })
  return `test parts opened ${count(openings)} times: ${parts.join(', ')}`
}

function keyOf({ fold, by, seed }: TestOpening): string {
  return JSON.stringify([fold, by, seed ?? null])
}
