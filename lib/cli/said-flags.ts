import { defined } from '../defined.ts'
import { flagOf } from './option-source.ts'

/**
 * Flags as a person would say them again, for a shell: `--device cuda --window 0.5..1.5`.
 *
 * @param flags as they were parsed: two numbers are a range
 */
export function saidFlags(flags: Readonly<Record<string, unknown>>): string {
  return Object.entries(defined(flags))
    .map(([name, value]) => wordsOf(name, value).map(quoted).join(' '))
    .join(' ')
}

function wordsOf(name: string, value: unknown): string[] {
  const flag = flagOf(name)
  if (value === true) return [flag]
  if (value === false) return [flag.replace('--', '--no-')]
  if (!Array.isArray(value)) return [flag, String(value)]
  return typeof value[0] === 'number' ? [flag, value.join('..')] : [flag, ...value.map(String)]
}

const quoted = (word: string) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)
