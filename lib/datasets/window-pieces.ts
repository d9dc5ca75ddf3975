import { setImmediate as nextTurn } from 'node:timers/promises'
import type { EegWindows } from './windows.ts'

/** Samples that are worked on in one turn of the event loop. */
const PIECE = 1 << 18

/** Some windows in memory, in the order given. Those of a store are read while the event loop goes on. */
export async function loadWindows(
  windows: EegWindows,
  indices: ArrayLike<number> = windows.labels.map((_, i) => i),
): Promise<EegWindows> {
  const data = await windows.source?.load?.(indices)
  const some = windows.subset(indices)
  return some.source === undefined ? some : some.with({ data: data ?? some.data })
}

/**
 * Some windows piece by piece, each in memory: what looks at windows one by one needs no more of them at a time, and the event loop goes on between
 * two pieces.
 */
export async function* piecesOf(
  windows: EegWindows,
  indices: ArrayLike<number> = windows.labels.map((_, i) => i),
): AsyncGenerator<EegWindows> {
  const most = Math.max(1, Math.floor(PIECE / (windows.nChannels * windows.nSamples)))
  const list = Array.from(indices)
  for (let at = 0; at < list.length; at += most) {
    yield await loadWindows(windows, list.slice(at, at + most))
    await nextTurn()
  }
}
