import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { openCheckpoint } from '../../checkpoints/checkpoint.ts'
import { countElements } from '../../checkpoints/stored-tensor.ts'
import { EegTorchError } from '../../errors.ts'
import { formatBytes } from '../../files/format-bytes.ts'
import { asRegistered } from '../../models/published.ts'
import { openPipelineFolder, type PipelineComponent } from './pipeline-folder.ts'

/** A part of a pipeline at a glance. */
export interface ComponentSummary {
  name: string
  className: string
  library: string
  /** The registry's name, where it is a network that is registered. */
  network?: string
  tensors?: number
  elements?: number
  bytes?: number
  /** Types of its numbers, the most frequent first. */
  dtypes?: string[]
  /** Why it cannot be loaded: what is missing or wrong. */
  problem?: string
}

/** A folder of diffusers at a glance. */
export interface PipelineSummary {
  path: string
  className: string
  components: ComponentSummary[]
}

/** Whether a path is a folder with a `model_index.json`. */
export function isPipelineFolder(path: string): boolean {
  return existsSync(join(path, 'model_index.json'))
}

/** What a folder of diffusers holds; headers are read, weights are not. A part that cannot be loaded is listed with the reason. */
export function inspectPipeline(path: string): PipelineSummary {
  const { className, components } = openPipelineFolder(path)
  return { path, className, components: [...components].map(([name, component]) => summarise(name, component)) }
}

function summarise(name: string, { className, library, path }: PipelineComponent): ComponentSummary {
  const summary = { name, className, library }
  if (!existsSync(path)) return { ...summary, problem: `the folder ${path} is missing` }
  // tokenisers and schedulers have no weights
  if (!existsSync(join(path, 'config.json'))) return summary
  try {
    const stored = openCheckpoint(path)
    const tensors = [...stored.tensors.tensors.values()]
    const size = {
      tensors: tensors.length,
      elements: tensors.reduce((sum, { shape }) => sum + countElements(shape), 0),
      bytes: tensors.reduce((sum, { bytes }) => sum + bytes, 0),
      dtypes: byFrequency(tensors.map(({ dtype, storedType }) => dtype ?? storedType)),
    }
    const { model } = asRegistered(stored).metadata
    return { ...summary, ...(model !== undefined && { network: model }), ...size }
  } catch (error) {
    if (!(error instanceof EegTorchError)) throw error
    return { ...summary, problem: error.message }
  }
}

function byFrequency(names: readonly string[]): string[] {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return [...counts].sort(([, a], [, b]) => b - a).map(([name]) => name)
}

/** The summary as text, as `eegtorch inspect` prints it. */
export function formatPipeline({ path, className, components }: PipelineSummary): string {
  const width = Math.max(...components.map(({ name }) => name.length), 0)
  const lines = components.map((component) => `  ${component.name.padEnd(width)}  ${describe(component)}`)
  const bytes = components.reduce((sum, component) => sum + (component.bytes ?? 0), 0)
  return [`${path}: ${className}, ${components.length} parts, ${formatBytes(bytes)} of weights`, ...lines].join('\n')
}

function describe({ className, network, tensors, elements, bytes, dtypes, problem }: ComponentSummary): string {
  if (problem !== undefined) return `${className}: ${problem}`
  if (tensors === undefined) return className
  const what = network === undefined ? `${className}, not registered here` : `${className}, ${network} here`
  return `${what}, ${tensors} tensors, ${elements!.toLocaleString('en')} numbers, ${formatBytes(bytes!)}, ${dtypes!.join(' and ')}`
}
