import { z } from 'zod'
import { EegTorchError } from '../../errors.ts'
import { type LogRecord, readJsonLines } from '../../training/log/json-lines.ts'

const record = z.object({
  /** Counts the pictures of a folder from 1, in the order in which they were asked for. */
  number: z.int().positive(),
  /** What tells the trial from all others: subject, session, run and number. */
  trial: z.string(),
  /** Class of what was seen; absent where nobody knows. */
  true: z.string().optional(),
  /** Class that was read from the EEG. */
  predicted: z.string(),
  /** What the diffusion model was told in words; null where it saw embeddings of the EEG alone. */
  prompt: z.string().nullable(),
  /** What a language model said of the EEG. */
  sentence: z.string().optional(),
  /** The word of the sentence that told the class; absent where none did. */
  keyword: z.string().optional(),
  /** Whether the networks learned from this trial, or were chosen by it; absent where their files do not say. */
  trained: z.boolean().optional(),
  /** How the picture was made, as its pipeline names it. */
  mode: z.string(),
  seed: z.int().nonnegative(),
  /** The picture, in this folder. */
  file: z.string().regex(/^[^/\\]+$/, 'is no name in this folder'),
  width: z.int().positive(),
  height: z.int().positive(),
  /** Stimulus and picture side by side, in this folder. */
  comparison: z
    .string()
    .regex(/^[^/\\]+$/, 'is no name in this folder')
    .optional(),
  /** The stimulus, as the pipeline was given it. */
  stimulus: z.string().optional(),
  /** The picture whose structure a ControlNet was told: what is like it did not come from the EEG. */
  structure: z.string().optional(),
  /** What was measured while generating, by name. */
  scores: z
    .record(z.string(), z.union([z.number(), z.literal(['NaN', 'Infinity', '-Infinity']).transform(Number)]))
    .optional(),
  createdAt: z.string(),
})

/** One line of `generations.jsonl`. */
export type GenerationRecord = z.infer<typeof record>

/** Name of the log in a folder of generated pictures. */
export const GENERATIONS_FILE = 'generations.jsonl'

/** Name of the log of sentences beside it. */
export const SENTENCES_FILE = 'sentences.jsonl'

/** What tells one piece of work from another: the same trial with the same seed is the same picture. */
export function workKey({ trial, seed }: { trial: string; seed: number }): string {
  return JSON.stringify([trial, seed])
}

/** The last line of each piece of work, in the order of their numbers; a half line at the end is left out. */
export function readGenerations(path: string): GenerationRecord[] {
  const latest = new Map<string, GenerationRecord>()
  for (const [i, line] of readJsonLines(path).entries()) {
    const read = parseRecord(line, path, i + 1)
    latest.set(workKey(read), read)
  }
  return [...latest.values()].sort((a, b) => a.number - b.number)
}

function parseRecord(line: LogRecord, file: string, number: number): GenerationRecord {
  const parsed = record.safeParse(line)
  if (parsed.success) return parsed.data
  const { path, message } = parsed.error.issues[0]!
  throw new EegTorchError('FILE_INVALID', `line ${number} is no generation: ${path.join('.')} is wrong (${message})`, {
    file,
  })
}

/** `generated_0007_trueface_predhouse.png`; classes are cut to what every file system takes. */
export function pictureName({
  number,
  true: truth,
  predicted,
}: Pick<GenerationRecord, 'number' | 'true' | 'predicted'>): string {
  return `generated_${nameParts(number, truth, predicted)}.png`
}

/** The picture beside its stimulus: `comparison_0007_trueface_predhouse.png`. */
export function comparisonName({
  number,
  true: truth,
  predicted,
}: Pick<GenerationRecord, 'number' | 'true' | 'predicted'>): string {
  return `comparison_${nameParts(number, truth, predicted)}.png`
}

function nameParts(number: number, truth: string | undefined, predicted: string): string {
  return `${String(number).padStart(4, '0')}_true${slug(truth ?? 'unknown')}_pred${slug(predicted)}`
}

const LONGEST = 40

function slug(words: string): string {
  const kept = words
    .normalize('NFKD')
    .replaceAll(/[^A-Za-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
  return kept.slice(0, LONGEST) || 'unknown'
}
