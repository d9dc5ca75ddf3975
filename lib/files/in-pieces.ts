import { setImmediate } from 'node:timers/promises'

/** Work that can stop where it yields and go on later. */
export type Pieces<T> = Generator<void, T, void>

/** How long the event loop may wait for such work, in milliseconds. */
const TURN = 4

/** What the work comes to, with the event loop free in between. */
export async function inPieces<T>(work: Pieces<T>): Promise<T> {
  for (let since = performance.now(); ; ) {
    const { done, value } = work.next()
    if (done) return value
    if (performance.now() - since < TURN) continue
    await setImmediate()
    since = performance.now()
  }
}

/** What the work comes to, at once. */
export function atOnce<T>(work: Pieces<T>): T {
  for (;;) {
    const { done, value } = work.next()
    if (done) return value
  }
}
