import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as z from 'zod'
import { EegTorchError } from '../errors.ts'

/** A relative path of plain names. */
const plainPath = z.string().regex(/^(?!\.)[\w.-]+(?:\/(?!\.)[\w.-]+)*$/)

const fileSchema = z.strictObject({
  path: plainPath,
  /** Null where only the server knows. */
  bytes: z.int().positive().nullable(),
  /** Null where it is not public; the hub then tells it with the file. */
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
  /** What the name of a file says of its SHA-256. */
  sha256Prefix: z
    .string()
    .regex(/^[0-9a-f]{8,64}$/)
    .optional(),
  url: z.url({ protocol: /^https$/ }).optional(),
})

/** Branch, tag or commit. */
export const revisionSchema = z.string().regex(/^[\w-][\w.-]*$/)

const sourceSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('huggingface'),
    repository: z.string().regex(/^[\w-][\w.-]*\/[\w-][\w.-]*$/),
    revision: revisionSchema,
  }),
  z.strictObject({ kind: z.literal('url') }),
  z.strictObject({ kind: z.literal('by hand'), place: z.string() }),
])

const checkpointSchema = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9.-]*$/),
    title: z.string(),
    source: sourceSchema,
    licence: z.string(),
    /** Registered networks that it holds weights of. */
    networks: z.array(z.string()),
    layout: z.enum(['diffusers', 'transformers', 'openai', 'torchvision', 'lpips', 'torch']),
    note: z.string().optional(),
    files: z.array(fileSchema).min(1),
  })
  .refine(({ source, files }) => source.kind !== 'url' || files.every(({ url }) => url !== undefined), {
    error: 'every file needs a url',
  })

const manifestSchema = z.strictObject({ format: z.literal(1), checkpoints: z.array(checkpointSchema) })

/** A published checkpoint: where it is, its files and its licence. */
export type PublishedCheckpoint = z.infer<typeof checkpointSchema>
export type PublishedFile = z.infer<typeof fileSchema>

/**
 * A list of published checkpoints as `weights/manifest.json` holds it.
 *
 * @throws EegTorchError `FILE_INVALID` that names the first field at fault
 */
export function parseManifest(text: string, file: string): PublishedCheckpoint[] {
  let data: unknown
  try {
    data = JSON.parse(text)
  } catch (cause) {
    throw new EegTorchError('FILE_INVALID', 'the manifest is not JSON', { file, cause })
  }
  const parsed = manifestSchema.safeParse(data)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new EegTorchError('FILE_INVALID', `the manifest is wrong at ${issue!.path.join('.')} (${issue!.message})`, {
      file,
    })
  }
  return parsed.data.checkpoints
}

/** The checkpoints that eegtorch knows by name. */
export function publishedCheckpoints(): PublishedCheckpoint[] {
  const file = join(dirname(fileURLToPath(import.meta.url)), '../../weights/manifest.json')
  return parseManifest(readFileSync(file, 'utf8'), file)
}

/** @throws EegTorchError `UNKNOWN_NAME` that lists the names there are */
export function publishedCheckpoint(name: string): PublishedCheckpoint {
  const all = publishedCheckpoints()
  const found = all.find((checkpoint) => checkpoint.name === name)
  if (found !== undefined) return found
  const names = all.map((checkpoint) => checkpoint.name)
  throw new EegTorchError('UNKNOWN_NAME', `no published checkpoint is called ${name.slice(0, 100)}`, {
    expected: `one of ${names.join(', ')}`,
  })
}
