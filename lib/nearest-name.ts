/** The known name that a misspelt one is nearest to, or undefined where none is near. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const plain = (text: string) => text.replaceAll(/[-_]/g, '').toLowerCase()
  const [best] = known
    .map((candidate) => ({ candidate, apart: editDistance(plain(name), plain(candidate)) }))
    .sort((a, b) => a.apart - b.apart)
  const near = name.length < 5 ? 1 : Math.max(2, name.length / 4)
  return best !== undefined && best.apart <= near ? best.candidate : undefined
}

/** Letters to put in, take out or change (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    row = next
  }
  return row[b.length]!
}
