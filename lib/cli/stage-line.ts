import type { StudyProgress } from '../generation/study/picture-study.ts'

const STAGES = { train: 'training encoder and diffusion model', draw: 'drawing pictures' } as const
/** How often a line is printed: where it can be overwritten, and in a log or a pipe. */
const [LIVE_MS, LOG_MS] = [100, 15_000]
const BAR_WIDTH = 20

/** Shows where a study stands: one live line on a terminal, a line now and then elsewhere. */
export class StageLine {
  readonly #stream: NodeJS.WriteStream | undefined
  #shownAt = 0
  #stage: StudyProgress['stage'] | undefined
  #startedAt = 0

  constructor(stream: NodeJS.WriteStream | undefined) {
    this.#stream = stream
  }

  update(progress: StudyProgress): void {
    if (this.#stream === undefined) return
    const now = performance.now()
    const isNew = progress.stage !== this.#stage
    if (isNew) this.#startedAt = now
    if (!isNew && now - this.#shownAt < (this.#stream.isTTY ? LIVE_MS : LOG_MS)) return
    this.#stage = progress.stage
    this.#shownAt = now
    const line = format(progress, (now - this.#startedAt) / 1000)
    this.#stream.write(this.#stream.isTTY ? `\r\x1b[K${line.slice(0, this.#stream.columns - 1)}` : `${line}\n`)
  }

  end(): void {
    if (this.#stream?.isTTY && this.#stage !== undefined) this.#stream.write('\r\x1b[K')
  }
}

function format({ stage, done, total, loss }: StudyProgress, seconds: number): string {
  const filled = Math.round((BAR_WIDTH * done) / total)
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled)
  const left = done < 2 ? '' : `   ${Math.ceil((seconds / (done - 1)) * (total - done))} s left`
  return `${STAGES[stage]}  ${bar}  ${done} of ${total}${loss === undefined ? '' : `   loss ${loss.toFixed(3)}`}${left}`
}
