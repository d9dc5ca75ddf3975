import type { Command } from 'commander'
import { defined } from '../defined.ts'
import { formatBytes } from '../files/format-bytes.ts'
import { publishedCheckpoint, publishedCheckpoints } from '../weights/manifest.ts'
import { pinsFile } from '../weights/pins.ts'
import { stateOf, type WeightsState, wrongFiles } from '../weights/places.ts'
import { type Pulled, pullWeights } from '../weights/pull.ts'
import { parseCount } from './parse-count.ts'
import { showTransfer } from './progress-line.ts'
import { untilInterrupted } from './until-interrupted.ts'

interface ListFlags {
  check?: boolean
  json?: boolean
}

interface PullFlags {
  host?: string
  revision?: string
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
    .option('--check', 'read the files that are there and compare their checksums, where these are known')
    .option('--json', 'print the list as JSON')
    .action(list)
  command
    .command('pull')
    .description(
      'download a published checkpoint; a broken download goes on where it broke, and checksums are compared',
    )
    .argument('<name>', 'a checkpoint: see eegtorch weights list')
    .option('--host <url>', 'another address in place of the official host, with the same paths')
    .option(
      '--revision <name>',
      'branch, tag or commit (default: what was pulled before, else what the manifest names)',
    )
    .option('--retries <n>', 'attempts after one that failed (default: 5)', parseCount)
    .option('--json', 'print the result as JSON')
    .action(pull)
  command.addHelpText(
    'after',
    '\nHF_HOME and HF_HUB_CACHE tell where the cache is, HF_TOKEN opens repositories that ask for consent.\n\nExamples:\n  $ eegtorch weights list\n  $ eegtorch weights pull sd15',
  )
}

async function list({ check = false, json = false }: ListFlags): Promise<void> {
  const states: (WeightsState & { wrong?: string[] })[] = []
  for (const checkpoint of publishedCheckpoints()) {
    states.push({ ...stateOf(checkpoint), ...(check && { wrong: await wrongFiles(checkpoint) }) })
  }
  if (states.some(({ wrong = [] }) => wrong.length > 0)) process.exitCode = 1
  if (json) return console.log(JSON.stringify(states, undefined, 2))
  const width = Math.max(...states.map(({ name }) => name.length))
  for (const { wrong = [], ...state } of states) {
    const words = stateInWords(state, check).padEnd(48)
    console.log(`${state.name.padEnd(width)}  ${words}  ${state.title} (${state.licence}; ${state.source})`)
    for (const path of wrong) console.log(`${''.padEnd(width)}  WRONG CHECKSUM: ${path}`)
  }
}

function stateInWords({ state, checksums, bytes, missing }: WeightsState, isChecked: boolean): string {
  if (state === 'missing') return 'not there'
  if (state === 'partial') return `${missing.length} files missing`
  const pinned = `pinned by ${checksums === 'manifest' ? 'the manifest' : 'the first pull'}`
  const word = checksums === 'none' ? 'not pinned' : isChecked ? `${pinned}, compared` : pinned
  return `present, ${word}, ${formatBytes(bytes)}`
}

async function pull(name: string, { host, revision, retries, json = false }: PullFlags): Promise<void> {
  const checkpoint = publishedCheckpoint(name)
  const { title, licence, note } = checkpoint
  if (!json)
    console.error([title, `licence   ${licence}`, ...(note === undefined ? [] : [`note      ${note}`])].join('\n'))
  const progress = showTransfer(json ? undefined : process.stderr)
  try {
    const pulled = await untilInterrupted((signal) =>
      pullWeights(checkpoint, {
        signal,
        onProgress: ({ file, done, total }) => progress.update({ step: 'download', what: file, done, total }),
        ...defined({ host, revision, retries }),
      }),
    )
    progress.end()
    if (json) return console.log(JSON.stringify(pulled, undefined, 2))
    const fresh = pulled.files.filter(({ isNew }) => isNew).length
    console.log(`${name} is in ${pulled.folder}: ${fresh} files downloaded, ${pulled.files.length - fresh} were there`)
    for (const line of checksInWords(pulled)) console.log(line)
    console.log(`their checksums are kept in ${pinsFile(checkpoint)}`)
  } finally {
    progress.end()
  }
}

const HELD_AGAINST = {
  manifest: 'the checksum of the manifest',
  'earlier pull': 'what was pulled before',
  host: 'what the host announced; the manifest names no checksum of it',
  nothing: 'nothing: neither the host nor the manifest tells a checksum',
} as const

function checksInWords({ files }: Pulled): string[] {
  return Object.entries(HELD_AGAINST).flatMap(([against, words]) => {
    const held = files.filter(({ heldAgainst }) => heldAgainst === against)
    return held.length === 0 ? [] : [`${held.length} of ${files.length} held against ${words}`]
  })
}
