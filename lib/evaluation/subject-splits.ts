import type { EegWindows } from '../datasets/windows.ts'
import { EegTorchError } from '../errors.ts'
import { checkSplit, groupWindows, type Split } from './split.ts'

/** Subjects of each part: names, or numbers and ranges of numbers (`'1-5'`), which mean the number in a subject's name: 3 is A03, S003 and sub-03. */
export interface SubjectParts {
  train: readonly string[]
  validation?: readonly string[] | undefined
  test: readonly string[]
}

/** Splits by subject that documents and papers use for public data sets. */
export const SUBJECT_PRESETS = {
  /** BCI Competition IV 2a, as CBraMod and CSBrain split it. */
  'bcic-iv-2a': { train: ['1-5'], validation: ['6-7'], test: ['8-9'] },
  /** Visual Imagery, 22 subjects. */
  'visual-imagery': { train: ['1-16'], validation: ['17-19'], test: ['20-22'] },
} as const satisfies Record<string, SubjectParts>

/** A name of {@link SUBJECT_PRESETS}. */
export type SubjectPreset = keyof typeof SUBJECT_PRESETS

/**
 * The split that has certain subjects in each part; others are in none.
 *
 * @throws EegTorchError `INVALID_OPTION` for a subject in two parts, or a name, number or range that is that of no subject of the recordings; of a range some may
 *   be absent
 */
export function subjectSplit(windows: EegWindows, parts: SubjectParts, name = subjectsText(parts)): Split {
  const groups = groupWindows(windows, 'subject')
  for (const part of ['train', 'validation', 'test'] as const) {
    const unknown = parts[part]?.filter((one) => !groups.some((group) => isAmong(group.name, [one])))
    if (unknown === undefined || (unknown.length === 0 && parts[part]!.length > 0)) continue
    throw refuse(part, `some of ${groups.map((group) => group.name).join(', ')}`, unknown.join(', ') || 'none')
  }
  const split: { train: number[]; validation?: number[]; test: number[] } = { train: [], test: [] }
  if (parts.validation !== undefined) split.validation = []
  for (const { name: subject, indices } of groups) {
    const homes = (['train', 'validation', 'test'] as const).filter((part) => isAmong(subject, parts[part] ?? []))
    if (homes.length > 1) throw refuse(homes[1]!, 'each subject in one part', `${subject} in ${homes.join(' and ')}`)
    for (const part of homes) split[part] = split[part]!.concat(indices)
  }
  return checkSplit(windows, { name, ...split })
}

/** `trained on subjects 1-5, chosen by 6-7, tested on 8-9`. */
export function subjectsText({ train, validation, test }: SubjectParts): string {
  const chosen = validation === undefined ? '' : `, chosen by ${validation.join(', ')}`
  return `trained on subjects ${train.join(', ')}${chosen}, tested on ${test.join(', ')}`
}

function isAmong(subject: string, wanted: readonly string[]): boolean {
  const number = Number(/[0-9]+/.exec(subject)?.[0])
  return wanted.some((one) => {
    const [, from, to = from] = /^([0-9]+)(?:-([0-9]+))?$/.exec(one) ?? []
    return one === subject || (from !== undefined && number >= Number(from) && number <= Number(to))
  })
}

function refuse(option: string, expected: string, received: string): EegTorchError {
  return new EegTorchError('INVALID_OPTION', 'the subjects cannot be split like this', { option, expected, received })
}
