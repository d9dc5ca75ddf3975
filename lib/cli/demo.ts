import { join } from 'node:path'
import type { Command } from 'commander'
import { readAll } from '../datasets/read-all.ts'
import type { Recordings } from '../datasets/recordings.ts'
import { simulateMotorImagery } from '../datasets/simulate.ts'
import { defined } from '../defined.ts'
import { demoPictures } from './demo-pictures.ts'
import { type FinishedRun, freshFolder, printRun, runFacts, runTraining } from './run-training.ts'
import { checkConfig } from './train-config.ts'

interface Flags {
  data?: string[]
  visual?: string
  stimuli?: string
  pictures: boolean
  model: string
  out?: string
  json?: boolean
}

/**
 * Settings that end within three minutes on two cores, and are enough for the network to learn. So few steps need running statistics that
 * follow faster than EEGNet's usual momentum of 0.01.
 */
const BRIEF = { epochs: 30, batchSize: 16, seeds: 1 }
const modelOptions = (model: string) => (model === 'eegnet' ? { batchNormMomentum: 0.1 } : {})

export function describe(command: Command): void {
  command
    .description(
      'Train a network and show what it learned, on the recordings of --data or EEGTORCH_DATA, else on simulated motor imagery. Then train a small ' +
        'diffusion model on EEG of somebody who looks at faces and houses, and draw pictures from it.',
    )
    .option('--data <path...>', 'recordings: folders, files or patterns (default: EEGTORCH_DATA, else simulated)')
    .option('--visual <folder>', 'Muse recordings of faces and houses (default: EEGTORCH_VISUAL, else simulated)')
    .option(
      '--stimuli <folder>',
      'their pictures, in folders faces and houses (default: EEGTORCH_STIMULI, else simple drawings)',
    )
    .option('--no-pictures', 'end after the first network')
    .option('--model <name>', 'network', 'eegnet')
    .option('--out <folder>', 'folder of the run (default: runs/DATE-demo)')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  $ eegtorch demo\n  $ eegtorch demo --data eegmmidb/ --visual muse/ --stimuli face_house/',
    )
    .action(demo)
}

async function demo(flags: Flags): Promise<void> {
  const { out, json = false, pictures } = flags
  const folder = out ?? freshFolder('demo')
  const run = await demoTraining(flags, folder)
  if (json && !pictures) return printRun(run, json)
  if (!json) printRun(run, json)
  if (!pictures) return
  const { EEGTORCH_VISUAL, EEGTORCH_STIMULI } = process.env
  const visual = flags.visual ?? EEGTORCH_VISUAL
  if (!json && visual === undefined)
    console.log(
      '\nPictures: no recordings were named (--visual or EEGTORCH_VISUAL), so they are drawn from SIMULATED EEG.',
    )
  const drawn = await demoPictures({
    ...{ folder: join(folder, 'pictures'), quiet: json },
    ...defined({ visual, stimuli: flags.stimuli ?? EEGTORCH_STIMULI }),
  })
  if (json) {
    console.log(JSON.stringify({ ...runFacts(run), pictures: drawn.facts }))
    return
  }
  for (const line of drawn.lines) console.log(line)
  console.log(`pictures ${drawn.report}`)
}

async function demoTraining({ data, model, json = false }: Flags, folder: string): Promise<FinishedRun> {
  const paths = data ?? process.env.EEGTORCH_DATA?.split(':').filter(Boolean)
  const say = (line: string) => json || console.log(line)
  const known = { model, modelOptions: modelOptions(model), ...BRIEF }
  if (paths === undefined || paths.length === 0) {
    say('No recordings were named (--data or EEGTORCH_DATA), so this demo runs on SIMULATED motor-imagery EEG.')
    const recordings = simulateMotorImagery({ subjects: 1, runs: 4, trials: 12 })
    const config = checkConfig({ ...known, data: 'simulated', window: [0.5, 3.5], leaveOut: 'run' })
    return runTraining(config, { folder, quiet: json, title: `${model} on simulated EEG`, recordings })
  }
  const recordings = await readAll(paths)
  const config = checkConfig({ ...known, data: paths, ...tasksOf(recordings) })
  say(`${recordings.length} recordings in ${paths.join(', ')}`)
  return runTraining(config, { folder, quiet: json })
}

/** What to decode in recordings of a known data set: the pair of movements with more runs. Others: every event is a trial. */
function tasksOf(recordings: Recordings): { task?: string } {
  const meanings = [...recordings].map(({ events }) => new Set(events.map(({ meaning }) => meaning)))
  const runs = (movement: string) => meanings.filter((found) => found.has(movement)).length
  const [fists, hands] = [runs('both fists'), runs('left fist')]
  if (fists === 0 && hands === 0) return {}
  return { task: fists >= hands ? 'fists-feet' : 'left-right' }
}
