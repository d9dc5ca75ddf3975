import { createHash } from 'node:crypto'
import { z } from 'zod'
import { EegTorchError } from '../errors.ts'
import { parseYaml } from '../files/yaml.ts'
import { isObject } from '../is-object.ts'
import type { AnyStep } from './step.ts'
import { type StepName, type StepSource, steps } from './steps/index.ts'

/** What the meaning of steps is counted by: it is part of the hash. */
const VERSION = 1
const LONGEST = 100

/** A pipeline as a person writes it. */
export interface PipelineSource {
  /** For people; two pipelines that differ by name alone are equal. */
  readonly name?: string
  readonly version?: number
  readonly steps: readonly StepSource[]
}

/** A step with every option spelled out. */
export interface Step {
  readonly name: StepName
  readonly options: Readonly<Record<string, unknown>>
}

/** What a schema makes of {@link PipelineSource}. */
export interface CheckedPipeline {
  readonly name: string | undefined
  readonly steps: readonly Step[]
}

/** How a step does its work; options are those of the step. */
export const workOf = ({ name }: Step): AnyStep => steps[name]

/** Whether a step learns from training windows. */
export const learns = (step: Step): boolean => workOf(step).learn?.when(step.options) ?? false

/**
 * Checks a pipeline and spells out every option.
 *
 * @throws EegTorchError `INVALID_OPTION` naming the step and the option, `FILE_INVALID` for a text that is no YAML
 */
export function checkPipeline(source: string | PipelineSource | readonly StepSource[], file?: string): CheckedPipeline {
  const value: unknown = typeof source === 'string' ? parseYaml(source, 'pipeline', file) : source
  const {
    name,
    version = VERSION,
    steps: list,
    ...rest
  } = Array.isArray(value) ? { steps: value } : asObject(value, file)
  const unknown = Object.keys(rest)[0]
  if (unknown !== undefined) throw refuse(`option ${unknown} is not known`, 'name, version and steps', unknown, file)
  if (version !== VERSION) throw refuse('the version of the pipeline is not known', `${VERSION}`, `${version}`, file)
  if (name !== undefined && typeof name !== 'string') throw refuse('the name is no text', 'a text', typeof name, file)
  if (!Array.isArray(list) || list.length > LONGEST) {
    throw refuse(
      'a pipeline needs steps',
      `a list of at most ${LONGEST}`,
      Array.isArray(list) ? `${list.length}` : typeof list,
      file,
    )
  }
  const checked = list.map((step, index) => checkStep(step, index, file))
  checkOrder(checked, file)
  return { name, steps: checked }
}

function asObject(value: unknown, file?: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  throw refuse('this is no pipeline', 'steps', JSON.stringify(value) ?? 'nothing', file)
}

function checkStep(value: unknown, index: number, file?: string): Step {
  const [name, given] = nameOf(value, index, file)
  const { schema, short } = workOf({ name, options: {} })
  const said = given ?? {}
  const shortened =
    isObject(said) || short === undefined ? { success: true as const, data: said } : short.safeParse(said)
  const result = shortened.success ? schema.safeParse(shortened.data) : shortened
  const where = `step ${index + 1} (${name})`
  if (result.success) return { name, options: withoutUndefined(result.data) }
  const issue = result.error.issues[0]!
  const option = issue.code === 'unrecognized_keys' ? issue.keys[0]! : issue.path.join('.')
  const known = issue.code === 'unrecognized_keys' ? `; known are ${Object.keys(schema.shape).join(', ')}` : ''
  const what = `${where}${option === '' ? '' : `, option ${option}`}: ${issue.message}${known}`
  throw new EegTorchError('INVALID_OPTION', what, { option: option || name, ...(file !== undefined && { file }) })
}

function nameOf(value: unknown, index: number, file?: string): [StepName, unknown] {
  const entries = typeof value === 'string' ? [[value, {}]] : isObject(value) ? Object.entries(value) : []
  const [[name, options] = ['', {}]] = entries as [string, unknown][]
  if (entries.length === 1 && Object.hasOwn(steps, name)) return [name as StepName, options]
  const received = entries.length === 1 ? name : (JSON.stringify(value) ?? 'nothing')
  throw refuse(`step ${index + 1} is not known`, `one of ${Object.keys(steps).join(', ')}`, received, file)
}

/** Windows are cut once, and what needs windows comes after. */
function checkOrder(list: readonly Step[], file?: string): void {
  const cuts = list.flatMap((step, index) => (workOf(step).cut ? [index] : []))
  if (cuts.length > 1)
    throw refuse('windows are cut twice', 'one step windows', `steps ${cuts.map((i) => i + 1).join(', ')}`, file)
  const cut = cuts[0] ?? list.length
  const learner = list.findIndex(learns)
  for (const [index, step] of list.entries()) {
    const { recording, block, windows } = workOf(step)
    const where = `step ${index + 1} (${step.name})`
    if (index < cut && (windows || learns(step))) {
      throw refuse(
        `${where} works on windows`,
        'a step windows before it',
        cuts.length === 0 ? 'none' : 'one after it',
        file,
      )
    }
    if (learner >= 0 && index > learner && workOf(step).needsMarks?.(step.options)) {
      throw refuse(
        `${where} goes by marks of recordings`,
        `it before step ${learner + 1}, which learns`,
        'it after',
        file,
      )
    }
    if (index > cut && recording && !block && !learns(step))
      throw refuse(`${where} works on recordings`, 'it before the step windows', 'it after', file)
  }
}

/**
 * Canonical JSON: members in order of their names, no white space. Equal for equal pipelines.
 */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (!isObject(value)) return JSON.stringify(value)
  const members = Object.entries(value).filter(([, item]) => item !== undefined)
  const sorted = members.toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${sorted.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`
}

/**
 * SHA-256 of the canonical form, as hexadecimal digits. Options that have their defaults do not count, so that a new option leaves the hashes
 * of old pipelines as they were.
 */
export function hashSteps(list: readonly Step[]): string {
  const said = list.map((step) => ({ [step.name]: withoutDefaults(step) }))
  return createHash('sha256')
    .update(canonicalJson({ version: VERSION, steps: said }))
    .digest('hex')
}

function withoutDefaults(step: Step): Record<string, unknown> {
  const { shape } = workOf(step).schema as z.ZodObject
  const isDefault = (option: string, value: unknown) => {
    const field = shape[option]
    return field instanceof z.ZodDefault && canonicalJson(field.def.defaultValue) === canonicalJson(value)
  }
  return Object.fromEntries(Object.entries(step.options).filter(([option, value]) => !isDefault(option, value)))
}

/** What {@link checkPipeline} reads back as the same pipeline. */
export function describePipeline({ name, steps: list }: CheckedPipeline): Record<string, unknown> {
  const spelled = list.map((step) => ({ [step.name]: step.options }))
  return { ...(name !== undefined && { name }), version: VERSION, steps: spelled }
}

function withoutUndefined(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined))
}

function refuse(what: string, expected: string, received: string, file?: string): EegTorchError {
  return new EegTorchError('INVALID_OPTION', what, {
    option: 'steps',
    expected,
    received,
    ...(file !== undefined && { file }),
  })
}
