/** The middle of the sorted values, or the mean of the two middle ones. */
export function median(values) {
  if (values.length === 0) throw new RangeError('the median of no values is not defined')
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/**
 * Compares two series measured in turn: `ratios` are peer over ours, pair by pair, so above 1 means that ours is faster.
 * Pairs share what else the machine did at that moment, which the series alone do not.
 */
export function compare(ours, peer) {
  if (ours.length !== peer.length) throw new RangeError(`series of ${ours.length} and ${peer.length} do not pair up`)
  const ratios = ours.map((time, i) => peer[i] / time)
  return { minimum: Math.min(...ratios), median: median(ratios), ofMinima: Math.min(...peer) / Math.min(...ours) }
}

/** The variant with the lowest median: the best that a peer can do. */
export function best(variants) {
  return variants.reduce((a, b) => (median(b.times) < median(a.times) ? b : a))
}

/** A Markdown table of one row per action and peer. */
export function formatTable(results) {
  const head = ['case', 'action', 'peer', 'eegtorch ms (min / median)', 'peer ms (min / median)']
  const lines = [[...head, 'ratio min', 'ratio median', 'ratio of minima', 'peak MiB, eegtorch', 'peak MiB, peer']]
  lines.push(lines[0].map(() => '---'))
  for (const { name, action, ours, peers } of results)
    for (const peer of peers) {
      const { minimum, median: middle, ofMinima } = compare(ours.times, peer.times)
      const ratios = [minimum, middle, ofMinima].map((ratio) => ratio.toFixed(2))
      lines.push([name, action, peer.label, span(ours.times), span(peer.times), ...ratios, mib(ours), mib(peer)])
    }
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function span(times) {
  return `${Math.min(...times).toFixed(2)} / ${median(times).toFixed(2)}`
}

function mib({ peak }) {
  return peak === undefined ? '' : (peak / 1024).toFixed(0)
}
