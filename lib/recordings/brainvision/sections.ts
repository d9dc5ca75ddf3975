import { basename } from 'node:path'
import { EegTorchError } from '../../errors.ts'
import type { FileOptions } from '../file-options.ts'
import { invalid } from '../invalid.ts'
import { decodeText, readWhole } from '../read-text.ts'

/** Values by key, by section, as they stand; sections and keys in lower case. What follows `[Comment]` is left out. */
export type Sections = ReadonlyMap<string, ReadonlyMap<string, string>>

/** What the last entry of a cut file must hold to be kept: all that is read of it, up to the comma behind it where a number could go on. */
const COMPLETE: Readonly<Record<string, RegExp>> = {
  'channel infos': /^([^,]*,){3}[^,]/,
  'marker infos': /^([^,]*,){4}/,
}

/**
 * Reads a header or marker file, in the code page that it names.
 *
 * @param truncated whether a last entry without its line break is refused or, with a warning, kept where it is complete and else left out
 * @throws EegTorchError `FILE_INVALID` for what is none, `FILE_TRUNCATED`
 */
export function readSections(
  file: string,
  kind: 'Header' | 'Marker',
  truncated: FileOptions['truncated'],
  warnings: string[],
): Sections {
  const text = decode(readWhole(file))
  if (!new RegExp(`^\\s*Brain ?Vision( Core| V-Amp)? Data( Exchange)? ${kind} File,? Version [12]\\.0`).test(text)) {
    throw invalid(
      file,
      `this is not a BrainVision ${kind.toLowerCase()} file`,
      `a first line 'Brain Vision Data Exchange ${kind} File Version 1.0' or 2.0`,
      JSON.stringify(text.slice(0, 60)),
    )
  }
  // Half a line would be a wrong number: `0.1` becomes `0.` or `0`.
  const entry = /\n((Ch|Mk)\d+)=([^\r\n]*)$/i.exec(text)
  if (entry === null) return parse(text)
  if (truncated === 'error') {
    throw new EegTorchError('FILE_TRUNCATED', 'the file ends in the middle of an entry', {
      file,
      expected: 'a line break at its end',
      received: JSON.stringify(entry[0].slice(1, 61)),
    })
  }
  const section = [...text.matchAll(/^\[(.*)\]\s*$/gm)].at(-1)?.[1]?.toLowerCase() ?? ''
  const isComplete = COMPLETE[section]?.test(entry[3]!) ?? false
  const done = isComplete ? 'has all its fields and was kept' : 'is cut and was left out'
  warnings.push(`${basename(file)} ends without a line break: its last entry, ${entry[1]}, ${done}.`)
  return parse(isComplete ? text : text.slice(0, entry.index + 1))
}

function parse(text: string): Sections {
  const sections = new Map<string, Map<string, string>>()
  let current: Map<string, string> | undefined
  for (const line of text.split(/\r\n|\n|\r/)) {
    const name = /^\[(.*)\]\s*$/.exec(line)?.[1]?.toLowerCase()
    if (name === 'comment') break
    if (name !== undefined) {
      current = sections.get(name) ?? new Map()
      sections.set(name, current)
      continue
    }
    const entry = /^([^;=][^=]*)=(.*)$/.exec(line)
    if (entry !== null) current?.set(entry[1]!.trim().toLowerCase(), entry[2]!.trim())
  }
  return sections
}

/** In the code page of the file: `ANSI` is Windows-1252; UTF-8 that is none is Latin-1, as old recorders wrote it. */
function decode(bytes: Buffer): string {
  const named = /^Codepage=(.+?)\s*$/im.exec(bytes.toString('latin1'))?.[1]
  if (named === undefined || /^utf-?8$/i.test(named)) return decodeText(bytes)
  try {
    return new TextDecoder(/^ansi$/i.test(named) ? 'windows-1252' : named).decode(bytes)
  } catch {
    return bytes.toString('latin1')
  }
}

/** Commas inside a field are written `\1`. */
export const fieldsOf = (value: string): string[] => value.split(',').map((field) => field.replaceAll('\\1', ','))
