import { existsSync } from 'node:fs'
import { extname } from 'node:path'
import type { Command } from 'commander'
import { cutWindows } from '../datasets/cut-windows.ts'
import { readRecording } from '../datasets/read-all.ts'
import { EegTorchError } from '../errors.ts'
import { writeStore } from '../prepare/write-store.ts'
import { writeBrainVision } from '../recordings/brainvision/writer.ts'
import { writeEdf } from '../recordings/edf-writer.ts'
import { writeNpz } from '../recordings/numpy/writer.ts'
import type { Recording } from '../recordings/recording.ts'
import { fileOptions } from './file-options.ts'
import { parseRange } from './parse-range.ts'

interface ExportOptions {
  unit?: string
  samplingRate?: string
  window?: [number, number]
  force?: boolean
}

type Write = (file: string, recording: Recording, options: ExportOptions) => Promise<void>

const WRITERS: Readonly<Record<string, Write>> = {
  '.edf': (file, recording) => writeEdf(file, recording),
  '.vhdr': writeBrainVision,
  '.npz': writeNpz,
  '.lmdb': writeWindows,
}

/** A window around each event, in a store as `eegtorch prepare` makes them. */
async function writeWindows(file: string, recording: Recording, { window, force }: ExportOptions): Promise<void> {
  if (window === undefined || force) {
    throw new EegTorchError('INVALID_OPTION', 'a store holds windows around events, and nothing is written over one', {
      file,
      option: window === undefined ? 'window' : 'force',
      expected: '--window FROM..TO in seconds, and a new name',
      received: window === undefined ? 'no window' : '--force',
    })
  }
  await writeStore(file, await cutWindows([recording], { from: window[0], to: window[1] }))
}

export function describe(command: Command): void {
  command
    .description(
      'Write a recording of any format as EDF+, BrainVision or NumPy arrays, or its trials as a store of windows, by the ending of the new name.',
    )
    .argument('<source>', 'a recording')
    .argument('<target>', `a new file ending in ${Object.keys(WRITERS).join(', ')}`)
    .option('--unit <unit>', 'unit of channels for which the source names none, such as uV')
    .option('--sampling-rate <hertz>', 'sampling rate, for sources that do not say')
    .option('--window <from..to>', 'for a store: seconds around each event', parseRange)
    .option('--force', 'write over a file that is there')
    .addHelpText(
      'after',
      '\nExamples:\n  $ eegtorch export run.gdf run.edf\n  $ eegtorch export trials.npy run.vhdr --sampling-rate 250 --unit uV\n  $ eegtorch export S001R06.edf trials.lmdb --window 0.5..3.5',
    )
    .action(exportRecording)
}

/** What is written: BrainVision has three files of one name. */
const filesOf = (target: string) =>
  /\.vhdr$/i.test(target) ? ['.vhdr', '.vmrk', '.eeg'].map((ending) => target.replace(/\.vhdr$/i, ending)) : [target]

async function exportRecording(source: string, target: string, options: ExportOptions): Promise<void> {
  const write = WRITERS[extname(target).toLowerCase()]
  if (write === undefined) {
    throw new EegTorchError('INVALID_OPTION', 'recordings cannot be written in this format', {
      file: target,
      expected: `a name ending in ${Object.keys(WRITERS).join(', ')}`,
      received: extname(target) || 'no ending',
    })
  }
  if (options.window !== undefined && write !== writeWindows) {
    throw new EegTorchError('INVALID_OPTION', 'a recording is written as a whole; windows go into a store', {
      file: target,
      option: 'window',
      expected: 'a name ending in .lmdb, or no --window',
      received: extname(target),
    })
  }
  const there = filesOf(target).find((file) => existsSync(file))
  if (there !== undefined && !options.force) {
    throw new EegTorchError('FILE_WRITE_FAILED', 'the file is there already; --force writes over it', { file: there })
  }
  const recording = await readRecording(source, fileOptions(options))
  await write(target, recording, options)
  for (const warning of recording.warnings) console.error(`warning: ${warning}`)
  const { channels, duration, events } = recording
  console.log(`${target}: ${channels.length} channels, ${duration.toFixed(1)} s, ${events.length} events`)
}
