import type { Command } from 'commander'
import { readAll } from '../datasets/read-all.ts'
import type { Recordings } from '../datasets/recordings.ts'
import { simulateMotorImagery } from '../datasets/simulate.ts'
import { freshFolder, printRun, runTraining } from './run-training.ts'
import { checkConfig } from './train-config.ts'

interface Flags {
  data?: string[]
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
      'Train a network and show what it learned: on the recordings of --data or EEGTORCH_DATA, else on simulated motor imagery.',
    )
    .option('--data <path...>', 'recordings: folders, files or patterns (default: EEGTORCH_DATA, else simulated)')
    .option('--model <name>', 'network', 'eegnet')
    .option('--out <folder>', 'folder of the run (default: runs/DATE-demo)')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', '\nExamples:\n  $ eegtorch demo\n  $ eegtorch demo --data eegmmidb/')
    .action(demo)
}

async function demo({ data, model, out, json = false }: Flags): Promise<void> {
  const paths = data ?? process.env.EEGTORCH_DATA?.split(':').filter(Boolean)
  const say = (line: string) => json || console.log(line)
  const folder = out ?? freshFolder('demo')
  if (paths === undefined || paths.length === 0) {
    say('No recordings were named (--data or EEGTORCH_DATA), so this demo runs on SIMULATED motor-imagery EEG.')
    const recordings = simulateMotorImagery({ subjects: 1, runs: 4, trials: 12 })
    const config = checkConfig({
      model,
      data: 'simulated',
      window: [0.5, 3.5],
      leaveOut: 'run',
      modelOptions: modelOptions(model),
      ...BRIEF,
    })
    const title = `${model} on simulated EEG`
    printRun(await runTraining(config, { folder, quiet: json, title, recordings }), json)
    return
  }
  const recordings = await readAll(paths)
  const config = checkConfig({
    model,
    data: paths,
    ...tasksOf(recordings),
    modelOptions: modelOptions(model),
    ...BRIEF,
  })
  say(`${recordings.length} recordings in ${paths.join(', ')}`)
  printRun(await runTraining(config, { folder, quiet: json }), json)
}

/** What to decode in recordings of a known data set: the pair of movements with more runs. Others: every event is a trial. */
function tasksOf(recordings: Recordings): { task?: string } {
  const meanings = [...recordings].map(({ events }) => new Set(events.map(({ meaning }) => meaning)))
  const runs = (movement: string) => meanings.filter((found) => found.has(movement)).length
  const [fists, hands] = [runs('both fists'), runs('left fist')]
  if (fists === 0 && hands === 0) return {}
  return { task: fists >= hands ? 'fists-feet' : 'left-right' }
}
