import { type FittedStatistic, stretchesOf } from './fitted.ts'
import { requireSameLayout } from './same-layout.ts'
import { allocate, type EegWindows, type WindowParts } from './windows.ts'

/**
 * Several sets of windows as one, in memory, in the order given. Origins stay as they are; each statistic shaped what it shaped before.
 *
 * @param change parts of the whole that do not follow from those of the first set
 * @throws EegTorchError `SHAPE_MISMATCH` for sets that differ in channels, rate or length; `OUT_OF_MEMORY`
 */
export function concatenateWindows(parts: readonly EegWindows[], change: Partial<WindowParts> = {}): EegWindows {
  const first = parts[0]!
  for (const part of parts) requireSameLayout(nameOf(part), part, nameOf(first), first)
  const size = first.nChannels * first.nSamples
  const data = allocate(parts.reduce((sum, part) => sum + part.length * size, 0))
  let at = 0
  for (const part of parts) {
    data.set(part.data, at)
    at += part.length * size
  }
  return first.with({
    data,
    origins: parts.flatMap(({ origins }) => origins),
    simulated: parts.some(({ simulated }) => simulated),
    fitted: joinFitted(parts),
    ...change,
  })
}

const nameOf = ({ recordings }: EegWindows) => recordings[0]?.name ?? 'a set'

/** The statistics of all parts. One that shaped some of them is said to have shaped those alone. */
function joinFitted(parts: readonly EegWindows[]): FittedStatistic[] {
  const carried = new Map<FittedStatistic['from'], Map<string, Carried[]>>()
  for (const windows of parts) {
    for (const statistic of windows.fitted) {
      const named = carried.get(statistic.from) ?? new Map<string, Carried[]>()
      carried.set(statistic.from, named)
      named.set(statistic.name, [...(named.get(statistic.name) ?? []), { statistic, windows }])
    }
  }
  return [...carried.values()].flatMap((named) => [...named.values()].map((own) => joinStatistic(own, parts.length)))
}

/** A statistic of one part. */
interface Carried {
  statistic: FittedStatistic
  windows: EegWindows
}

function joinStatistic(own: readonly Carried[], parts: number): FittedStatistic {
  const { name, from } = own[0]!.statistic
  if (own.length === parts && own.every(({ statistic }) => statistic.shaped === undefined)) return { name, from }
  return { name, from, shaped: own.flatMap(({ statistic, windows }) => statistic.shaped ?? stretchesOf(windows)) }
}
