import type { z } from 'zod'
import type { WindowOptions } from '../datasets/cut-windows.ts'
import type { EegWindows } from '../datasets/windows.ts'
import type { Channel, Recording } from '../recordings/recording.ts'
import type { SignalBlock } from './block.ts'
import type { CutWindows } from './step-windows.ts'

/** Channels and rate of a live stream, between two steps. */
export interface StreamLayout {
  readonly channels: readonly Channel[]
  /** Hertz. */
  readonly samplingRate: number
}

/** One step of a stream: what it gives does not depend on how the samples were cut into chunks. */
export interface StreamStage extends StreamLayout {
  /** Takes a chunk of one item, and may overwrite it. May give fewer samples now and more later. */
  push(chunk: SignalBlock): SignalBlock
}

/** Which events are trials, where a pipeline leaves it open. */
export type TrialOptions = Pick<WindowOptions, 'events' | 'task'>

/** What a step has learned from training windows: numbers that a checkpoint keeps as JSON. */
export type LearnedState = Readonly<Record<string, unknown>>

/** What a step does with complete options. Of `recording` and `block` the first that can is taken. */
export interface StepWork<Options> {
  /** Changes a recording without reading samples. */
  readonly recording?: (recording: Recording, options: Options) => Recording | Promise<Recording>
  /** Changes samples: a gap-free stretch of a recording, or windows. */
  readonly block?: (block: SignalBlock, options: Options) => SignalBlock | Promise<SignalBlock>
  /** Cuts a recording into windows. */
  readonly cut?: (recording: Recording, options: Options, trials: TrialOptions) => CutWindows | Promise<CutWindows>
  /** Changes windows, or leaves some out. Only after the step `windows`. */
  readonly windows?: (windows: CutWindows, options: Options) => CutWindows | Promise<CutWindows>
  /** Whether it goes by marks on channels, which windows of several recordings do not have. */
  readonly needsMarks?: (options: Options) => boolean
  /** Whether what becomes of a window depends on the others. */
  readonly together?: (options: Options) => boolean
  /** Learns from training windows; `apply` then changes any windows. Only after the step `windows`. */
  readonly learn?: {
    /** Whether these options learn at all. */
    readonly when: (options: Options) => boolean
    readonly fit: (training: EegWindows, options: Options) => LearnedState | Promise<LearnedState>
    readonly apply: (windows: CutWindows, options: Options, learned: LearnedState) => CutWindows | Promise<CutWindows>
    /** The same for windows that stay in a store, done as they are read. Absent: they are read into memory. */
    readonly lazily?: (windows: EegWindows, options: Options, learned: LearnedState) => EegWindows
  }
  /** For steps that need no other sample than the present: `block` gives at once, and of a chunk the chunk of the result. */
  readonly instant?: boolean
  /** The causal form, or in words why these options have none. Absent: the step needs the whole signal. */
  readonly stream?: (layout: StreamLayout, options: Options) => StreamStage | string
}

/** A kind of step: how it is written, and what it does. */
export interface StepDefinition<Schema extends z.ZodObject, Short extends z.ZodType<z.input<Schema>>>
  extends StepWork<z.output<Schema>> {
  /** For the documentation: one sentence. */
  readonly what: string
  readonly schema: Schema
  /** Makes options of a shorter form that is no object: `reference: average`. */
  readonly short?: Short
}

/** Gives a definition its types. */
export function defineStep<Schema extends z.ZodObject, Short extends z.ZodType<z.input<Schema>> = never>(
  definition: StepDefinition<Schema, Short>,
): StepDefinition<Schema, Short> {
  return definition
}

/** Any definition, where options are no longer told apart. */
// biome-ignore lint/suspicious/noExplicitAny: the schema of each definition has made sure of its options
export type AnyStep = StepDefinition<any, any>
