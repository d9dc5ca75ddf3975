import { type Command, InvalidArgumentError } from 'commander'
import { type Installed, installLibTorch } from '../setup/install.ts'
import { LIBTORCH_VERSION } from '../setup/paths.ts'
import { showTransfer } from './progress-line.ts'
import { untilInterrupted } from './until-interrupted.ts'

interface Flags {
  cuda?: boolean
  torch?: string
  force?: boolean
  json?: boolean
}

export function describe(command: Command): void {
  command
    .description(
      'Download LibTorch through pip and keep what eegtorch needs of it, once for all projects of this user.',
    )
    .option('--cuda', 'with the libraries for NVIDIA GPUs (3.7 GB on disk instead of 0.5)')
    .option('--torch <version>', `another release than ${LIBTORCH_VERSION}, for a build from source`, parseRelease)
    .option('--force', 'download again, even where a copy is there')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  $ eegtorch setup\n  $ eegtorch setup --cuda\n  $ eegtorch setup --torch 2.12.0',
    )
    .action(setUp)
}

async function setUp(flags: Flags): Promise<void> {
  const progress = showTransfer(flags.json ? undefined : process.stderr)
  try {
    const installed = await untilInterrupted((signal) =>
      installLibTorch({
        cuda: flags.cuda ?? false,
        force: flags.force ?? false,
        version: flags.torch ?? LIBTORCH_VERSION,
        onProgress: progress.update,
        signal,
      }),
    )
    progress.end()
    console.log(flags.json ? JSON.stringify(installed) : sentence(installed))
  } finally {
    progress.end()
  }
}

function sentence({ folder, version, isNew, isPinned }: Installed): string {
  const state = isNew ? 'is ready in' : 'was already in'
  const note = isPinned
    ? ''
    : `\nThis release is not pinned: its checksums were recorded in ${folder}/eegtorch.json, not compared.`
  return `LibTorch ${version} ${state} ${folder}${note}`
}

function parseRelease(text: string): string {
  if (/^\d+\.\d+\.\d+$/.test(text)) return text
  throw new InvalidArgumentError(`Expected a release such as ${LIBTORCH_VERSION}, received ${JSON.stringify(text)}.`)
}
