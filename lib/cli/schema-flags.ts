import { Option } from 'commander'
import type { z } from 'zod'
import { flagOf } from './option-source.ts'
import { parseRange } from './parse-range.ts'

/** What a schema says of one of its options. */
interface Told {
  /** Whether an option is a number, one of some names, … */
  type: z.core.$ZodTypeDef['type']
  description?: string | undefined
  fallback?: unknown
  choices?: readonly string[] | undefined
}

/**
 * A flag for each option that words can say, in the order of the schema. Its description begins with what stands behind the flag, `<rate> of AdamW`; defaults
 * and choices are the schema's. Options of networks have no flags: they stand in YAML files.
 */
export function schemaFlags(shape: Readonly<Record<string, z.core.$ZodType>>): Option[] {
  return Object.entries(shape).flatMap(([name, field]) => {
    const told = toldOf(field as z.ZodType)
    return told.type === 'record' ? [] : [optionOf(name, told)]
  })
}

function optionOf(name: string, { type, description = '', fallback, choices }: Told): Option {
  const [, value = type === 'number' ? 'number' : 'name', words = ''] = /^(?:<(.*?)> )?(.*)$/s.exec(description)!
  if (type === 'boolean')
    return new Option(fallback === true ? flagOf(name).replace('--', '--no-') : flagOf(name), words)
  const isList = type === 'array'
  const isTold = fallback === undefined || words.includes('default')
  const told = isTold ? words : `${words} (default: ${isRange(fallback) ? fallback.join('..') : fallback})`
  const option = new Option(`${flagOf(name)} <${value}${isList ? '...' : ''}>`, told.trimStart())
  if (choices !== undefined) return option.choices(choices)
  if (type === 'number') return option.argParser(Number)
  return type === 'tuple' ? option.argParser(parseRange) : option
}

const isRange = (value: unknown): value is readonly number[] => Array.isArray(value)

/** Through what is wrapped around it: defaults, and that it may be left out. */
function toldOf(field: z.ZodType): Told {
  const { description } = field
  const def = field.def as { type: Told['type']; innerType?: z.ZodType; defaultValue?: unknown }
  if (def.innerType !== undefined) {
    const inner = toldOf(def.innerType)
    return { ...inner, description: description ?? inner.description, fallback: def.defaultValue ?? inner.fallback }
  }
  const { options } = (def.type === 'array' ? (field as z.ZodArray).element : field) as { options?: readonly string[] }
  return { type: def.type, description, choices: options }
}
