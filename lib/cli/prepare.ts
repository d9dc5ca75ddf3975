import { existsSync } from 'node:fs'
import { readFile, rename, rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import type { Command } from 'commander'
import { orderClasses } from '../datasets/cut-windows.ts'
import { taskOf } from '../datasets/named-task.ts'
import type { Task } from '../datasets/task.ts'
import { defined } from '../defined.ts'
import { EegTorchError } from '../errors.ts'
import { runInWorkers } from '../experiment/worker-pool.ts'
import { createAtomically, removeDrafts, writeFileAtomically } from '../files/atomic.ts'
import { withLock } from '../files/lock.ts'
import { makeFolder } from '../files/make-folder.ts'
import { isLmdb } from '../lmdb/lmdb-file.ts'
import { StoreWriter, writtenRecordings } from '../prepare/store-writer.ts'
import { removeLock, writeStore } from '../prepare/write-store.ts'
import type { TrialOptions } from '../preprocessing/step.ts'
import { LiveLine } from '../progress/live-line.ts'
import type { Recording } from '../recordings/recording.ts'
import { openStore } from '../store/open-store.ts'
import { isPickledLmdb, openPickledLmdb } from '../store/pickled-lmdb.ts'
import { withDataset } from './config-dataset.ts'
import { checkPrepare, type PrepareConfig, type PreparePlan, planOf, prepareSchema, workOf } from './prepare-config.ts'
import { type AddedStimuli, addStimuli } from './prepare-stimuli.ts'
import type { PreparedRecording, PrepareGreeting } from './prepare-worker.ts'
import { readRecordings } from './read-windows.ts'
import { addFlags } from './shared-flags.ts'
import { readConfigFile } from './train-config.ts'
import { untilInterrupted } from './until-interrupted.ts'

interface Flags extends Record<string, unknown> {
  out: string
  json?: boolean
}

const PLAN_FILE = 'plan.json'

export function describe(command: Command): void {
  addFlags(command, prepareSchema.shape)
    .description(
      'Run a preprocessing pipeline over recordings, and keep the windows in a store that train, evaluate and sweep take as data. ' +
        'Called again after a kill, it repeats nothing that is finished; a store that is there is never overwritten.',
    )
    .argument('[config]', 'YAML file with these options in camelCase; flags win over it')
    .requiredOption('--out <store>', 'folder of the store, which must not be there')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ eegtorch prepare --data eegmmidb/ --task fists-feet --out fists-feet.store
  $ eegtorch prepare study.yaml --out study.store --workers 8 --sample-type int16
  $ eegtorch prepare --data imagery/ --stimuli pictures/ --targets clip-vit-large-patch14/ --diffusion stable-diffusion-v1-5/ --out imagery.store
  $ eegtorch train eegnet --data fists-feet.store --leave-out subject`,
    )
    .action(prepare)
}

async function prepare(file: string | undefined, { out, json = false, ...flags }: Flags): Promise<void> {
  const written = file === undefined ? {} : await readConfigFile(file)
  const config = await checkPrepare(await withDataset({ ...written, ...defined(flags) }), { file, flags })
  if (existsSync(out)) throw existing(out)
  const again = `eegtorch prepare ${file ?? '...'} --out ${relative('.', out) || '.'}`
  const source = pickledSource(config)
  const added =
    source === undefined
      ? await untilInterrupted((signal) => prepareRecordings(config, resolve(out), { signal, json, again }))
      : await importPickled(source, resolve(out), config)
  const { header } = openStore(out)
  const { windows, recordings, classNames, skipped } = header
  if (json) {
    console.log(JSON.stringify({ store: out, windows, recordings: recordings.length, classNames, skipped, ...added }))
    return
  }
  const left = skipped === 0 ? '' : `; ${skipped} trials gave no window`
  console.log(`${out}: ${windows} windows of ${recordings.length} recordings, ${classNames.join(', ')}${left}`)
  if (added !== undefined) console.log(describeAdded(added))
}

function describeAdded({ stimuli, targets }: AddedStimuli): string {
  if (targets === undefined) return `${stimuli} stimuli`
  const { images, texts } = targets.cosines
  return `${stimuli} stimuli and their CLIP targets; mean cosine of two classes ${images.toFixed(3)} for pictures, ${texts.toFixed(3)} for texts (near 1 they hardly tell classes apart)`
}

interface Run {
  signal: AbortSignal
  json: boolean
  again: string
}

async function prepareRecordings(config: PrepareConfig, out: string, run: Run): Promise<AddedStimuli | undefined> {
  const recordings = [...(await readRecordings(config))]
  const plan = await planOf(config, recordings)
  const { prepared } = workOf(plan)
  if (!prepared.cutsWindows) {
    throw new EegTorchError('INVALID_OPTION', 'the pipeline cuts no windows', {
      option: 'pipeline',
      expected: 'a step windows',
    })
  }
  const folder = `${out}.partial`
  await makeFolder(dirname(out))
  // Beside the folder, which changes its name: who waits finds the lock where it was.
  return withLock(`${folder}.lock`, { signal: run.signal }, async () => {
    if (existsSync(out)) throw existing(out)
    await makeFolder(folder)
    await removeDrafts(folder)
    await keepPlan(folder, plan)
    await writeMissing(config, plan, recordings, folder, run)
    await finish(folder, plan, recordings)
    const added = await addStimuli(folder, config)
    await removeLock(folder)
    if (existsSync(out)) throw existing(out)
    await rename(folder, out)
    // Last: without its plan an unfinished store could not be gone on with.
    await rm(join(out, PLAN_FILE))
    return added
  })
}

/** An unfinished store is gone on with if it is of the same pipeline and files. */
async function keepPlan(folder: string, plan: PreparePlan): Promise<void> {
  const [file, data] = [join(folder, PLAN_FILE), join(folder, 'data.mdb')]
  const text = JSON.stringify(plan)
  const isBegun = existsSync(file)
  if (isBegun && (await readFile(file, 'utf8')) === text) return
  // Of which no recording is done, nothing is lost: whoever mistook an option says it anew.
  if (!existsSync(data) || (isBegun && writtenRecordings(folder).size === 0)) {
    await rm(data, { force: true })
    await removeLock(folder)
    return writeFileAtomically(file, text)
  }
  const what = isBegun
    ? 'an unfinished store of another pipeline, of other files or of another version is there'
    : 'an unfinished store is there of which nothing says how it was made'
  throw new EegTorchError('INVALID_OPTION', what, {
    file: folder,
    expected: isBegun ? 'the options that it was begun with, or the folder deleted' : 'the folder deleted',
    received: `the pipeline ${plan.pipeline.hash.slice(0, 8)} over ${plan.recordings.length} recordings`,
  })
}

async function writeMissing(
  config: PrepareConfig,
  plan: PreparePlan,
  recordings: readonly Recording[],
  folder: string,
  { signal, json, again }: Run,
): Promise<void> {
  const done = existsSync(join(folder, 'data.mdb')) ? writtenRecordings(folder) : new Map()
  const jobs = [...recordings.keys()].filter((index) => !done.has(index))
  // One line that changes on a terminal, a line for each recording elsewhere.
  using progress = json ? undefined : new LiveLine({ sparse: 0 })
  const show = (count: number, what: string) =>
    progress?.show((width) => `prepared ${count} of ${recordings.length} recordings  ${what}`.slice(0, width))
  const [failures, warnings]: [string[], string[]] = [[], []]
  show(done.size, '')
  let finished = done.size
  const { dataset, data, read } = config
  const greeting: PrepareGreeting = { source: { dataset, data, read }, plan, folder }
  await runInWorkers(jobs, {
    script: new URL('./prepare-worker.js', import.meta.url),
    size: config.workers ?? availableParallelism(),
    greeting,
    signal,
    onDone: (index, reply) => {
      const { windows, warning } = reply as PreparedRecording
      const { name } = recordings[index]!
      show(++finished, `${name}: ${windows} windows`)
      if (warning !== undefined) warnings.push(`${name}: ${warning}`)
    },
    onFailed: (index, reason) => {
      const { name } = recordings[index]!
      failures.push(reason.includes(name) ? reason : `${name}: ${reason}`)
    },
  })
  progress?.close()
  for (const warning of warnings) console.error(`warning: ${warning}`)
  if (signal.aborted) throw new EegTorchError('CANCELLED', `stopped; go on with: ${again}`)
  if (failures.length === 0) return
  const more = failures.length > 1 ? ` (and ${failures.length - 1} more)` : ''
  const kept = finished > 0 ? `; the others are kept in ${folder}` : ''
  throw new EegTorchError('FILE_INVALID', `recordings cannot be prepared: ${failures[0]}${more}${kept}`)
}

async function finish(folder: string, plan: PreparePlan, recordings: readonly Recording[]): Promise<void> {
  const { order } = workOf(plan)
  const trials = [...writtenRecordings(folder).values()].flatMap(({ kinds }) =>
    kinds.map(([className, label]) => ({ className, event: { onset: 0, duration: 0, sample: 0, label } })),
  )
  const task = order.events === undefined ? firstTask(order.task, recordings) : undefined
  const classNames = orderClasses(trials, task === undefined ? order : { task })
  using writer = new StoreWriter(folder, plan.sampleType as PrepareConfig['sampleType'])
  await writer.finish(recordings.length, { pipeline: plan.pipeline, classNames })
}

/** The task whose classes have an order of their own, as the recordings' data set knows it. */
function firstTask(task: TrialOptions['task'], recordings: readonly Recording[]): Task | undefined {
  for (const { dataset } of recordings) {
    const known = taskOf(task, dataset)
    if (known !== undefined) return known
  }
  return undefined
}

function pickledSource({ dataset, data }: PrepareConfig): string | undefined {
  if (dataset !== undefined) return undefined
  const [path, ...others] = Array.isArray(data) ? data : [data]
  return others.length === 0 && isLmdb(path!) && isPickledLmdb(path!) ? path : undefined
}

async function importPickled(path: string, out: string, config: PrepareConfig): Promise<AddedStimuli | undefined> {
  const { read, sampleType } = config
  const { samplingRate, channelNames } = read ?? {}
  const { windows, split } = openPickledLmdb(path, defined({ samplingRate, channelNames }))
  let added: AddedStimuli | undefined
  await createAtomically(out, async (temporary) => {
    await writeStore(temporary, windows, { sampleType, ...(split && { splits: [split] }) })
    added = await addStimuli(temporary, config)
  })
  return added
}

function existing(path: string): EegTorchError {
  return new EegTorchError('FILE_WRITE_FAILED', 'there is something of this name already, and it is not overwritten', {
    file: path,
    expected: 'a new name',
  })
}
