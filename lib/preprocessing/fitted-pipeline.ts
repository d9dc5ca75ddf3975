import { type Stretch, withStatistic } from '../datasets/fitted.ts'
import type { EegWindows } from '../datasets/windows.ts'
import { EegTorchError } from '../errors.ts'
import type { Recording } from '../recordings/recording.ts'
import type { Pipeline } from './pipeline.ts'
import { runOnEegWindows, runOnWindows } from './run-steps.ts'
import { learns, type Step, workOf } from './schema.ts'
import type { LearnedState, TrialOptions } from './step.ts'
import { type CutWindows, toEegWindows } from './step-windows.ts'
import { PipelineStream, type StreamOptions } from './stream.ts'

/** A fitted pipeline as checkpoints keep it. */
export interface StoredPipeline {
  readonly hash: string
  /** As {@link Pipeline.parse} takes it, every option spelled out. */
  readonly pipeline: Readonly<Record<string, unknown>>
  /** What each step that learns has learned, in order. */
  readonly learned: readonly LearnedState[]
}

/** A pipeline with what its steps have learned from training windows. Immutable. */
export class FittedPipeline {
  readonly pipeline: Pipeline
  readonly #learned: ReadonlyMap<Step, LearnedState>
  /** What the steps learned from, where it is known. */
  readonly #fittedOn: readonly Stretch[] | undefined

  /** @throws EegTorchError `CHECKPOINT_MISMATCH` if a step that learns has learned nothing */
  constructor(pipeline: Pipeline, learned: readonly LearnedState[], fittedOn?: readonly Stretch[]) {
    const learners = pipeline.steps.filter(learns)
    if (learners.length !== learned.length) {
      throw new EegTorchError('CHECKPOINT_MISMATCH', 'what the pipeline has learned does not fit its steps', {
        expected: `${learners.length} steps that learn`,
        received: `${learned.length}`,
      })
    }
    this.pipeline = pipeline
    this.#fittedOn = fittedOn
    this.#learned = new Map(learners.map((step, i) => [step, learned[i]!]))
  }

  /** Hash of the pipeline, whatever it learned. */
  get hash(): string {
    return this.pipeline.hash
  }

  /**
   * Every step, from recordings to finished windows.
   *
   * @throws EegTorchError as {@link Pipeline.windows}
   */
  async windows(recordings: Recording | Iterable<Recording>, trials: TrialOptions = {}): Promise<EegWindows> {
    return this.finish(await this.pipeline.prepared.windows(recordings, trials))
  }

  /**
   * The steps from the first that learns on, over windows that {@link Pipeline.prepared} has made.
   *
   * @throws EegTorchError `INVALID_OPTION` for windows of another pipeline, `SHAPE_MISMATCH` for other channels than were learned from
   */
  async finish(windows: EegWindows): Promise<EegWindows> {
    this.pipeline.requirePrepared(windows)
    const { steps, prepared, hash } = this.pipeline
    const finished = await runOnEegWindows(windows, steps.slice(prepared.steps.length), this.#learned, hash)
    if (this.#fittedOn === undefined || this.#learned.size === 0) return finished
    const name = [...this.#learned.keys()].map((step) => step.name).join(' and ')
    return withStatistic(finished, { name, from: this.#fittedOn })
  }

  /**
   * The pipeline over a signal that is still being recorded.
   *
   * @throws EegTorchError `INVALID_OPTION` naming the first step that is not causal
   */
  stream(options: StreamOptions): PipelineStream {
    return new PipelineStream(this, options)
  }

  /** The steps after `windows`, over windows as they were cut. */
  async finishCut(windows: CutWindows): Promise<EegWindows> {
    const { prepared } = this.pipeline
    const cut = prepared.steps.findIndex((step) => workOf(step).cut)
    return this.finish(toEegWindows(await runOnWindows(windows, prepared.steps.slice(cut + 1)), prepared.hash))
  }

  /** For a checkpoint; {@link Pipeline.restore} reads it. */
  toJSON(): StoredPipeline {
    const { hash, pipeline } = this
    return { hash, pipeline: pipeline.toJSON(), learned: [...this.#learned.values()] }
  }
}
