import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { defined } from '../defined.ts'
import { Pipeline } from '../preprocessing/pipeline.ts'
import type { TrialOptions } from '../preprocessing/step.ts'
import type { Recording } from '../recordings/recording.ts'
import { packageVersion } from '../setup/paths.ts'
import type { SampleType } from '../store/samples.ts'
import type { RecordingSource } from './recording-source.ts'

/**
 * What makes two unfinished stores the same work: the program, the pipeline, how files are read, and recordings that say the same and whose
 * files have the same sizes and times.
 */
export interface PreparePlan {
  version: string
  pipeline: { text: string; hash: string }
  sampleType: SampleType
  trials: TrialOptions
  /** The data set by its name, or the text that describes it. */
  dataset?: string
  read?: RecordingSource['read']
  recordings: RecordingPlan[]
}

/** One recording of a {@link PreparePlan}. */
export interface RecordingPlan {
  name: string
  identity: string
  /** SHA-256 of what is known of it but its samples: channels, segments, events, whose it is. */
  description: string
  files: { bytes: number; modified: number }[]
}

/** The plan of a store. */
export async function planOf(
  { dataset, read }: Omit<RecordingSource, 'data'>,
  recordings: Iterable<Recording>,
  { pipeline, trials, sampleType }: { pipeline: Pipeline; trials: TrialOptions; sampleType: SampleType },
): Promise<PreparePlan> {
  return {
    version: packageVersion(),
    pipeline: { text: pipeline.toYaml(), hash: pipeline.prepared.hash },
    ...{ sampleType, trials },
    ...(dataset !== undefined && { dataset: await describedIn(dataset) }),
    ...(read && { read }),
    recordings: await Promise.all(Array.from(recordings, planOfRecording)),
  }
}

async function describedIn(dataset: string): Promise<string> {
  return /\.ya?ml$/i.test(dataset) ? await readFile(dataset, 'utf8') : dataset
}

async function planOfRecording(recording: Recording): Promise<RecordingPlan> {
  const { name, identity, channels, samplingRate, nSamples, segments, events } = recording
  const { subject, session, run, dataset } = recording
  const known = { channels, samplingRate, nSamples, segments, events, subject, session, run, dataset }
  const statuses = await Promise.all(recording.files.map((file) => stat(file)))
  return {
    ...{ name, identity },
    description: createHash('sha256').update(JSON.stringify(known)).digest('hex'),
    files: statuses.map(({ size, mtimeMs }) => ({ bytes: size, modified: mtimeMs })),
  }
}

/** The steps that a plan runs, and which events are trials where these say so. */
export function workOf({ pipeline, trials }: Pick<PreparePlan, 'pipeline' | 'trials'>) {
  const { prepared } = Pipeline.parse(pipeline.text)
  const said = prepared.steps.find(({ name }) => name === 'windows')?.options as TrialOptions | undefined
  const { events, task } = trials.events === undefined && trials.task === undefined ? (said ?? {}) : trials
  return { prepared, trials, order: defined({ events, task }) as TrialOptions }
}
