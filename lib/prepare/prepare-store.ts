import { existsSync } from 'node:fs'
import { readFile, rename, rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { orderClasses } from '../datasets/cut-windows.ts'
import { taskOf } from '../datasets/named-task.ts'
import type { Recordings } from '../datasets/recordings.ts'
import type { Task } from '../datasets/task.ts'
import { defined } from '../defined.ts'
import { EegTorchError } from '../errors.ts'
import { runInWorkers } from '../experiment/worker-pool.ts'
import { removeDrafts, requireNew, writeFileAtomically } from '../files/atomic.ts'
import { withLock } from '../files/lock.ts'
import { makeFolder } from '../files/make-folder.ts'
import type { Pipeline } from '../preprocessing/pipeline.ts'
import type { TrialOptions } from '../preprocessing/step.ts'
import type { Recording } from '../recordings/recording.ts'
import { packageRoot } from '../setup/paths.ts'
import type { SampleType } from '../store/samples.ts'
import { type PreparePlan, planOf, workOf } from './prepare-plan.ts'
import type { PreparedRecording, PrepareGreeting } from './prepare-worker.ts'
import { openSource, type RecordingSource } from './recording-source.ts'
import { StoreWriter, writtenRecordings } from './store-writer.ts'
import { removeLock } from './write-store.ts'

/** How to make a store of recordings. */
export interface PrepareStoreOptions extends TrialOptions {
  /** What is done to each recording; steps that learn are left for training. Or what tells it from the recordings. */
  pipeline: Pipeline | ((recordings: Recordings) => Pipeline)
  /** Default `float32`; `float16` and `int16` take half the room: see docs/stores.md. */
  sampleType?: SampleType
  /** Processes at a time, one thread each; default as many as there are cores. */
  workers?: number | undefined
  /** Stops; the next call goes on. */
  signal?: AbortSignal | undefined
  /** After each recording, and at the start. */
  onProgress?: (progress: PrepareProgress) => void
  /** What readers assumed, and windows with values that are no numbers; default: warnings of the process. */
  onWarning?: (sentence: string) => void
  /** @internal Adds to the store before it appears under its name. */
  complete?: (folder: string) => Promise<void>
}

/** How far a store is. */
export interface PrepareProgress {
  /** Recordings, those of earlier calls too. */
  done: number
  recordings: number
  /** The recording that is done, and its windows. */
  last?: { name: string; windows: number }
}

const PLAN_FILE = 'plan.json'
/** Processes run built files, whatever called them. */
const WORKER = pathToFileURL(join(packageRoot, 'dist', 'prepare', 'prepare-worker.js'))

/**
 * Runs the steps of a pipeline that learn nothing over recordings, several at a time in processes of their own, and writes the windows to a new store.
 * Until it is whole it lies in `PATH.partial`; called again after a stop or a kill, with the same options and files, it goes on there.
 *
 * @param path the folder to make; nothing that is there is overwritten
 * @throws EegTorchError `INVALID_OPTION` for a pipeline that cuts no windows, or an unfinished store of another plan; `FILE_INVALID` naming recordings that
 *   cannot be prepared, the others are kept; `FILE_WRITE_FAILED`, `CANCELLED`, and what readers throw
 */
export async function prepareStore(path: string, source: RecordingSource, options: PrepareStoreOptions): Promise<void> {
  const out = resolve(path)
  requireNew(out)
  const {
    signal,
    onWarning = (sentence: string) => process.emitWarning(sentence),
    sampleType = 'float32',
    events,
    task,
  } = options
  const { recordings, warnings } = await openSource(source)
  for (const sentence of warnings) onWarning(sentence)
  const pipeline = typeof options.pipeline === 'function' ? options.pipeline(recordings) : options.pipeline
  const plan = await planOf(source, recordings, { pipeline, sampleType, trials: defined({ events, task }) })
  requireWindows(plan)
  const folder = `${out}.partial`
  await makeFolder(dirname(out))
  // Beside the folder, which changes its name: who waits finds the lock where it was.
  await withLock(`${folder}.lock`, defined({ signal }), async () => {
    requireNew(out)
    await makeFolder(folder)
    await removeDrafts(folder)
    await keepPlan(folder, plan)
    await writeMissing({ source, plan, folder }, [...recordings], { ...options, onWarning })
    await finish(folder, plan, [...recordings])
    await options.complete?.(folder)
    await removeLock(folder)
    requireNew(out)
    await rename(folder, out)
    // Last: without its plan an unfinished store could not be gone on with.
    await rm(join(out, PLAN_FILE))
  })
}

function requireWindows(plan: PreparePlan): void {
  if (workOf(plan).prepared.cutsWindows) return
  throw new EegTorchError('INVALID_OPTION', 'the pipeline cuts no windows', {
    option: 'pipeline',
    expected: 'a step windows',
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
  greeting: PrepareGreeting,
  recordings: readonly Recording[],
  { workers = availableParallelism(), signal, onProgress, onWarning }: PrepareStoreOptions,
): Promise<void> {
  const { folder } = greeting
  const before = existsSync(join(folder, 'data.mdb')) ? writtenRecordings(folder) : new Map()
  const jobs = [...recordings.keys()].filter((index) => !before.has(index))
  const failures: string[] = []
  let done = before.size
  onProgress?.({ done, recordings: recordings.length })
  await runInWorkers(jobs, {
    script: WORKER,
    size: workers,
    greeting,
    ...defined({ signal }),
    onDone: (index, reply) => {
      const { windows, warning } = reply as PreparedRecording
      const { name } = recordings[index]!
      onProgress?.({ done: ++done, recordings: recordings.length, last: { name, windows } })
      if (warning !== undefined) onWarning?.(`${name}: ${warning}`)
    },
    onFailed: (index, reason) => {
      const { name } = recordings[index]!
      failures.push(reason.includes(name) ? reason : `${name}: ${reason}`)
    },
  })
  if (signal?.aborted) {
    const cause = signal.reason as unknown
    throw new EegTorchError('CANCELLED', `stopped after ${done} of ${recordings.length} recordings`, { cause })
  }
  if (failures.length === 0) return
  const more = failures.length > 1 ? ` (and ${failures.length - 1} more)` : ''
  const kept = done > 0 ? `; the others are kept in ${folder}` : ''
  throw new EegTorchError('FILE_INVALID', `recordings cannot be prepared: ${failures[0]}${more}${kept}`)
}

async function finish(folder: string, plan: PreparePlan, recordings: readonly Recording[]): Promise<void> {
  const { order } = workOf(plan)
  const trials = [...writtenRecordings(folder).values()].flatMap(({ kinds }) =>
    kinds.map(([className, label]) => ({ className, event: { onset: 0, duration: 0, sample: 0, label } })),
  )
  const task = order.events === undefined ? firstTask(order.task, recordings) : undefined
  const classNames = orderClasses(trials, task === undefined ? order : { task })
  using writer = new StoreWriter(folder, plan.sampleType)
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
