import type { EegWindows } from '../datasets/windows.ts'
import { EegTorchError } from '../errors.ts'
import { Recording } from '../recordings/recording.ts'
import type { SignalBlock } from './block.ts'
import type { FittedPipeline } from './fitted-pipeline.ts'
import { KeptSamples } from './kept-samples.ts'
import { runSteps } from './run-steps.ts'
import type { Step } from './schema.ts'
import type { StreamLayout, TrialOptions } from './step.ts'
import type { CutWindows } from './step-windows.ts'

/** Something that happened during a chunk. */
export interface LiveEvent {
  readonly label: string
  /** At which sample of the chunk. */
  readonly sample: number
}

interface Waiting {
  readonly label: string
  /** Position among all samples behind the stages. */
  readonly at: number
  /** From 1, among all events. */
  readonly trial: number
}

/** Cuts windows around events as soon as their last sample is there. */
export class LiveWindows {
  /** Samples before and after an event that its windows need. */
  readonly #before: number
  readonly #after: number
  readonly #kept: KeptSamples
  #received = 0
  #events = 0
  #waiting: Waiting[] = []

  constructor(
    private readonly fitted: FittedPipeline,
    private readonly cutter: Step,
    private readonly layout: StreamLayout,
    private readonly inputRate: number,
    private readonly trials: TrialOptions,
  ) {
    const { from: start, to: stop, zero } = cutter.options as { from: number; to: number; zero: number }
    const [from, to] = [start + zero, stop + zero]
    this.#before = Math.max(0, -Math.round(from * layout.samplingRate))
    this.#after = Math.max(0, Math.round(from * layout.samplingRate) + Math.round((to - from) * layout.samplingRate))
    this.#kept = new KeptSamples(layout.channels.length)
  }

  /** @param length samples of the chunk as it came in */
  async push(block: SignalBlock, events: readonly LiveEvent[], length: number): Promise<EegWindows[]> {
    for (const event of events) this.#expect(event, length)
    this.#received += length
    this.#kept.add(block)
    const { end } = this.#kept
    const ready = this.#waiting.filter(({ at }) => at + this.#after <= end)
    this.#waiting = this.#waiting.filter(({ at }) => at + this.#after > end)
    const { start } = this.#kept
    const pieces = ready.map((event) => ({ event, recording: this.#recordingOf(event) }))
    this.#kept.dropBefore(Math.min(end, ...this.#waiting.map(({ at }) => at)) - this.#before)
    const out: EegWindows[] = []
    for (const { event, recording } of pieces) {
      const cut = (await runSteps(recording, [this.cutter], this.trials)) as CutWindows
      if (cut.origins.length === 0) continue
      const origins = cut.origins.map((origin) => ({ ...origin, trial: event.trial, start: start + origin.start }))
      const windows = await this.fitted.finishCut({ ...cut, origins })
      if (windows.length > 0) out.push(windows)
    }
    return out
  }

  #expect({ label, sample }: LiveEvent, length: number): void {
    if (!(Number.isInteger(sample) && sample >= 0 && sample < length)) {
      throw new EegTorchError('INVALID_OPTION', `event ${label} is not within its chunk`, {
        option: 'sample',
        expected: `a whole number from 0 to ${length - 1}`,
        received: String(sample),
      })
    }
    const at = Math.round(((this.#received + sample) / this.inputRate) * this.layout.samplingRate)
    this.#events++
    this.#waiting.push({ label, at, trial: this.#events })
  }

  /** What is kept as a recording with one event, so that windows are cut as they always are. Its time is that of the stream. */
  #recordingOf({ label, at }: Waiting): Recording {
    const { channels, samplingRate } = this.layout
    const { start, end } = this.#kept
    const rows = channels.map((_, channel) => this.#kept.copy(channel))
    const nSamples = end - start
    return new Recording({
      ...{ name: 'stream', format: 'stream', channels, samplingRate, nSamples },
      segments: [{ onset: start / samplingRate, sample: 0, nSamples }],
      events: [{ onset: at / samplingRate, duration: 0, label }],
      source: {
        read: (ranges) => ranges.map(({ channel, start: from, stop }) => rows[channel]!.slice(from, stop)),
      },
    })
  }
}
