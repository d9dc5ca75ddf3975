import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'

/**
 * The least of at most eight measurements, the last of which is below `enough` where any is: other processes on the cores, page faults and collections
 * of garbage spoil one now and then.
 *
 * @param measure gets the number of measurements before
 */
export async function leastOf(enough: number, measure: (before: number) => Promise<number>): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let before = 0; before < 8 && !(least < enough); before++) least = Math.min(least, await measure(before))
  return least
}

/** The longest stall of the event loop as a share of the time that some work takes: near 1 where it is done in one piece. */
export async function stallDuring(work: () => Promise<unknown>): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  await setTimeout(5) // it measures from turn to turn
  const begin = performance.now()
  await work()
  const took = performance.now() - begin
  await setTimeout(5)
  delay.disable()
  return delay.max / 1e6 / took
}
