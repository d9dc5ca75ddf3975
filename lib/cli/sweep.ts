import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { availableParallelism, cpus } from 'node:os'
import { basename, join, relative } from 'node:path'
import type { Command } from 'commander'
import { stringify } from 'yaml'
import { scoreWarnings } from '../datasets/registry.ts'
import { defined } from '../defined.ts'
import { EegTorchError } from '../errors.ts'
import { compareModels } from '../evaluation/compare-models.ts'
import { TestLedger } from '../evaluation/test-ledger.ts'
import { type FoldFindings, proveSplits, withFindings } from '../experiment/make-splits.ts'
import { leftOutOf } from '../experiment/prepare-fold.ts'
import { runChecks } from '../experiment/run-checks.ts'
import { runInWorkers } from '../experiment/worker-pool.ts'
import { writeFileAtomically } from '../files/atomic.ts'
import { makeFolder } from '../files/make-folder.ts'
import { type SweepReport, type SweepRow, sweepMarkdown, sweepPage } from '../report/sweep-report.ts'
import { libtorchVersion } from '../runtime.ts'
import { packageVersion } from '../setup/paths.ts'
import { withDataset } from './config-dataset.ts'
import { withPipeline } from './config-pipeline.ts'
import { EXIT } from './program.ts'
import { CONFIG_FILE, describeProtocol, trainingOptions } from './run-training.ts'
import { deviceFlag } from './shared-flags.ts'
import { checkSweep, type SweepConfig, withFullPaths } from './sweep-config.ts'
import { checkNetworks, readSweep, type SweepData, type SweepJob, sweepJobs } from './sweep-plan.ts'
import type { SweepOutcome } from './sweep-worker.ts'
import { readConfigFile } from './train-config.ts'
import { untilInterrupted } from './until-interrupted.ts'

interface Flags {
  out?: string
  workers?: number
  device?: string
  tableOnly?: boolean
  json?: boolean
}

