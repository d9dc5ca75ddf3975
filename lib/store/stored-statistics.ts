import type { FittedStatistic, Stretch } from '../datasets/fitted.ts'
import type { StoredStatistic } from './store-format.ts'

/** A statistic as a store keeps it: each recording is named once. */
export function encodeStatistic({ name, from, shaped }: FittedStatistic): StoredStatistic {
  const identities = [...new Set([...from, ...(shaped ?? [])].map(({ recording }) => recording))]
  const places = new Map(identities.map((identity, place) => [identity, place]))
  const encode = (stretches: readonly Stretch[]) =>
    stretches.map(({ recording, from: start, to }): [number, number, number] => [places.get(recording)!, start, to])
  return { name, identities, from: encode(from), ...(shaped && { shaped: encode(shaped) }) }
}

export function decodeStatistic({ name, identities, from, shaped }: StoredStatistic): FittedStatistic {
  const decode = (stretches: StoredStatistic['from']) =>
    stretches.map(([place, start, to]): Stretch => ({ recording: identities[place]!, from: start, to }))
  return { name, from: decode(from), ...(shaped && { shaped: decode(shaped) }) }
}
