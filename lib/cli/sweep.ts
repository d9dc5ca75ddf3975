import { availableParallelism } from 'node:os'
import { basename, join } from 'node:path'
import type { Command } from 'commander'
import { stringify } from 'yaml'
import { defined } from '../defined.ts'
import { EegTorchError } from '../errors.ts'
import type { Sweep } from '../experiment/sweep/sweep.ts'
import { runInWorkers } from '../experiment/worker-pool.ts'
import { writeFileAtomically } from '../files/atomic.ts'
import { makeFolder } from '../files/make-folder.ts'
import { type SweepReport, sweepMarkdown, sweepPage } from '../report/sweep-report.ts'
import { withDataset } from './config-dataset.ts'
import { withPipeline } from './config-pipeline.ts'
import { EXIT } from './program.ts'
import { CONFIG_FILE } from './run-training.ts'
import { deviceFlag } from './shared-flags.ts'
import { checkSweep, type SweepConfig, sweepEntries, withFullPaths } from './sweep-config.ts'
import { sweepNested } from './sweep-nested.ts'
import { commandOf, readSweep, type SweepPlace } from './sweep-plan.ts'
import type { SweepGreeting } from './sweep-worker.ts'
import { readConfigFile } from './train-config.ts'
import { untilInterrupted } from './until-interrupted.ts'

interface Flags {
  out?: string
  workers?: number
  device?: string
  inner?: number
  tableOnly?: boolean
  json?: boolean
}

/** A sweep under way. */
interface RunningSweep extends SweepPlace {
  config: SweepConfig
  sweep: Sweep
  quiet: boolean
}

export function describe(command: Command): void {
  command
    .description(
      'Train and test many models on the same splits: models x folds x seeds, one thread each, as many at a time as there are cores. ' +
        'Called again, it repeats nothing that is finished.',
    )
    .argument('<config>', 'YAML file: options of eegtorch train, and models, subjects, workers')
    .option('--out <folder>', 'folder of the sweep (default: runs/NAME of the file)')
    .option(
      '--workers <n>',
      'processes at a time (default: as many as cores); not with --inner, which is one process',
      Number,
    )
    .addOption(deviceFlag())
    .option(
      '--inner <folds>',
      'choose one of the models in so many folds inside each training part, test that one',
      Number,
    )
    .option(
      '--table-only',
      'train nothing, make the table of what is finished; not with --inner, which keeps nothing before it is over',
    )
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
A sweep.yaml:
  data: eegmmidb/
  task: fists-feet
  protocol: { name: leave-one-out, by: run, within: subject }
  seeds: 5
  models:
    - csp_lda
    - eegnet
    - { model: cnn_rnn, name: cnn_gru, modelOptions: { cell: gru }, lr: 5e-4 }

Examples:
  $ eegtorch sweep sweep.yaml
  $ eegtorch sweep sweep.yaml --workers 4 --out runs/comparison
  $ eegtorch sweep sweep.yaml --inner 3 --out runs/chosen      (or inner: { name: k-fold, folds: 3 } in the file)`,
    )
    .action(sweep)
}

async function sweep(file: string, flags: Flags): Promise<void> {
  const { out, workers, device, tableOnly, json = false } = flags
  const inner = flags.inner === undefined ? undefined : { name: 'k-fold', folds: flags.inner }
  const written = await readConfigFile(file)
  const said = defined({ workers, device, inner })
  const whole = await withDataset({ ...written, ...said })
  const config = await withPipeline(withFullPaths(checkSweep(whole, { file, flags: defined({ ...said, tableOnly }) })))
  const folder = out ?? join('runs', basename(file).replace(/\.ya?ml$/i, ''))
  const place = { file, folder, flags: defined({ workers, device, inner: flags.inner }) }
  const planned = await readSweep(config, place)
  planned.checkNetworks()
  await makeFolder(folder)
  await writeFileAtomically(join(folder, CONFIG_FILE), stringify(defined(config)))
  if (config.inner !== undefined) {
    const common = sweepEntries(config, file)[0]!.config
    return sweepNested(planned, common, config.inner, { folder, json })
  }
  const running: RunningSweep = { ...place, config, sweep: planned, quiet: json }
  if (!tableOnly) await runMissing(running)
  const report = await writeTables(running)
  if (json) console.log(JSON.stringify(report))
  else
    console.log(
      `${sweepMarkdown(report)}\ntable   ${join(folder, 'results.md')}        report   ${join(folder, 'report.html')}`,
    )
}

async function runMissing(running: RunningSweep): Promise<void> {
  const { config, sweep } = running
  const { jobs, missing, models } = sweep
  const say = (line: string) => running.quiet || console.error(line)
  say(`${jobs.length} trainings, ${jobs.length - missing.length} finished before`)
  const left = new Map(models.map((_, entry) => [entry, missing.filter((job) => job.entry === entry).length]))
  const greeting: SweepGreeting = { config, file: running.file, folder: running.folder }
  let failures = 0
  const stopped = await untilInterrupted(async (signal) => {
    await runInWorkers(missing, {
      script: new URL('./sweep-worker.js', import.meta.url),
      size: config.workers ?? availableParallelism(),
      greeting,
      signal,
      onDone: async ({ entry }) => {
        left.set(entry, left.get(entry)! - 1)
        if (left.get(entry) !== 0) return
        say(`${models[entry]!.name} is finished`)
        // The last table is written below, with what checks find.
        if ([...left.values()].some((trainings) => trainings > 0)) await writeTables(running)
      },
      onFailed: (job, reason) => {
        failures++
        console.error(`failed: ${sweep.nameOf(job)}: ${reason}; the others go on`)
      },
    })
    return signal.aborted
  })
  const again = commandOf(running)
  if (stopped) {
    throw new EegTorchError('CANCELLED', `the sweep was stopped; go on with: ${again}`)
  }
  if (failures > 0) {
    console.error(`${failures} ${failures === 1 ? 'training' : 'trainings'} failed; to try again: ${again}`)
    process.exitCode = EXIT.failed
  }
}

/** Writes `results.json`, `results.md` and `report.html` of what is finished. */
async function writeTables({ sweep, folder }: RunningSweep): Promise<SweepReport> {
  const report = await sweep.report()
  const path = (name: string) => join(folder, name)
  await writeFileAtomically(path('results.json'), `${JSON.stringify(report, undefined, 1)}\n`)
  await writeFileAtomically(path('results.md'), sweepMarkdown(report))
  await writeFileAtomically(path('report.html'), sweepPage(report))
  return report
}
