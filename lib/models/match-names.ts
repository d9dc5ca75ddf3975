/** Which of a network's tensors the names in a file stand for. */
export interface NameMatch {
  /** Names in the file, to names in the network. */
  readonly names: ReadonlyMap<string, string>
  /** Names of the network that no name in the file stands for. */
  readonly missing: readonly string[]
  /** Names in the file that stand for nothing. */
  readonly extra: readonly string[]
}

/** How deep a network may lie within the one that was saved: `model.encoder.conv.weight` is two. */
const MAX_PREFIX_PARTS = 3

/**
 * Matches the names of a file with a network's: as they are, in the spelling of an older release or of another project, or under a prefix that
 * at least half of them share, as those of a Lightning module.
 *
 * @param own names of the network's tensors
 * @param older other spellings, to names of the network
 * @param stored names in the file
 */
export function matchNames(
  own: readonly string[],
  older: Readonly<Record<string, string>>,
  stored: readonly string[],
): NameMatch {
  const wanted = new Set(own)
  const matches = prefixesOf(stored).map((prefix) => matchUnder(prefix, wanted, older, stored))
  return matches.reduce((best, match) => (match.names.size > best.names.size ? match : best))
}

function matchUnder(
  prefix: string,
  wanted: ReadonlySet<string>,
  older: Readonly<Record<string, string>>,
  stored: readonly string[],
): NameMatch {
  const names = new Map<string, string>()
  const taken = new Set<string>()
  const take = (name: string, target: string | undefined) => {
    if (target === undefined || !wanted.has(target) || taken.has(target) || names.has(name)) return
    names.set(name, target)
    taken.add(target)
  }
  const inside = stored.filter((name) => name.startsWith(prefix))
  // today's names first: an older one beside them is extra
  for (const name of inside) take(name, name.slice(prefix.length))
  for (const name of inside) {
    const bare = name.slice(prefix.length)
    if (Object.hasOwn(older, bare)) take(name, older[bare])
  }
  return {
    names,
    missing: [...wanted].filter((name) => !taken.has(name)),
    extra: stored.filter((name) => !names.has(name)),
  }
}

/** No prefix, and those of at least this share of the names, shortest first. */
export function prefixesOf(stored: readonly string[], share = 0.5): string[] {
  const counts = new Map<string, number>()
  for (const name of stored) {
    let end = -1
    for (let part = 0; part < MAX_PREFIX_PARTS; part++) {
      end = name.indexOf('.', end + 1)
      if (end < 0) break
      const prefix = name.slice(0, end + 1)
      counts.set(prefix, (counts.get(prefix) ?? 0) + 1)
    }
  }
  const shared = [...counts].filter(([, count]) => count >= share * stored.length).map(([prefix]) => prefix)
  return ['', ...shared.sort((a, b) => a.length - b.length)]
}
