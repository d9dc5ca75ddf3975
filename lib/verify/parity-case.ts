import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { z } from 'zod'
import { EegTorchError } from '../errors.ts'
import { findFiles } from '../files/find-files.ts'
import { parsePythonJson } from '../files/python-json.ts'
import { PIPELINE_FILE } from './pipeline-cases.ts'

const description = z.object({
  model: z.string(),
  config: z.record(z.string(), z.unknown()),
  mode: z.enum(['eval', 'train']),
  seed: z.number(),
  inputs: z.array(z.string()),
  outputs: z.array(z.string()),
  tolerance: z.object({ abs: z.number().nonnegative(), rel: z.number().nonnegative() }),
  reference: z.object({ package: z.string(), version: z.string(), class: z.string() }),
})

/** What `case.json` of a parity case says; `test/oracle/CASE_FORMAT.md` describes the folder. */
export type ParityCase = z.infer<typeof description>

const CASE_FILE = 'case.json'

/**
 * Reads the description of a parity case.
 *
 * @throws EegTorchError `FILE_NOT_FOUND`, `FILE_INVALID` naming the member that is wrong
 */
export function readParityCase(folder: string): ParityCase {
  const file = join(folder, CASE_FILE)
  const parsed = description.safeParse(readJson(file))
  if (parsed.success) return parsed.data
  const { path, message } = parsed.error.issues[0]!
  throw new EegTorchError('FILE_INVALID', `${path.join('.') || 'the case'} is wrong (${message})`, { file })
}

function readJson(file: string): unknown {
  if (!existsSync(file)) throw new EegTorchError('FILE_NOT_FOUND', 'this folder is not a parity case', { file })
  try {
    return parsePythonJson(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw new EegTorchError('FILE_INVALID', 'not JSON', { file, cause })
  }
}

/**
 * The parity cases among paths, of single networks and of whole pipelines: each is the folder of a case, or a folder that holds some at any depth.
 *
 * @throws EegTorchError `FILE_NOT_FOUND` for a path without any
 */
export async function findParityCases(paths: readonly string[]): Promise<string[]> {
  const found = await Promise.all(paths.map(casesUnder))
  return [...new Set(found.flat())]
}

async function casesUnder(path: string): Promise<string[]> {
  const names = [CASE_FILE, PIPELINE_FILE]
  const files = await findFiles(path, names)
  const folders = files
    .filter((file) => names.includes(basename(file)) && existsSync(file))
    .map((file) => dirname(file))
  if (folders.length > 0) return folders
  throw new EegTorchError('FILE_NOT_FOUND', 'no parity case is there', {
    file: path,
    expected: `a ${CASE_FILE}, or a ${PIPELINE_FILE} beside a model`,
  })
}
