import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { FORWARDED_SIGNALS, launch } from '../distributed/launch.ts'
import { EegTorchError } from '../errors.ts'

interface Flags {
  nproc: number
  nodes?: number
  nodeRank?: number
  host?: string
  port?: number
}

export function describe(command: Command): void {
  command
    .description('Run a command in several processes that train together.')
    .argument('<command...>', 'train and what follows it, or any program with its arguments')
    .requiredOption('--nproc <n>', 'processes on this machine', Number)
    .option('--nodes <n>', 'machines; run the same command on each (default: 1)', Number)
    .option('--node-rank <i>', 'which of the machines this is, from 0', Number)
    .option('--host <address>', 'where process 0 runs (default: this machine)')
    .option('--port <n>', 'where process 0 listens (default: a free port)', Number)
    .passThroughOptions()
    .addHelpText(
      'after',
      `
The processes get RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and MASTER_PORT, as from torchrun. Lines of their output
begin with their number. When one fails the others are ended; the exit code is that of the first that failed.

Examples:
  $ eegtorch launch --nproc 2 train eegnet --data eegmmidb/ --task fists-feet
  $ eegtorch launch --nproc 4 -- node my-training.mjs --lr 1e-3`,
    )
    .action(run)
}

async function run(words: string[], { nproc, ...flags }: Flags, self: Command): Promise<void> {
  const command = commandOf(words, self.parent?.commands.map((other) => other.name()) ?? [])
  const signals = new EventTarget()
  const listeners = FORWARDED_SIGNALS.map((name) => {
    const listener = () => signals.dispatchEvent(new CustomEvent('signal', { detail: name }))
    process.on(name, listener)
    return () => process.off(name, listener)
  })
  try {
    const { stdout, stderr } = process
    process.exitCode = await launch({ command, processes: nproc, ...flags, stdout, stderr, signals })
  } finally {
    for (const stop of listeners) stop()
  }
}

/**
 * `train ...` means this program's.
 *
 * @param others this program's commands: only train shares its work among processes
 */
function commandOf(words: string[], others: readonly string[]): [string, ...string[]] {
  const [first = '', ...rest] = words
  if (first !== 'train' && others.includes(first)) {
    throw new EegTorchError('INVALID_OPTION', `eegtorch ${first} does not share its work among processes`, {
      expected: 'train, or a program (one of the same name by its path)',
      received: first,
    })
  }
  if (first !== 'train') return [first, ...rest]
  return [process.execPath, fileURLToPath(new URL('./main.js', import.meta.url)), ...words]
}
