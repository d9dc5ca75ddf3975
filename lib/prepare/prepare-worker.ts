import { toldNotNumbers } from '../datasets/not-numbers.ts'
import { serveJobs } from '../experiment/worker-pool.ts'
import { settle } from '../preprocessing/join-windows.ts'
import { runSteps } from '../preprocessing/run-steps.ts'
import { Recording } from '../recordings/recording.ts'
import { setNumThreads } from '../runtime.ts'
import { type PreparePlan, workOf } from './prepare-plan.ts'
import { openSource, type RecordingSource } from './recording-source.ts'
import { StoreWriter, type TrialKind } from './store-writer.ts'

/** What a worker is told before its first job. */
export interface PrepareGreeting {
  source: RecordingSource
  plan: PreparePlan
  folder: string
}

/** What a worker answers to the number of a recording. */
export interface PreparedRecording {
  windows: number
  /** What is wrong with their numbers. */
  warning?: string | undefined
}

// A process of prepareStore: one recording at a time, from the file to the store.
serveJobs(async ({ source, plan, folder }: PrepareGreeting) => {
  await setNumThreads(1)
  const recordings = [...(await openSource(source)).recordings]
  const { prepared, trials } = workOf(plan)
  const writer = new StoreWriter(folder, plan.sampleType)
  return async (index: number): Promise<PreparedRecording> => {
    const cut = await runSteps(recordings[index]!, prepared.steps, trials)
    if (cut instanceof Recording) throw new Error('the pipeline cuts no windows')
    const { windows, trials: found } = settle(cut, prepared.hash)
    const kinds = new Map(
      found.map(({ className, event }) => [`${className}\n${event.label}`, [className, event.label]]),
    )
    await writer.write(index, windows, [...kinds.values()] as unknown as TrialKind[])
    return { windows: windows.length, warning: toldNotNumbers(windows) }
  }
})
