import { stringify } from 'yaml'
import { stretchesOf } from '../datasets/fitted.ts'
import { loadWindows } from '../datasets/window-pieces.ts'
import type { EegWindows } from '../datasets/windows.ts'
import { EegTorchError } from '../errors.ts'
import { readYamlFile } from '../files/yaml.ts'
import { Recording } from '../recordings/recording.ts'
import { FittedPipeline, type StoredPipeline } from './fitted-pipeline.ts'
import { joinWindows, type RecordingWindows, settle } from './join-windows.ts'
import { type Recipe, type RecipeName, recipes } from './recipes.ts'
import { runOnEegWindows, runSteps } from './run-steps.ts'
import { checkPipeline, describePipeline, hashSteps, learns, type PipelineSource, type Step, workOf } from './schema.ts'
import type { LearnedState, TrialOptions } from './step.ts'
import type { StepSource } from './steps/index.ts'
import type { PipelineStream, StreamOptions } from './stream.ts'

/**
 * Preprocessing as data: steps from a recording to what a network is given. Written as YAML or as an object, checked, and known by a hash.
 * Immutable.
 *
 * Steps before `windows` see whole recordings, each gap-free stretch by itself; steps after it see windows. Steps that learn from training
 * windows (`zscore`) are fitted first: see {@link Pipeline.fit}. What comes before them learns nothing from one recording for another, and may
 * be done once for all folds: {@link Pipeline.prepared}.
 */
export class Pipeline {
  readonly name: string | undefined
  /** With every option spelled out. */
  readonly steps: readonly Step[]
  /** SHA-256 of what the steps say: equal for equal pipelines, however they were written. */
  readonly hash: string

  private constructor(name: string | undefined, steps: readonly Step[]) {
    this.name = name
    this.steps = steps
    this.hash = hashSteps(steps)
  }

  /**
   * @param source YAML, or the same as an object; a list of steps will do
   * @param file names the file in errors
   * @throws EegTorchError `INVALID_OPTION` naming the step and the option, `FILE_INVALID` for a text that is no YAML
   */
  static parse(source: string | PipelineSource | readonly StepSource[], file?: string): Pipeline {
    const { name, steps } = checkPipeline(source, file)
    return new Pipeline(name, steps)
  }

  /** @throws EegTorchError `FILE_NOT_FOUND`, and those of {@link Pipeline.parse} */
  static async load(file: string): Promise<Pipeline> {
    return Pipeline.parse((await readYamlFile(file, 'pipeline')) as PipelineSource, file)
  }

  /**
   * A pipeline that a document states: see {@link recipes}.
   *
   * @throws EegTorchError `UNKNOWN_NAME`
   */
  static recipe(name: RecipeName): Pipeline {
    const recipe: Recipe | undefined = Object.hasOwn(recipes, name) ? recipes[name] : undefined
    if (recipe !== undefined) return Pipeline.parse({ name, steps: recipe.steps })
    throw new EegTorchError('UNKNOWN_NAME', `no recipe is called ${name}`, {
      option: 'pipeline',
      expected: `one of ${Object.keys(recipes).join(', ')}, or a YAML file`,
      received: name,
    })
  }

  /**
   * A recipe by its name, or a file: a path with a slash, or one that ends in `.yaml` or `.yml`.
   *
   * @throws EegTorchError those of {@link Pipeline.recipe} and {@link Pipeline.load}
   */
  static async find(name: string): Promise<Pipeline> {
    return /[/\\]|\.ya?ml$/i.test(name) ? Pipeline.load(name) : Pipeline.recipe(name as RecipeName)
  }

  /**
   * A fitted pipeline from what {@link FittedPipeline.toJSON} gave.
   *
   * @throws EegTorchError `CHECKPOINT_MISMATCH` if the hash is not that of the steps
   */
  static restore({ hash, pipeline: source, learned }: StoredPipeline, file?: string): FittedPipeline {
    const pipeline = Pipeline.parse(source as unknown as PipelineSource, file)
    if (pipeline.hash === hash) return new FittedPipeline(pipeline, learned)
    throw new EegTorchError('CHECKPOINT_MISMATCH', 'the stored pipeline is not the one that its hash names', {
      expected: hash,
      received: pipeline.hash,
      ...(file !== undefined && { file }),
    })
  }

  /** Whether it cuts windows, or gives recordings. */
  get cutsWindows(): boolean {
    return this.steps.some((step) => workOf(step).cut)
  }

  /** Whether a step learns from training windows. */
  get learns(): boolean {
    return this.steps.some(learns)
  }

  /** The steps before the first that learns: what may be done before recordings are split. The pipeline itself if none learns. */
  get prepared(): Pipeline {
    const first = this.steps.findIndex(learns)
    return first < 0 ? this : new Pipeline(this.name, this.steps.slice(0, first))
  }

