import { type Command, Option } from 'commander'
import type { z } from 'zod'
import { type PresetTaker, presetNames } from '../training/presets.ts'
import { device } from './config-fields.ts'
import { schemaFlags } from './schema-flags.ts'

/** What every command that writes a folder is told besides its configuration. */
export interface RunFlags extends Record<string, unknown> {
  out: string
  json?: boolean
}

export function presetFlag(taker: PresetTaker): Option {
  return new Option('--preset <name>', 'numbers of a design document; what is said besides wins over them').choices(
    presetNames(taker),
  )
}

export function deviceFlag(): Option {
  return schemaFlags({ device })[0]!
}

type Shape = Readonly<Record<string, z.core.$ZodType>>

/** The folder that a command writes, and who takes presets. */
interface RunOptions {
  out: string
  taker?: PresetTaker
}

/** A flag for each option that words can say. */
export function addFlags(command: Command, shape: Shape): Command {
  for (const flag of schemaFlags(shape)) command.addOption(flag)
  return command
}

/** A YAML file, and flags that win over it. */
export function addConfigFlags(command: Command, shape: Shape, options: RunOptions): Command {
  return addRunFlags(
    command.argument('[config]', 'YAML file with these options in camelCase; flags win over it'),
    shape,
    options,
  )
}

/** A flag for each option of a configuration, `--preset`, `--out` and `--json`. */
export function addRunFlags(command: Command, shape: Shape, { out, taker }: RunOptions): Command {
  addFlags(command, shape)
  if (taker !== undefined) command.addOption(presetFlag(taker))
  return command
    .option('--out <folder>', 'folder of the run; one that was stopped goes on', out)
    .option('--json', 'print the result as JSON')
}