/** A sweep under way. */
interface Sweep {
  file: string
  folder: string
  config: SweepConfig
  data: SweepData
  jobs: SweepJob[]
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
    .option('--workers <n>', 'processes at a time (default: as many as cores)', Number)
    .addOption(deviceFlag())
    .option('--table-only', 'train nothing, make the table of what is finished')
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
  $ eegtorch sweep sweep.yaml --workers 4 --out runs/comparison`,
    )
    .action(sweep)
}

async function sweep(file: string, { out, workers, device, tableOnly = false, json = false }: Flags): Promise<void> {
  const written = await readConfigFile(file)
  const said = await withDataset({ ...written, ...defined({ workers, device }) })
  const config = await withPipeline(withFullPaths(checkSweep(said, { file, flags: { workers, device } })))
  const folder = out ?? join('runs', basename(file).replace(/\.ya?ml$/i, ''))
  const data = await readSweep(config, file)
  checkNetworks(data)
  await makeFolder(folder)
  await writeFileAtomically(join(folder, CONFIG_FILE), stringify(defined(config)))
  const jobs = sweepJobs(data, join(folder, 'outcomes'))
  const state: Sweep = { file, folder, config, data, jobs, quiet: json }
  if (!tableOnly) await runMissing(state)
  const report = await writeTables(state)
  if (json) console.log(JSON.stringify(report))
  else
    console.log(
      `${sweepMarkdown(report)}\ntable   ${join(folder, 'results.md')}        report   ${join(folder, 'report.html')}`,
    )
}

async function runMissing(sweep: Sweep): Promise<void> {
  const { config, jobs, data } = sweep
  const missing = jobs.filter(({ file }) => !existsSync(file))
  const say = (line: string) => sweep.quiet || console.error(line)
  say(`${jobs.length} trainings, ${jobs.length - missing.length} finished before`)
  const left = new Map(data.entries.map((_, entry) => [entry, missing.filter((job) => job.entry === entry).length]))
  let failures = 0
  const stopped = await untilInterrupted(async (signal) => {
    await runInWorkers(missing, {
      script: new URL('./sweep-worker.js', import.meta.url),
      size: config.workers ?? availableParallelism(),
      greeting: config,
      signal,
      onDone: async ({ entry }) => {
        left.set(entry, left.get(entry)! - 1)
        if (left.get(entry) !== 0) return
        say(`${data.entries[entry]!.name} is finished`)
        // The last table is written below, with what checks find.
        if ([...left.values()].some((trainings) => trainings > 0)) await writeTables(sweep)
      },
      onFailed: (job, reason) => {
        failures++
        console.error(`failed: ${placeOf(data, job)}: ${reason}; the others go on`)
      },
    })
    return signal.aborted
  })
  const again = `eegtorch sweep ${sweep.file} --out ${relative('.', sweep.folder) || '.'}`
  if (stopped) {
    throw new EegTorchError('CANCELLED', `the sweep was stopped; go on with: ${again}`)
  }
  if (failures > 0) {
    console.error(`${failures} ${failures === 1 ? 'training' : 'trainings'} failed; to try again: ${again}`)
    process.exitCode = EXIT.failed
  }
}

function placeOf({ entries, splits }: SweepData, { entry, fold, seed }: SweepJob): string {
  return `${entries[entry]!.name}, ${splits[fold]!.name}, seed ${seed}`
}

/** Writes `results.json`, `results.md` and `report.html` of what is finished. */
async function writeTables(sweep: Sweep): Promise<SweepReport> {
  const report = await makeReport(sweep)
  const path = (name: string) => join(sweep.folder, name)
  await writeFileAtomically(path('results.json'), `${JSON.stringify(report, undefined, 1)}\n`)
  await writeFileAtomically(path('results.md'), sweepMarkdown(report))
  await writeFileAtomically(path('report.html'), sweepPage(report))
  return report
}

async function makeReport({ file, folder, config, data, jobs }: Sweep): Promise<SweepReport> {
  const { entries, windows } = data
  const rows: SweepRow[] = []
  const ledger = new TestLedger()
  const findings: FoldFindings[] = data.splits.map(() => ({}))
  const splits = [...data.splits]
  const finished: { name: string; predictions: SweepOutcome['predictions'] }[] = []
  for (const [entry, { name, config: own }] of entries.entries()) {
    const wanted = jobs.filter((job) => job.entry === entry)
    const outcomes = await readOutcomes(wanted)
    const seconds = outcomes.reduce((sum, outcome) => sum + outcome.seconds, 0) / outcomes.length
    const parameters = outcomes[0]?.parameters
    rows.push({
      ...{ name, model: own.model, done: outcomes.length, total: wanted.length },
      ...(outcomes.length > 0 && { seconds }),
      ...defined({ parameters }),
    })
    const predictions = outcomes.flatMap((outcome) => outcome.predictions)
    for (const { fold, seed, fitted, kept } of outcomes) {
      ledger.note({ fold, by: name, seed })
      if (fitted !== undefined && fitted.length > 0) findings[fold]!.fitted = fitted
      if (kept === undefined) continue
      findings[fold]!.leftOut = leftOutOf(data.splits[fold]!, kept)
      splits[fold] = kept
    }
    if (outcomes.length === wanted.length) finished.push({ name, predictions })
  }
  const options = trainingOptions(entries[0]!.config)
  const proof = withFindings(proveSplits(windows, data.splits, options), findings)
  const decoders = entries.flatMap(({ name, decoder }) => (decoder === undefined ? [] : { ...decoder, name }))
  const isOver = finished.length === entries.length
  const checks = isOver ? await runChecks({ windows, splits, decoders, baselines: finished, ledger }, options) : {}
  return {
    title: config.title ?? windows.classNames.join(' against '),
    simulated: windows.simulated,
    warnings: scoreWarnings(windows),
    createdAt: new Date().toISOString(),
    protocol: describeProtocol(entries[0]!.config),
    classes: [...windows.classNames],
    entries: rows,
    split: { ...proof, openings: ledger.openings },
    comparison: compareModels(finished, { classes: windows.classNames.length }),
    ...checks,
    configuration: defined(config),
    versions: { eegtorch: packageVersion(), LibTorch: libtorchVersion().built, Node: process.version },
    hardware: { CPU: cpus()[0]?.model ?? 'unknown', threads: '1 for each training' },
    command: `eegtorch sweep ${file} --out ${relative('.', folder) || '.'}`,
  }
}

/** Outcomes that are there, their answers numbered by the folds of this sweep. */
async function readOutcomes(jobs: readonly SweepJob[]): Promise<(SweepOutcome & { fold: number })[]> {
  const outcomes: (SweepOutcome & { fold: number })[] = []
  for (const { file, fold } of jobs) {
    if (!existsSync(file)) continue
    const outcome = parseOutcome(await readFile(file, 'utf8'), file)
    outcomes.push({ ...outcome, fold, predictions: outcome.predictions.map((answer) => ({ ...answer, fold })) })
  }
  return outcomes
}

function parseOutcome(text: string, file: string): SweepOutcome {
  try {
    return JSON.parse(text) as SweepOutcome
  } catch (cause) {
    const expected = 'the outcome of a training: delete the file, and the sweep trains it again'
    throw new EegTorchError('FILE_INVALID', 'is no outcome', {
      file,
      expected,
      received: 'text that is not JSON',
      cause,
    })
  }
}
