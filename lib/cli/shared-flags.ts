import { type Command, Option } from 'commander'
import { MONTAGES } from '../generation/window-channels.ts'
import { type PresetTaker, presetNames } from '../training/presets.ts'

/** What every command that writes a folder is told besides its configuration. */
export interface RunFlags extends Record<string, unknown> {
  out: string
  json?: boolean
}

export function montageFlag(): Option {
  const told = 'regions of the brain (default: the encoder’s, else by channel names)'
  return new Option('--montage <name>', told).choices(Object.keys(MONTAGES))
}

export function presetFlag(taker: PresetTaker): Option {
  return new Option('--preset <name>', 'numbers of a design document; what is said besides wins over them').choices(
    presetNames(taker),
  )
}

export function deviceFlag(): Option {
  return new Option('--device <name>', 'cpu, cuda, or a GPU by its number: cuda:1 (default: cpu)')
}

export function autocastFlag(): Option {
  return new Option('--autocast <type>', 'train in a 16-bit type').choices(['bfloat16', 'float16'])
}

/** `--seed`, `--threads`, `--out` and `--json` of a command whose folder is a study. */
export function addStudyFlags(command: Command, { seedOf, out }: { seedOf: string; out: string }): Command {
  return command
    .option('--seed <n>', `of ${seedOf} (default: 0)`, Number)
    .option('--threads <n>', 'CPU threads', Number)
    .option('--out <folder>', 'folder of the run; one that was stopped goes on', out)
    .option('--json', 'print the result as JSON')
}
