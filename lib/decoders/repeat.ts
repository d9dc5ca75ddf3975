import { setImmediate as nextTurn } from 'node:timers/promises'

/** How long the event loop may wait for a piece of repeated work, in milliseconds. */
const TURN = 20

/**
 * The results of a draw, many times over, with the event loop free in between.
 *
 * @throws the signal's reason once it is aborted
 */
export async function repeat<T>(times: number, draw: () => T | Promise<T>, signal?: AbortSignal): Promise<T[]> {
  const results: T[] = []
  let since = performance.now()
  while (results.length < times) {
    signal?.throwIfAborted()
    results.push(await draw())
    if (performance.now() - since < TURN) continue
    await nextTurn()
    since = performance.now()
  }
  return results
}
