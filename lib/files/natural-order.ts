/** Sorts names as people count: numbers in them by value, so that `ses-2` comes before `ses-10`; all else by code unit, whatever the language of the machine. */
export function sortNaturally(names: readonly string[]): string[] {
  return names
    .map((name) => ({ name, parts: name.match(/[0-9]+|[^0-9]/g) ?? [] }))
    .sort((a, b) => compareParts(a.parts, b.parts) || compareText(a.name, b.name))
    .map(({ name }) => name)
}

function compareParts(a: readonly string[], b: readonly string[]): number {
  const n = Math.min(a.length, b.length)
  for (let i = 0; i < n; i++) {
    const order = comparePart(a[i]!, b[i]!)
    if (order !== 0) return order
  }
  return a.length - b.length
}

/** Numbers of any length: the longer one is greater, once zeros in front are gone. */
function comparePart(a: string, b: string): number {
  if (!(isNumber(a) && isNumber(b))) return compareText(a[0]!, b[0]!)
  const [x, y] = [a, b].map((digits) => digits.replace(/^0+/, '')) as [string, string]
  return x.length - y.length || compareText(x, y)
}

const isNumber = (part: string) => part >= '0' && part < ':'
const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
