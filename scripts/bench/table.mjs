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

/** The value that 99 of 100 do not pass (nearest rank). */
export function percentile99(values) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.ceil(0.99 * sorted.length) - 1]
}

/** A Markdown table of one row per action and peer. */
export function formatTable(results) {
  const times = 'ms (min / median / 99th percentile)'
  const head = ['case', 'action', 'peer', `eegtorch ${times}`, `peer ${times}`, 'ratio min', 'ratio median']
  const rows = [[...head, 'ratio of minima', 'share of peak', 'peak MiB, eegtorch', 'peak MiB, peer']]
  for (const result of results) {
    const { name, action, ours, peers } = result
    for (const peer of peers) {
      const { minimum, median: middle, ofMinima } = compare(ours.times, peer.times)
      const ratios = [minimum, middle, ofMinima].map((ratio) => ratio.toFixed(2))
      rows.push([name, action, peer.label, span(ours), span(peer), ...ratios, share(result), mib(ours), mib(peer)])
    }
  }
  return markdown(rows)
}

const summarised = ['inference, batch 1', 'inference, batch', 'training step']

/**
 * A Markdown table of one row per case: the median time of one window, of a batch and of a training step, the medians of the ratios to PyTorch with its
 * defaults and to the best tuned, and the share of peak.
 */
export function formatSummary(results) {
  const columns = ['ms', 'defaults', 'tuned', 'peak']
  const head = ['one window', 'batch', 'step'].flatMap((kind) => columns.map((column) => `${kind}: ${column}`))
  const rows = [['case', 'batch of', ...head]]
  for (const name of new Set(results.map((result) => result.name))) {
    const own = results.filter((result) => result.name === name)
    const sizes = own.map(({ action }) => Number(action.match(/batch (\d+)/)?.[1] ?? 1))
    const found = summarised.map((kind) => own.find(({ action }) => kindOf(action) === kind))
    rows.push([name, String(Math.max(...sizes)), ...found.flatMap(summary)])
  }
  return markdown(rows)
}

function kindOf(action) {
  return summarised.find((kind, i) => (i === 0 ? action === kind : action.startsWith(kind)))
}

function summary(result) {
  if (result === undefined) return ['', '', '', '']
  const { ours, peers } = result
  const ratio = (peer) => compare(ours.times, peer.times).median.toFixed(2)
  return [median(ours.times).toFixed(2), ratio(peers[0]), peers.length > 1 ? ratio(peers.at(-1)) : '', share(result)]
}

/** A Markdown table of how many windows a second inference takes in batches of several sizes, by the median. */
export function formatThroughput(results, batches) {
  const rows = [['case', 'windows a second at batch', ...batches.map(String)]]
  for (const name of new Set(results.map((result) => result.name))) {
    const actions = results.filter((result) => result.name === name)
    const rates = (pick) => actions.map((action, i) => ((1e3 * batches[i]) / median(pick(action).times)).toFixed(0))
    rows.push([name, 'eegtorch', ...rates(({ ours }) => ours)])
    rows.push([name, 'PyTorch, defaults', ...rates(({ peers }) => peers[0])])
    rows.push([name, 'PyTorch, the best tuned', ...rates(({ peers }) => peers.at(-1))])
  }
  return markdown(rows)
}

function markdown([head, ...rows]) {
  const line = (cells) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

/** The percentile only where there are values enough for one. */
function span({ times, all }) {
  const tail = all.length >= 20 ? ` / ${percentile99(all).toFixed(2)}` : ''
  return `${Math.min(...all).toFixed(2)} / ${median(times).toFixed(2)}${tail}`
}

function share({ ours, flops, flopsPerMs }) {
  return flops ? `${((100 * flops) / median(ours.times) / flopsPerMs).toFixed(0)} %` : ''
}

function mib({ peak }) {
  return peak === undefined ? '' : (peak / 1024).toFixed(0)
}
