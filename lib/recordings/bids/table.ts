import { basename } from 'node:path'
import { readText } from '../read-text.ts'

/**
 * Rows of a tab-separated table by column; `n/a` and empty cells are left out.
 *
 * @param warnings takes a sentence where the table looks cut: rows of fewer cells than there are columns, or a last row without its line break
 */
export function readTsv(file: string, warnings?: string[]): Map<string, string>[] {
  const text = readText(file).replace(/^\uFEFF/, '')
  const [head = '', ...lines] = text.split(/\r\n|\n|\r/).filter((line) => line !== '')
  const names = head.split('\t').map((name) => name.trim())
  const rows = lines.map((line) => line.split('\t'))
  const short = rows.filter((cells) => cells.length < names.length).length
  if (short > 0)
    warnings?.push(
      `${basename(file)} has ${short} rows of fewer cells than its ${names.length} columns: it may be cut.`,
    )
  else if (!/[\r\n]$/.test(text))
    warnings?.push(`${basename(file)} ends without a line break: its last row may be cut.`)
  return rows.map((cells) => {
    const known = names.flatMap((name, i): [string, string][] => {
      const cell = cells[i]?.trim() ?? ''
      return cell === '' || cell.toLowerCase() === 'n/a' ? [] : [[name, cell]]
    })
    return new Map(known)
  })
}