  /** The steps that decide which windows are left once the pipeline is fitted; none where it leaves out none after {@link prepared}. */
  get rejecting(): readonly Step[] {
    const rest = this.steps.slice(this.prepared.steps.length)
    return rest.slice(0, rest.findLastIndex((step) => workOf(step).windows !== undefined) + 1)
  }

  /** Every option spelled out; {@link Pipeline.parse} reads it. */
  toYaml(): string {
    return stringify(this.toJSON())
  }

  toJSON(): Record<string, unknown> {
    return describePipeline(this)
  }

  /**
   * All steps over one recording. Without a step `windows` the result is a recording, in memory.
   *
   * @param trials which events are trials, in place of what the step `windows` says
   * @throws EegTorchError `INVALID_OPTION` if a step must be fitted first, or the recording does not fit a step
   */
  async apply(recording: Recording, trials: TrialOptions = {}): Promise<Recording | EegWindows> {
    if (this.cutsWindows) return this.windows(recording, trials)
    this.#requireFitted()
    return (await runSteps(recording, this.steps, trials)) as Recording
  }

  /**
   * Windows of one recording or many. Recordings are worked on one after the other.
   *
   * @param trials which events are trials, in place of what the step `windows` says
   * @throws EegTorchError `INVALID_OPTION` if a step must be fitted first, no step cuts windows, or no event is a trial; `SHAPE_MISMATCH` if
   *   recordings differ in what comes out
   */
  async windows(recordings: Recording | Iterable<Recording>, trials: TrialOptions = {}): Promise<EegWindows> {
    this.#requireFitted()
    const cutter = this.steps.find((step) => workOf(step).cut)
    if (cutter === undefined) {
      const expected = 'a step windows'
      throw new EegTorchError('INVALID_OPTION', 'the pipeline cuts no windows', { option: 'steps', expected })
    }
    const list = Symbol.iterator in recordings ? [...recordings] : [recordings]
    const parts: RecordingWindows[] = []
    for (const recording of list) {
      const cut = await runSteps(recording, this.steps, trials)
      if (!(cut instanceof Recording)) parts.push(settle(cut, this.hash))
    }
    const { events, task } = cutter.options as TrialOptions
    const said = trials.events === undefined && trials.task === undefined ? { events, task } : trials
    return joinWindows(parts, list, Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)))
  }

  /**
   * Lets the steps that learn do so, from windows that {@link Pipeline.prepared} has made. A pipeline that learns nothing is fitted by anything.
   *
   * @param indices the windows to learn from: the training part of a split; default all
   * @throws EegTorchError `INVALID_OPTION` for windows of another pipeline, or none
   */
  async fit(windows: EegWindows, indices?: ArrayLike<number>): Promise<FittedPipeline> {
    this.requirePrepared(windows)
    const learned = new Map<Step, LearnedState>()
    let training = indices === undefined || !this.learns ? windows : windows.subset(indices)
    const rest = this.steps.slice(this.prepared.steps.length)
    const last = rest.findLastIndex(learns)
    for (const [i, step] of rest.entries()) {
      if (i > last) break
      if (learns(step)) {
        const { learn } = workOf(step)
        if (learn!.lazily === undefined) training = await loadWindows(training)
        learned.set(step, await learn!.fit(training, step.options))
      }
      if (i < last) training = await runOnEegWindows(training, [step], learned, this.hash)
    }
    return new FittedPipeline(this, [...learned.values()], stretchesOf(windows, indices))
  }

  /**
   * The pipeline over a signal that is still being recorded, chunk by chunk: {@link PipelineStream}.
   *
   * @throws EegTorchError `INVALID_OPTION` naming the first step that is not causal, or must be fitted first
   */
  stream(options: StreamOptions): PipelineStream {
    this.#requireFitted()
    return new FittedPipeline(this, []).stream(options)
  }

  /** @throws EegTorchError `INVALID_OPTION` for windows that another pipeline has made; windows of unknown origin pass */
  requirePrepared({ pipeline }: EegWindows): void {
    const { hash } = this.prepared
    if (pipeline === undefined || pipeline === hash) return
    throw new EegTorchError('INVALID_OPTION', 'the windows were made by another pipeline', {
      option: 'pipeline',
      expected: `the hash ${hash}`,
      received: pipeline,
    })
  }

  /** Whether a step looks at several windows together, as alignment over a session does: then parts of a split are finished apart. */
  get looksAcrossWindows(): boolean {
    return this.steps.some((step) => workOf(step).together?.(step.options) === true)
  }

  #requireFitted(): void {
    const first = this.steps.findIndex(learns)
    if (first < 0) return
    throw new EegTorchError('INVALID_OPTION', `step ${first + 1} (${this.steps[first]!.name}) must be fitted first`, {
      option: 'pipeline',
      expected: 'windows of pipeline.prepared given to pipeline.fit',
      received: 'a pipeline that has learned nothing',
    })
  }
}
