import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { readSafetensors } from '../checkpoints/safetensors.ts'
import { EegTorchError } from '../errors.ts'
import { parsePythonJson } from '../files/python-json.ts'
import type { NamedTensors } from '../models/model.ts'
import { compareTensors, type TensorComparison, type Tolerance } from './compare.ts'

/** Beside the files of a whole model lies what it should give. */
export const PIPELINE_FILE = 'expected.json'

const description = z.looseObject({
  kind: z.string(),
  tolerance: z.object({ abs: z.number().nonnegative(), rel: z.number().nonnegative() }),
})

/** What `expected.json` says: which model lies there, and what was asked of it. */
export type PipelineCase = z.infer<typeof description>

/** Gives what a folder's model answers to what was asked, by the names of `expected.safetensors`; `given` are those tensors, for random draws. */
export type PipelineRunner = (folder: string, asked: PipelineCase, given: NamedTensors) => Promise<NamedTensors>

/** By the kind of folder. */
const runners: Readonly<Record<string, () => Promise<PipelineRunner>>> = {
  sd15: async () => (await import('./stable-diffusion-cases.ts')).runStableDiffusion,
  'sd15-controlnet': async () => (await import('./stable-diffusion-cases.ts')).runStableDiffusion,
  sd21: async () => (await import('./stable-diffusion-cases.ts')).runStableDiffusion,
  amused: async () => (await import('./amused-cases.ts')).runAmused,
  tinyllama: async () => (await import('./llama-cases.ts')).runTinyLlama,
  clip: async () => (await import('./clip-cases.ts')).runClip,
}

export function isPipelineCase(folder: string): boolean {
  return existsSync(join(folder, PIPELINE_FILE))
}

/**
 * Runs a folder's model and compares all that it should give, step by step.
 *
 * @throws EegTorchError `FILE_INVALID`, `UNKNOWN_NAME` for a kind that cannot be run, and what the model throws
 */
export async function verifyPipeline(folder: string): Promise<{ model: string; tensors: TensorComparison[] }> {
  const asked = readDescription(join(folder, PIPELINE_FILE))
  const expected = await readSafetensors(join(folder, 'expected.safetensors')).loadAll({ copy: true })
  const got = await (await runnerOf(asked.kind))(folder, asked, Object.fromEntries(expected))
  const names = new Set([...expected.keys(), ...Object.keys(got)])
  const tolerance: Tolerance = asked.tolerance
  const tensors = [...names].map((name) => compareTensors(name, got[name], expected.get(name), tolerance))
  for (const tensor of new Set([...expected.values(), ...Object.values(got)])) tensor.dispose()
  return { model: asked.kind, tensors }
}

function readDescription(file: string): PipelineCase {
  const parsed = description.safeParse(parsePythonJson(readFileSync(file, 'utf8')))
  if (parsed.success) return parsed.data
  const { path, message } = parsed.error.issues[0]!
  throw new EegTorchError('FILE_INVALID', `${path.join('.') || 'the case'} is wrong (${message})`, { file })
}

function runnerOf(kind: string): Promise<PipelineRunner> {
  const name = kind.replace(/-narrow$/, '')
  if (Object.hasOwn(runners, name)) return runners[name]!()
  throw new EegTorchError('UNKNOWN_NAME', 'this kind of folder cannot be run', {
    expected: Object.keys(runners).join(', '),
    received: kind,
  })
}
