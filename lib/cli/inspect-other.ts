import { type Checkpoint, openCheckpoint } from '../checkpoints/checkpoint.ts'
import { EegTorchError } from '../errors.ts'
import { findFiles } from '../files/find-files.ts'
import { formatPipeline, inspectPipeline, isPipelineFolder } from '../generation/checkpoints/inspect-pipeline.ts'
import { isLmdb } from '../lmdb/lmdb-file.ts'
import { formatCheckpoint, inspectCheckpoint } from '../models/inspect-checkpoint.ts'
import { asRegistered } from '../models/published.ts'
import { RECORDING_ENDINGS, readableFor } from '../recordings/formats.ts'
import { formatStore, inspectStore } from '../store/inspect-store.ts'
import type { InspectOptions } from './inspect.ts'
import { readModelConfig } from './model-config.ts'
import { EXIT } from './program.ts'

/** Prints what a store, a pipeline's folder or a checkpoint holds. */
export async function showOther(path: string, options: InspectOptions): Promise<void> {
  if (isLmdb(path)) showStore(path, options)
  else if (isPipelineFolder(path)) showPipeline(path, options)
  else await showCheckpoint(path, options)
}

function showStore(path: string, { json }: InspectOptions): void {
  const summary = inspectStore(path)
  console.log(json ? JSON.stringify(summary, undefined, 2) : formatStore(summary))
}

function showPipeline(folder: string, { json }: InspectOptions): void {
  const summary = inspectPipeline(folder)
  console.log(json ? JSON.stringify(summary, undefined, 2) : formatPipeline(summary))
  if (summary.components.some(({ problem }) => problem !== undefined)) process.exitCode = EXIT.failed
}

async function showCheckpoint(file: string, { json, key, config }: InspectOptions): Promise<void> {
  const options = config === undefined ? {} : readModelConfig(config)
  const summary = inspectCheckpoint(registered(await openAsCheckpoint(file, key)), options)
  console.log(json ? JSON.stringify(summary, undefined, 2) : formatCheckpoint(summary))
}

/** What is none is told as what it is: a folder of recordings, or no file that anything here reads. */
async function openAsCheckpoint(file: string, key: string | undefined): Promise<Checkpoint> {
  try {
    return openCheckpoint(file, { key })
  } catch (error) {
    const { code, received } = error as EegTorchError
    const [first, ...others] = code === 'FILE_NOT_FOUND' ? await findFiles(file, RECORDING_ENDINGS) : []
    if (first !== undefined) {
      throw new EegTorchError('FILE_INVALID', `this is a folder of ${others.length + 1} recordings`, {
        file,
        expected: `one of them, such as ${first}`,
      })
    }
    if (code !== 'FILE_INVALID' || received !== 'a file of another format') throw error
    throw new EegTorchError('FILE_UNSUPPORTED', 'this is no recording, no store and no checkpoint', {
      file,
      expected: `${readableFor(file)}; safetensors, or what torch.save wrote`,
    })
  }
}

/** With the network's own options where it is registered; as it is where it is not. */
function registered(checkpoint: Checkpoint): Checkpoint {
  try {
    return asRegistered(checkpoint)
  } catch (error) {
    if (error instanceof EegTorchError) return checkpoint
    throw error
  }
}
