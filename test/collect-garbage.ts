import { setTimeout } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Has V8 collect until `done` says so, with turns of the event loop for the finalisers; where nothing ever brings it about, the test's limit ends it. */
export async function collectGarbageUntil(done: () => boolean): Promise<void> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  do {
    await setTimeout(10) // what was asked of a WeakRef, or just made, is kept for the rest of the turn
    collect()
  } while (!done())
}
