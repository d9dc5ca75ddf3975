import { existsSync, statSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import type { Command } from 'commander'
import { type Checkpoint, openCheckpoint } from '../checkpoints/checkpoint.ts'
import { readRecording } from '../datasets/read-all.ts'
import { EegTorchError } from '../errors.ts'
import { writeFileAtomically } from '../files/atomic.ts'
import { findFiles } from '../files/find-files.ts'
import { formatPipeline, inspectPipeline, isPipelineFolder } from '../generation/checkpoints/inspect-pipeline.ts'
import { isLmdb } from '../lmdb/lmdb-file.ts'
import { formatCheckpoint, inspectCheckpoint } from '../models/inspect-checkpoint.ts'
import { asRegistered } from '../models/published.ts'
import { isRecordingFile, RECORDING_ENDINGS, readableFor } from '../recordings/formats.ts'
import { formatSummary, inspectRecording } from '../recordings/inspect.ts'
import type { Recording } from '../recordings/recording.ts'
import { drawTraces } from '../recordings/traces.ts'
import { formatStore, inspectStore } from '../store/inspect-store.ts'
import { fileOptions } from './file-options.ts'
import { readModelConfig } from './model-config.ts'
import { EXIT } from './program.ts'

interface InspectOptions {
  json?: boolean
  picture?: string | boolean
  key?: string
  unit?: string
  samplingRate?: string
  config?: string
}

export function describe(command: Command): void {
  command
    .description(
      'Show what a file holds, by its content: channels, events and quality of a recording; windows and classes of a store; ' +
        'tensors, metadata and the model they fit of a checkpoint.',
    )
    .argument(
      '<file>',
      'a recording, a store of windows, a checkpoint (safetensors, torch.save), a folder of one, or of a diffusers pipeline',
    )
    .option('--picture [file]', 'write a picture of the traces (default: the name of the recording with .png)')
    .option('--unit <unit>', 'unit of channels for which a recording names none, such as uV')
    .option('--sampling-rate <hertz>', 'sampling rate, for recordings that do not say')
    .option('--key <key>', 'which state dict of a torch.save file that holds several')
    .option('--config <file>', 'YAML or JSON with options of the network that a checkpoint does not tell')
    .option('--json', 'print the summary as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  $ eegtorch inspect S001R06.edf --picture\n  $ eegtorch inspect eegnet.safetensors\n  $ eegtorch inspect weights.pth --json',
    )
    .action(inspect)
}

async function inspect(file: string, options: InspectOptions): Promise<void> {
  if (!existsSync(file)) throw new EegTorchError('FILE_NOT_FOUND', 'there is no such file', { file })
  if (!statSync(file).isDirectory() && isRecordingFile(file))
    await showRecording(await readRecording(file, fileOptions(options)), file, options)
  else if (isLmdb(file)) showStore(file, options)
  else if (isPipelineFolder(file)) showPipeline(file, options)
  else await showCheckpoint(file, options)
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

async function showRecording(recording: Recording, file: string, { json, picture }: InspectOptions): Promise<void> {
  const summary = inspectRecording(recording)
  const drawn = picture === undefined ? undefined : await draw(recording, picture, file)
  for (const warning of summary.warnings) console.error(`warning: ${warning}`)
  if (json) console.log(JSON.stringify({ ...summary, ...(drawn && { picture: drawn }) }, undefined, 2))
  else console.log([formatSummary(summary), ...(drawn ? [`picture: ${drawn}`] : [])].join('\n'))
}

async function draw(recording: Recording, picture: string | boolean, file: string): Promise<string> {
  const name = `${basename(file, extname(file))}.png`
  const path = typeof picture === 'string' ? picture : join('.', name)
  const svg = drawTraces(recording)
  // Loaded here: only pictures need it, and it is large.
  const { default: sharp } = await import('sharp')
  await writeFileAtomically(path, /\.svg$/i.test(path) ? svg : await sharp(Buffer.from(svg)).png().toBuffer())
  return path
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
