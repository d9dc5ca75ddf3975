import type { Command } from 'commander'
import { formatBytes } from '../models/inspect-checkpoint.ts'
import { publishedCheckpoint, publishedCheckpoints } from '../weights/manifest.ts'
import { stateOf, type WeightsState } from '../weights/places.ts'
import { pullWeights } from '../weights/pull.ts'
import { showProgress } from './progress-line.ts'
import { untilInterrupted } from './until-interrupted.ts'

interface PullFlags {
  host?: string
  retries?: number
  json?: boolean
}

export function describe(command: Command): void {
  command.description(
    'Brings published checkpoints into a cache shared with Hugging Face’s tools, and shows what is there.',
  )
  command
    .command('list')
    .description('show every published checkpoint that is known, and what of it is there')
    .option('--json', 'print the list as JSON')
    .action(list)
  command
    .command('pull')
    .description(
      'download a published checkpoint; a broken download goes on where it broke, and checksums are compared',
    )
    .argument('<name>', 'a checkpoint: see eegtorch weights list')
    .option('--host <url>', 'another address in place of the official host, with the same paths')
    .option('--retries <n>', 'attempts after one that failed (default: 5)', Number)
    .option('--json', 'print the result as JSON')
    .action(pull)
  command.addHelpText(
    'after',
    '\nHF_HOME and HF_HUB_CACHE tell where the cache is, HF_TOKEN opens repositories that ask for consent.\n\nExamples:\n  $ eegtorch weights list\n  $ eegtorch weights pull sd15',
  )
}

function list({ json }: { json?: boolean }): void {
  const states = publishedCheckpoints().map(stateOf)
  if (json) {
    console.log(JSON.stringify(states, undefined, 2))
    return
  }
  const width = Math.max(...states.map(({ name }) => name.length))
  for (const state of states) {
    console.log(
      `${state.name.padEnd(width)}  ${stateInWords(state).padEnd(28)}  ${state.title} (${state.licence}; ${state.source})`,
    )
  }
}

function stateInWords({ state, bytes, missing }: WeightsState): string {
  if (state === 'complete') return `complete, ${formatBytes(bytes)}`
  return state === 'missing' ? 'not there' : `${missing.length} files missing`
}

async function pull(name: string, { host, retries, json = false }: PullFlags): Promise<void> {
  const checkpoint = publishedCheckpoint(name)
  const { title, licence, note } = checkpoint
  if (!json)
    console.error([title, `licence   ${licence}`, ...(note === undefined ? [] : [`note      ${note}`])].join('\n'))
  const progress = showProgress(json ? undefined : process.stderr)
  try {
    const pulled = await untilInterrupted((signal) =>
      pullWeights(checkpoint, {
        signal,
        onProgress: ({ file, done, total }) => progress.update({ step: 'download', what: file, done, total }),
        ...(host !== undefined && { host }),
        ...(retries !== undefined && { retries }),
      }),
    )
    progress.end()
    if (json) return console.log(JSON.stringify(pulled, undefined, 2))
    const fresh = pulled.files.filter(({ isNew }) => isNew).length
    console.log(`${name} is in ${pulled.folder}: ${fresh} files downloaded, ${pulled.files.length - fresh} were there`)
    const unverified = pulled.files.filter(({ isVerified }) => !isVerified).map(({ path }) => path)
    console.log(
      unverified.length === 0 ? 'every checksum is right' : `no checksum is published of ${unverified.join(', ')}`,
    )
  } finally {
    progress.end()
  }
}
