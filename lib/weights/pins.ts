import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import * as z from 'zod'
import { parseJsonObject, readSmallText } from '../checkpoints/json-file.ts'
import { EegTorchError } from '../errors.ts'
import { writeFileAtomically } from '../files/atomic.ts'
import { makeFolder } from '../files/make-folder.ts'
import { cacheFolder } from '../setup/paths.ts'
import type { PublishedCheckpoint, PublishedFile } from './manifest.ts'

const pinsSchema = z.strictObject({
  format: z.literal(1),
  /** Whose files these are: pins of another source say nothing. */
  source: z.string(),
  /** Of a repository: the commit that the files are of. */
  commit: z
    .string()
    .regex(/^[0-9a-f]{40}$/)
    .optional(),
  files: z.record(
    z.string(),
    z.strictObject({ bytes: z.int().nonnegative(), sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  ),
})

/** What a checkpoint's files were when they were pulled: what they are held against where the manifest names no checksum. */
export type Pins = Omit<z.infer<typeof pinsSchema>, 'format' | 'source'>

/** What a file was held against: `host` is what the server said of it while sending it, which proves a whole transfer and no more. */
export type HeldAgainst = 'manifest' | 'earlier pull' | 'host' | 'nothing'

/** Where the pins of a checkpoint are. */
export function pinsFile({ name }: PublishedCheckpoint): string {
  return join(cacheFolder(), 'weights', `${name}.pins.json`)
}

/**
 * What the last pull of a checkpoint found; undefined where there was none.
 *
 * @throws EegTorchError `FILE_INVALID` for a file of pins that is damaged
 */
export function readPins(checkpoint: PublishedCheckpoint): Pins | undefined {
  const file = pinsFile(checkpoint)
  if (!existsSync(file)) return undefined
  const parsed = pinsSchema.safeParse(parseJsonObject(readSmallText(file), file))
  if (parsed.success) return parsed.data.source === sourceOf(checkpoint) ? parsed.data : undefined
  const [issue] = parsed.error.issues
  throw new EegTorchError('FILE_INVALID', `the checksums are damaged at ${issue!.path.join('.')} (${issue!.message})`, {
    file,
    expected: 'what weights pull wrote; without the file, the next pull writes it anew',
  })
}

/** Keeps what a pull found. */
export async function writePins(checkpoint: PublishedCheckpoint, pins: Pins): Promise<void> {
  const file = pinsFile(checkpoint)
  await makeFolder(dirname(file))
  const content = { format: 1, source: sourceOf(checkpoint), ...pins }
  await writeFileAtomically(file, `${JSON.stringify(content, undefined, 2)}\n`)
}

/** Size and checksum that a file must have, and who says so. */
export interface Expectation {
  bytes?: number
  sha256?: string
  by: HeldAgainst
}

/** The manifest's word goes before that of an earlier pull. */
export function expectationOf({ path, bytes, sha256, sha256Prefix }: PublishedFile, pins?: Pins): Expectation {
  const pin = pins?.files[path]
  const size = bytes ?? pin?.bytes
  const sum = sha256 ?? pin?.sha256
  const isPublished = sha256 !== null || sha256Prefix !== undefined
  return {
    ...(size !== undefined && { bytes: size }),
    ...(sum !== undefined && { sha256: sum }),
    by: isPublished ? 'manifest' : pin === undefined ? 'nothing' : 'earlier pull',
  }
}

function sourceOf({ source, files }: PublishedCheckpoint): string {
  if (source.kind === 'huggingface') return source.repository
  return source.kind === 'url' ? files.map(({ url }) => url).join(' ') : source.place
}
