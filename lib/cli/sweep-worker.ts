import type { SweepJob } from '../experiment/sweep/sweep-jobs.ts'
import { serveJobs } from '../experiment/worker-pool.ts'
import { setNumThreads } from '../runtime.ts'
import type { SweepConfig } from './sweep-config.ts'
import { readSweep, type SweepPlace } from './sweep-plan.ts'

/** What each worker of a sweep is told first. */
export interface SweepGreeting extends SweepPlace {
  config: SweepConfig
}

// A process of `eegtorch sweep`, started by lib/cli/sweep.ts: one thread, one training at a time.
serveJobs(async ({ config, ...place }: SweepGreeting) => {
  await setNumThreads(1)
  const sweep = await readSweep(config, place)
  return (job: SweepJob) => sweep.runJob(job)
})
