import { EegTorchError } from '../errors.ts'
import type { KnownDataset } from './dataset.ts'
import { datasetOf } from './registry.ts'
import { eegmmidbTask } from './sets/eegmmidb-tasks.ts'
import type { Task } from './task.ts'

/**
 * A task of a data set, by default its usual one; without a data set, one of EEGMMIDB. Undefined where nobody named any and the data set has none.
 *
 * @throws EegTorchError `UNKNOWN_NAME`
 */
export function taskOf(task: string | Task | undefined, dataset: string | undefined): Task | undefined {
  if (typeof task === 'object') return task
  const known = dataset === undefined ? undefined : datasetOf(dataset)
  if (known === undefined) return task === undefined ? undefined : eegmmidbTask(task)
  return task === undefined ? known.tasks[0] : namedTask(known, task)
}

/** A task by its name. @throws EegTorchError `UNKNOWN_NAME` */
function namedTask({ card, tasks }: Pick<KnownDataset, 'card' | 'tasks'>, name: string): Task {
  const found = tasks.find((task) => task.name === name)
  if (found !== undefined) return found
  throw new EegTorchError('UNKNOWN_NAME', `${card.name} has no task '${name}'`, {
    option: 'task',
    expected: tasks.map((task) => task.name).join(', ') || 'events, as it names no task',
    received: name,
  })
}
