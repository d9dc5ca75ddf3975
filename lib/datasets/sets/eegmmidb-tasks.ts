import { EegTorchError } from '../../errors.ts'
import type { Recording } from '../../recordings/recording.ts'
import type { Task } from '../task.ts'

/** What subjects did: moved, imagined to move, or either. */
export type MovementMode = 'imagery' | 'execution' | 'both'

/*
 * PhysioNet EEG Motor Movement/Imagery (Schalk et al. 2004): runs 1 and 2 are rest with eyes open and closed; from run 3 on, runs
 * repeat a cycle of four, in which odd runs are executed and even ones imagined. T1 and T2 mean fists in the first two runs
 * of the cycle, and both fists or both feet in the other two.
 */
const FIRST_TASK_RUN = 3
const LAST_RUN = 14
const PAIRS = {
  'left-right': ['left fist', 'right fist'],
  'fists-feet': ['both fists', 'both feet'],
} as const

/** Names of tasks for {@link eegmmidbTask}; each may end in `-imagery` or `-execution`. */
const EEGMMIDB_TASKS = Object.keys(PAIRS) as (keyof typeof PAIRS)[]

/** What subjects of EEGMMIDB did in a run; undefined for the rest runs 1 and 2 and for numbers that are no run. */
function eegmmidbRun(run: number): { pair: keyof typeof PAIRS; mode: 'imagery' | 'execution' } | undefined {
  if (!(Number.isInteger(run) && run >= FIRST_TASK_RUN && run <= LAST_RUN)) return undefined
  const place = (run - FIRST_TASK_RUN) % 4
  return { pair: place < 2 ? 'left-right' : 'fists-feet', mode: place % 2 === 0 ? 'execution' : 'imagery' }
}

/** What a label of EEGMMIDB stands for in a run: T1 in run 6 is `both fists`, T0 is always `rest`. */
function eegmmidbMeaning(label: string, run: number): string | undefined {
  if (label === 'T0') return run >= 1 && run <= LAST_RUN ? 'rest' : undefined
  const task = eegmmidbRun(run)
  if (task === undefined) return undefined
  return label === 'T1' ? PAIRS[task.pair][0] : label === 'T2' ? PAIRS[task.pair][1] : undefined
}

/** Gives the events of an EEGMMIDB recording their meanings; any other recording comes back as it was. */
export function withEegmmidbMeanings(recording: Recording): Recording {
  const run = Number(recording.run)
  const known = recording.events.length > 0 && recording.events.every(({ label }) => /^T[012]$/.test(label))
  if (!known || !/^S\d{3}$/.test(recording.subject ?? '') || !(run >= 1 && run <= LAST_RUN)) return recording
  return recording.withEvents(
    recording.events.map((event) => {
      const meaning = eegmmidbMeaning(event.label, run)
      return meaning === undefined ? event : { ...event, meaning }
    }),
  )
}

/**
 * A task of EEGMMIDB: `left-right` (fists) or `fists-feet`, of both modes unless the name ends in `-imagery` or `-execution`.
 * Runs of the other kind contribute no trials.
 *
 * @throws EegTorchError `UNKNOWN_NAME` for any other name
 */
export function eegmmidbTask(name: string, mode?: MovementMode): Task {
  const [, base, suffix] = /^(.*?)(?:-(imagery|execution|both))?$/.exec(name)!
  const pair = PAIRS[base as keyof typeof PAIRS]
  if (pair === undefined) {
    throw new EegTorchError('UNKNOWN_NAME', `there is no task '${name}'`, {
      option: 'task',
      expected: `${EEGMMIDB_TASKS.join(' or ')}, with or without -imagery or -execution`,
      received: name,
    })
  }
  const wanted = mode ?? (suffix as MovementMode | undefined) ?? 'both'
  return {
    name: wanted === 'both' ? base! : `${base}-${wanted}`,
    classNames: pair,
    label(event, recording) {
      const run = eegmmidbRun(Number(recording.run))
      if (run?.pair !== base || (wanted !== 'both' && run?.mode !== wanted)) return undefined
      return event.label === 'T1' ? pair[0] : event.label === 'T2' ? pair[1] : undefined
    },
  }
}
