import { Option } from 'commander'
import { z } from 'zod'
import { flagOf } from './option-source.ts'
import { parseBand, parseRange } from './parse-range.ts'

/** What a schema says of an option that words can say. */
interface Told {
  kind: 'text' | 'number' | 'switch' | 'range'
  isList?: boolean
  isNullable?: boolean
  choices?: readonly string[]
  fallback?: unknown
}

/**
 * A flag for each option that words can say, in the order of the schema. Its description begins with what stands behind the flag, `<rate> of AdamW`; defaults
 * and choices are the schema's. Of several forms the first that words can say is meant; what has named parts, as options of networks have, stands in YAML
 * files alone. A switch that is on has two flags, of which `--no-…` is shown: what is not said leaves the file its word.
 */
export function schemaFlags(shape: Readonly<Record<string, z.core.$ZodType>>): Option[] {
  return Object.entries(shape).flatMap(([name, field]) => {
    const told = toldOf(field as z.ZodType)
    return told === undefined ? [] : optionsOf(flagOf(name), told, descriptionOf(field as z.ZodType))
  })
}

function optionsOf(flag: string, { kind, isList, isNullable, choices, fallback }: Told, description: string): Option[] {
  const [, value = kind === 'number' ? 'number' : 'name', words = ''] = /^(?:<(.*?)> )?(.*)$/s.exec(description)!
  if (kind === 'switch') {
    const on = new Option(flag, words)
    return fallback === true ? [on.hideHelp(), new Option(flag.replace('--', '--no-'), words)] : [on]
  }
  const isTold = fallback === undefined || words.includes('default') || (Array.isArray(fallback) && fallback.length < 1)
  const told = isTold ? words : `${words} (default: ${isRange(fallback) ? fallback.join('..') : fallback})`
  const option = new Option(`${flag} <${value}${isList ? '...' : ''}>`, told.trimStart())
  if (choices !== undefined) return [option.choices(choices)]
  if (kind === 'number') return [option.argParser(Number)]
  return [kind === 'range' ? option.argParser(isNullable ? parseBand : parseRange) : option]
}

const isRange = (value: unknown): value is readonly number[] => Array.isArray(value)

/** The outermost description of a field. */
function descriptionOf(field: z.ZodType): string {
  const { innerType } = field.def as { innerType?: z.ZodType }
  return field.description ?? (innerType === undefined ? '' : descriptionOf(innerType))
}

/** What words can say of a field; undefined where they cannot say it. */
function toldOf(field: z.ZodType): Told | undefined {
  if (field instanceof z.ZodDefault) {
    const told = toldOf(field.unwrap() as z.ZodType)
    return told && { ...told, fallback: field.def.defaultValue }
  }
  if (field instanceof z.ZodOptional) return toldOf(field.unwrap() as z.ZodType)
  if (field instanceof z.ZodNullable) {
    const told = toldOf(field.unwrap() as z.ZodType)
    return told && { ...told, isNullable: true }
  }
  if (field instanceof z.ZodPipe) {
    const { in: before, out: after } = field
    return toldOf((before instanceof z.ZodTransform ? after : before) as z.ZodType)
  }
  if (field instanceof z.ZodUnion) return firstOf(field.options as z.ZodType[])
  if (field instanceof z.ZodArray) {
    const told = toldOf(field.element as z.ZodType)
    return told && !told.isList ? { ...told, isList: true } : undefined
  }
  if (field instanceof z.ZodEnum) return { kind: 'text', choices: field.options as string[] }
  if (field instanceof z.ZodNumber) return { kind: 'number' }
  if (field instanceof z.ZodBoolean) return { kind: 'switch' }
  if (field instanceof z.ZodTuple) return { kind: 'range' }
  return field instanceof z.ZodString || field instanceof z.ZodCustom ? { kind: 'text' } : undefined
}

function firstOf(forms: readonly z.ZodType[]): Told | undefined {
  for (const form of forms) {
    const told = toldOf(form)
    if (told !== undefined) return told
  }
  return undefined
}
