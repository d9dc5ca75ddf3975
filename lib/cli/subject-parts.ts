import { z } from 'zod'
import type { EegWindows } from '../datasets/windows.ts'
import { EegTorchError } from '../errors.ts'
import { proveSplit } from '../evaluation/leaks.ts'
import { rememberAll, type SeenTrials } from '../evaluation/seen-trials.ts'
import { requireFinite } from '../experiment/finite-windows.ts'

/** What is trained on, what epochs are chosen by, and what is read once, at the end. */
export type Parts<T> = { train: T; validation?: T | undefined; test?: T | undefined }

const subjects = z.array(z.string()).min(1).optional()

/** Whose trials are in which part, as configurations say it. */
export const subjectFields = {
  trainSubjects: subjects.describe('<names> default: all that are in no other part'),
  validationSubjects: subjects.describe('<names> read after each epoch'),
  testSubjects: subjects.describe('<names> read once, at the end'),
}

type SubjectParts = Partial<Record<keyof typeof subjectFields, string[] | undefined>>

/** Whether no subject is in two parts, as `refine` asks. */
export function areDisjoint({ trainSubjects = [], validationSubjects = [], testSubjects = [] }: SubjectParts): boolean {
  const all = [...trainSubjects, ...validationSubjects, ...testSubjects]
  return new Set(all).size === all.length
}

export const DISJOINT = 'no subject may be in two parts'

/**
 * Trials of the subjects that are named; all that are in no other part are trained on by default. No part may have seen another.
 *
 * @throws EegTorchError `INVALID_OPTION` for a name that is no subject's, or a part without windows, `FILE_INVALID` for samples that are no numbers, `SPLIT_LEAKS`
 */
export async function splitBySubject(
  windows: EegWindows,
  config: SubjectParts & { data: string },
): Promise<Parts<EegWindows>> {
  await requireFinite(windows, { file: config.data })
  const { trainSubjects = [], validationSubjects = [], testSubjects = [] } = config
  const others = new Set([...validationSubjects, ...testSubjects])
  const subjects = new Set([...windows.labels.keys()].map((i) => windows.subject(i) ?? ''))
  const choose = (wanted: (subject: string) => boolean, option: keyof SubjectParts) => {
    const rows = [...windows.labels.keys()].filter((i) => wanted(windows.subject(i) ?? ''))
    // A name misspelt would leave its subject in the training part.
    const unknown = (config[option] ?? []).filter((name) => !subjects.has(name))
    if (rows.length > 0 && unknown.length === 0) return rows
    throw new EegTorchError('INVALID_OPTION', 'no window is of these subjects', {
      ...{ option, file: config.data },
      expected: `some of ${[...subjects].map((name) => name || 'nobody named').join(', ')}`,
      received: unknown.join(', ') || 'all of them in other parts',
    })
  }
  const named = (names: readonly string[], option: keyof SubjectParts) =>
    names.length === 0 ? undefined : choose((subject) => names.includes(subject), option)
  const train = named(trainSubjects, 'trainSubjects') ?? choose((subject) => !others.has(subject), 'trainSubjects')
  const validation = named(validationSubjects, 'validationSubjects')
  const test = named(testSubjects, 'testSubjects')
  const last = test ?? validation
  if (last !== undefined)
    proveSplit(windows, { name: config.data, train, test: last, ...(test && validation && { validation }) })
  return {
    train: windows.subset(train),
    validation: validation && windows.subset(validation),
    test: test && windows.subset(test),
  }
}

/** The trials that shape what is learned: by training, and by choosing epochs. */
export function trialsSeen({ train, validation }: Parts<EegWindows>): Promise<Required<SeenTrials>> {
  return validation === undefined ? rememberAll(train) : rememberAll(train, validation)
}
