import { readText } from '../read-text.ts'

/** Rows of a tab-separated table by column; `n/a` and empty cells are left out. */
export function readTsv(file: string): Map<string, string>[] {
  const [head = '', ...lines] = readText(file)
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)
    .filter((line) => line !== '')
  const names = head.split('\t').map((name) => name.trim())
  return lines.map((line) => {
    const cells = line.split('\t')
    const known = names.flatMap((name, i): [string, string][] => {
      const cell = cells[i]?.trim() ?? ''
      return cell === '' || cell.toLowerCase() === 'n/a' ? [] : [[name, cell]]
    })
    return new Map(known)
  })
}
