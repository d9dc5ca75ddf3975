import { existsSync } from 'node:fs'
import { extname } from 'node:path'
import type { Command } from 'commander'
import { readRecording } from '../datasets/read-all.ts'
import { EegTorchError } from '../errors.ts'
import { writeBrainVision } from '../recordings/brainvision/writer.ts'
import { writeEdf } from '../recordings/edf-writer.ts'
import { writeNpz } from '../recordings/numpy/writer.ts'
import type { Recording } from '../recordings/recording.ts'

interface ExportOptions {
  unit?: string
  samplingRate?: string
  force?: boolean
}

const WRITERS: Readonly<Record<string, (file: string, recording: Recording) => Promise<void>>> = {
  '.edf': writeEdf,
  '.vhdr': writeBrainVision,
  '.npz': writeNpz,
}

export function describe(command: Command): void {
  command
    .description('Write a recording of any format as EDF+, BrainVision or NumPy arrays, by the ending of the new name.')
    .argument('<source>', 'a recording')
    .argument('<target>', `a new file ending in ${Object.keys(WRITERS).join(', ')}`)
    .option('--unit <unit>', 'unit of channels for which the source names none, such as uV')
    .option('--sampling-rate <hertz>', 'sampling rate, for sources that do not say')
    .option('--force', 'write over a file that is there')
    .addHelpText(
      'after',
      '\nExamples:\n  $ eegtorch export run.gdf run.edf\n  $ eegtorch export trials.npy run.vhdr --sampling-rate 250 --unit uV',
    )
    .action(exportRecording)
}

async function exportRecording(source: string, target: string, options: ExportOptions): Promise<void> {
  const write = WRITERS[extname(target).toLowerCase()]
  if (write === undefined) {
    throw new EegTorchError('INVALID_OPTION', 'recordings cannot be written in this format', {
      file: target,
      expected: `a name ending in ${Object.keys(WRITERS).join(', ')}`,
      received: extname(target) || 'no ending',
    })
  }
  if (existsSync(target) && !options.force) {
    throw new EegTorchError('FILE_WRITE_FAILED', 'the file is there already; --force writes over it', { file: target })
  }
  const recording = await readRecording(source, {
    ...(options.unit === undefined ? {} : { unit: options.unit }),
    ...(options.samplingRate === undefined ? {} : { samplingRate: Number(options.samplingRate) }),
  })
  await write(target, recording)
  for (const warning of recording.warnings) console.error(`warning: ${warning}`)
  const { channels, duration, events } = recording
  console.log(`${target}: ${channels.length} channels, ${duration.toFixed(1)} s, ${events.length} events`)
}
