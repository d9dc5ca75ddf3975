import { existsSync, statSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import type { Command } from 'commander'
import { readRecording } from '../datasets/read-all.ts'
import { EegTorchError } from '../errors.ts'
import { writeFileAtomically } from '../files/atomic.ts'
import { isRecordingFile } from '../recordings/formats.ts'
import { formatSummary, inspectRecording } from '../recordings/inspect.ts'
import type { Recording } from '../recordings/recording.ts'
import { drawTraces } from '../recordings/traces.ts'
import { fileOptions } from './file-options.ts'

export interface InspectOptions {
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
    return showRecording(await readRecording(file, fileOptions(options)), file, options)
  // Loaded here: recordings need none of it, and it takes longer to load than they to read.
  const { showOther } = await import('./inspect-other.ts')
  await showOther(file, options)
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
