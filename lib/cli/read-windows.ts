import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Recordings } from '../datasets/recordings.ts'
import { EegTorchError } from '../errors.ts'
import { openSource, type RecordingSource } from '../prepare/recording-source.ts'
import { Pipeline } from '../preprocessing/pipeline.ts'
import type { StepSource } from '../preprocessing/steps/index.ts'
import type { Recording } from '../recordings/recording.ts'
import { openStore, type WindowStore } from '../store/open-store.ts'
import { storeIdentity } from '../store/store-identity.ts'
import { type ConfiguredWindows, cutConfigured, pipelineOf } from './config-pipeline.ts'
import { type TrainConfig, trainSchema } from './train-config.ts'
import { windowsIdentity } from './windows-identity.ts'

/** Options that a store has answered already. */
const ANSWERED = ['window', 'band', 'channels', 'upsample', 'task', 'events', 'read'] as const

/** Opens the recordings of a configuration, and says what their reader had to assume. */
export async function readRecordings(source: RecordingSource): Promise<Recordings> {
  const { recordings, warnings } = await openSource(source)
  for (const sentence of warnings) console.error(`warning: ${sentence}`)
  return recordings
}

/** The store that a configuration names as its data, or undefined. @throws EegTorchError as {@link openStore} */
export function storeOf({ data }: Pick<TrainConfig, 'data'>): WindowStore | undefined {
  const [path, ...others] = Array.isArray(data) ? data : [data]
  return others.length === 0 && existsSync(join(path!, 'data.mdb')) ? openStore(path!) : undefined
}

/** The windows of a configuration, with its pipeline written out where a store tells it. */
export interface ReadWindows extends ConfiguredWindows {
  config: TrainConfig
  /** What tells these windows from others. */
  identify: () => Promise<string>
}

/**
 * The windows that a configuration asks for: those of a store as they are, or cut from recordings.
 *
 * @throws EegTorchError `INVALID_OPTION` for options that a store has answered already, or another pipeline than its own
 */
export async function readWindows(
  config: TrainConfig,
  { recordings, said }: { recordings?: Iterable<Recording> | undefined; said?: SaidOptions | undefined } = {},
): Promise<ReadWindows> {
  const store = recordings === undefined ? storeOf(config) : undefined
  if (store === undefined) {
    const list = [...(recordings ?? (await readRecordings(config)))]
    const cut = await cutConfigured(config, list)
    return { config, ...cut, identify: () => windowsIdentity(cut.windows, list) }
  }
  const pipeline = storedPipeline(config, store, said)
  const identify = async () => storeIdentity(store.header)
  return { windows: store.windows, pipeline, config: { ...config, pipeline: pipeline.toJSON() }, identify }
}

/** Options as a person said them, before defaults were filled in. */
export type SaidOptions = Readonly<Record<string, unknown>>

/**
 * What is still to be learned from training windows of a store, after what was done to make them.
 *
 * @param said where it is known: an option is refused that says what is usual too
 */
export function storedPipeline(config: TrainConfig, { header, path }: WindowStore, said: SaidOptions = {}): Pipeline {
  if (config.pipeline !== undefined) {
    const given = pipelineOf(config, [])
    if (header.pipeline.hash === '' || given.prepared.hash === header.pipeline.hash) return given
    throw new EegTorchError('INVALID_OPTION', 'the windows of the store were made by another pipeline', {
      file: path,
      option: 'pipeline',
      expected: `the hash ${header.pipeline.hash}`,
      received: given.prepared.hash,
    })
  }
  refuseAnswered(config, path, said)
  const made = header.pipeline.text === '' ? Pipeline.parse([]) : Pipeline.parse(header.pipeline.text)
  if (!config.standardise) return made.prepared
  return made.learns ? made : Pipeline.parse([...(made.toJSON().steps as StepSource[]), 'zscore'])
}

function refuseAnswered(config: TrainConfig, file: string, given: SaidOptions): void {
  const usual = trainSchema.parse({ model: config.model, data: config.data })
  const said = ANSWERED.find(
    (option) => given[option] !== undefined || !isDeepStrictEqual(config[option], usual[option]),
  )
  if (said === undefined) return
  throw new EegTorchError('INVALID_OPTION', `option ${said} was decided when the store was prepared`, {
    file,
    option: said,
    expected: 'no such option, or recordings in place of the store',
    received: JSON.stringify(config[said]),
  })
}
