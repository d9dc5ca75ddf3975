import { readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'

const most = 0.02 // of the processor that the host may take during a turn
const pause = 5000 // ms, in which the host may become quiet

/**
 * Runs turns again in which the host of a virtual machine took more than 2 % of the processor for others: such times tell of the host. Whether a turn
 * counts depends on that alone, never on what it measured. When `patience` (ms) is spent, turns count as they are.
 */
export class Host {
  again = 0
  kept = 0
  #left

  constructor(patience, { read = readTicks, wait = () => setTimeout(pause), now = () => performance.now() } = {}) {
    this.#left = patience
    Object.assign(this, { read, wait, now })
  }

  async undisturbed(turn) {
    for (;;) {
      const [begin, before] = [this.now(), this.read()]
      const result = await turn()
      if (stolen(before, this.read()) <= most) return result
      if (this.#left <= 0) {
        this.kept++
        return result
      }
      this.again++
      await this.wait()
      this.#left -= this.now() - begin
    }
  }

  describe() {
    const turns = `turns in which the host took more than ${100 * most} % of the processor`
    return `${turns}: ${this.again} run again, ${this.kept} counted nevertheless`
  }
}

/** The share of the processors' time between two readings that the host took. */
function stolen(before, after) {
  const all = after.all - before.all
  return all > 0 ? (after.stolen - before.stolen) / all : 0
}

/** Time of all processors so far, and how much of it the host took; zeros where the system does not say. */
function readTicks() {
  try {
    const ticks = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0].trim().split(/\s+/).slice(1, 9).map(Number)
    return { all: ticks.reduce((a, b) => a + b, 0), stolen: ticks[7] ?? 0 }
  } catch {
    return { all: 0, stolen: 0 }
  }
}

const minutes = Number(process.env.EEGTORCH_BENCH_PATIENCE ?? 2)

/** The machine of this benchmark; EEGTORCH_BENCH_PATIENCE says how many minutes it may wait in all. */
export const host = new Host(60_000 * (Number.isFinite(minutes) ? minutes : 2))
