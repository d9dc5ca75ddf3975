import type { EegWindows, Split } from 'eegtorch'

/** Small Laplacians over the hand areas: an electrode less the mean of its neighbours. */
const LAPLACIANS = [
  ['C3', 'FC3', 'CP3', 'C1', 'C5'],
  ['C4', 'FC4', 'CP4', 'C2', 'C6'],
] as const

/** Log power over both hand areas of each window: what a human expert would look at. */
function features(windows: EegWindows): [number, number][] {
  const places = LAPLACIANS.map((names) => names.map((name) => windows.channelNames.indexOf(name)))
  return Array.from({ length: windows.length }, (_, i) => {
    const data = windows.window(i)
    const power = places.map(([centre, ...others]) => {
      let sum = 0
      for (let k = 0; k < windows.nSamples; k++) {
        const at = (channel: number) => data[channel * windows.nSamples + k]!
        sum += (at(centre!) - others.reduce((total, channel) => total + at(channel), 0) / others.length) ** 2
      }
      return Math.log(sum)
    })
    return [power[0]!, power[1]!]
  })
}

/** Share of test windows that linear discriminant analysis of two classes gets right, over all splits. Windows must be band-passed. */
export function decode(
  windows: EegWindows,
  splits: readonly Split[],
  labels: ArrayLike<number> = windows.labels,
): number {
  const x = features(windows)
  let right = 0
  let total = 0
  for (const { train, test } of splits) {
    const means = [0, 1].map((label) => {
      const members = train.filter((i) => labels[i] === label)
      return [0, 1].map((f) => members.reduce((sum, i) => sum + x[i]![f as 0 | 1], 0) / members.length)
    })
    let [a, b, d] = [0, 0, 0]
    for (const i of train) {
      const [u, v] = [x[i]![0] - means[labels[i]!]![0]!, x[i]![1] - means[labels[i]!]![1]!]
      a += u * u
      b += u * v
      d += v * v
    }
    const [p, q] = [means[1]![0]! - means[0]![0]!, means[1]![1]! - means[0]![1]!]
    const weights = [(d * p - b * q) / (a * d - b * b), (a * q - b * p) / (a * d - b * b)] as const
    const middle = [(means[0]![0]! + means[1]![0]!) / 2, (means[0]![1]! + means[1]![1]!) / 2] as const
    for (const i of test) {
      const score = weights[0] * (x[i]![0] - middle[0]) + weights[1] * (x[i]![1] - middle[1])
      if ((score > 0 ? 1 : 0) === labels[i]) right++
      total++
    }
  }
  return right / total
}
