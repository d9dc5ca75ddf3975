import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import type { Command } from 'commander'
import type { KnownDataset, RemoteDataset } from '../datasets/dataset.ts'
import { datasetFolder, findOrDescribe, openDataset } from '../datasets/open-dataset.ts'
import { defined } from '../defined.ts'
import { EegTorchError } from '../errors.ts'
import { checkFiles, downloadFiles } from '../files/download/download.ts'
import type { RemoteFile } from '../files/download/options.ts'
import { downloadText } from '../files/download/read-text.ts'
import { formatBytes } from '../files/format-bytes.ts'
import { folderBeside, unpackZip } from '../files/unpack.ts'
import { parseCount } from './parse-count.ts'
import { EXIT } from './program.ts'
import { showTransfer } from './progress-line.ts'
import { untilInterrupted } from './until-interrupted.ts'

interface Flags {
  out?: string
  subjects?: string[]
  skipDownload?: boolean
  unpack?: boolean
  yes?: boolean
  host?: string
  retries?: number
  json?: boolean
}

/** A data set on its way. */
interface Fetch {
  known: KnownDataset
  remote: RemoteDataset
  folder: string
  subjects: readonly string[]
  quiet: boolean
}

export function describe(command: Command): void {
  command
    .description(
      'Downloads a data set from its official host. Shows licence and size first, and asks. A broken download goes on where it broke.',
    )
    .argument('<name>', 'a data set: see eegtorch datasets')
    .option('--out <folder>', 'where it goes (default: data/NAME, or NAME in the folder that EEGTORCH_DATASETS names)')
    .option('--subjects <names...>', 'only these subjects')
    .option('--skip-download', 'download nothing, check what is there')
    .option('--no-unpack', 'leave archives as they are')
    .option('--yes', 'do not ask')
    .option('--host <url>', 'another address in place of the official host: a mirror with the same paths')
    .option('--retries <n>', 'attempts after one that failed (default: 5)', parseCount)
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  $ eegtorch fetch eegmmidb --subjects S001 S002\n  $ eegtorch fetch bcic-iv-2a --out /data/2a --yes\n  $ eegtorch fetch bcic-iv-2a --skip-download',
    )
    .action(fetchDataset)
}

async function fetchDataset(name: string, flags: Flags): Promise<void> {
  const known = await findOrDescribe(name)
  const folder = flags.out ?? datasetFolder(name)
  const { remote } = known
  if (remote === undefined && flags.skipDownload) return checkReadable(name, folder)
  if (remote === undefined) throw byHand(known, folder)
  const subjects = flags.subjects ?? remote.subjects
  const unknown = subjects.find((subject) => !remote.subjects.includes(subject))
  if (unknown !== undefined) {
    throw new EegTorchError('UNKNOWN_NAME', `${known.card.name} has no subject ${unknown}`, {
      option: '--subjects',
      expected: `${remote.subjects[0]} to ${remote.subjects.at(-1)}`,
      received: unknown,
    })
  }
  const job: Fetch = { known, remote, folder, subjects, quiet: flags.json ?? false }
  await untilInterrupted(async (signal) => {
    if (flags.skipDownload) return check(job, flags, signal)
    return download(job, await listFiles(job, flags, signal), flags, signal)
  })
}

/** Files of the subjects, by the host's own list. */
async function listFiles({ known, remote, folder, subjects }: Fetch, { host, retries }: Flags, signal: AbortSignal) {
  const move = (url: string) => (host === undefined ? url : `${host.replace(/\/$/, '')}${new URL(url).pathname}`)
  try {
    const files = await remote.files(subjects, (url) => downloadText(move(url), { signal, ...defined({ retries }) }))
    if (files.length === 0) throw new EegTorchError('DOWNLOAD_FAILED', 'the list of the host names none of these files')
    return files.map((file) => ({ ...file, urls: file.urls.map(move) }))
  } catch (error) {
    throw unreachable(error, known, folder)
  }
}

async function download(job: Fetch, files: readonly RemoteFile[], flags: Flags, signal: AbortSignal): Promise<void> {
  const { known, remote, folder, subjects, quiet } = job
  const sizes = files.map(({ bytes }) => bytes)
  const all = sizes.every((bytes) => bytes !== undefined) ? sizes.reduce((sum, bytes) => sum + bytes, 0) : undefined
  const about = (remote.bytes * subjects.length) / remote.subjects.length
  const size = all === undefined ? `about ${formatBytes(about)}` : formatBytes(all)
  const note = [
    `${known.card.title}`,
    `source    ${known.card.source}`,
    `licence   ${known.card.licence}`,
    `citation  ${known.card.citation}`,
    `size      ${size} in ${files.length} files`,
    `checksums ${remote.checksums}`,
    `folder    ${folder}`,
  ].join('\n')
  if (!quiet) console.error(note)
  if (!(flags.yes ?? false) && !(await agrees())) {
    throw new EegTorchError('CANCELLED', 'nothing was downloaded: answer yes, or give --yes')
  }
  const progress = showTransfer(quiet ? undefined : process.stderr)
  try {
    const onProgress = ({ file, done, total }: { file: string; done: number; total: number }) =>
      progress.update({ step: 'download', what: file, done, total })
    const results = await downloadFiles(files, { folder, signal, onProgress, ...defined({ retries: flags.retries }) })
    progress.end()
    const fresh = results.filter(({ isNew }) => isNew).length
    const verified = results.filter(({ isVerified }) => isVerified).length
    if (quiet) console.log(JSON.stringify({ folder, files: results }))
    else {
      console.log(`${known.card.name} is in ${folder}: ${fresh} files downloaded, ${results.length - fresh} were there`)
      console.log(verified === results.length ? 'every checksum is right' : `checksums: ${remote.checksums}`)
    }
    if (flags.unpack !== false) await unpackArchives(job, files, signal)
  } catch (error) {
    throw unreachable(error, known, folder)
  } finally {
    progress.end()
  }
}

/** Unpacks archives where they lie; they stay, so that their checksums can be compared. */
async function unpackArchives(
  { folder, quiet }: Fetch,
  files: readonly RemoteFile[],
  signal: AbortSignal,
): Promise<void> {
  const archives = files.filter(({ path }) => path.endsWith('.zip')).map(({ path }) => join(folder, path))
  const progress = showTransfer(quiet ? undefined : process.stderr)
  let written = 0
  try {
    for (const archive of archives) {
      const onProgress = ({ file, done, total }: { file: string; done: number; total: number }) =>
        progress.update({ step: 'unpack', what: file, done, total })
      written += (await unpackZip(archive, folderBeside(archive), { signal, onProgress })).written.length
    }
  } finally {
    progress.end()
  }
  if (archives.length > 0 && !quiet) console.log(`${archives.length} archives unpacked: ${written} new files`)
}

async function check(job: Fetch, flags: Flags, signal: AbortSignal): Promise<void> {
  const { known, remote, folder, quiet } = job
  const files = await listFiles(job, flags, signal).catch((error: EegTorchError) => {
    if (error.code !== 'DOWNLOAD_FAILED') throw error
    return undefined
  })
  if (files === undefined) {
    console.error(`the host of ${known.card.name} is out of reach: no checksum can be compared`)
    return checkReadable(known.card.name, folder, flags.subjects)
  }
  const states = await checkFiles(files, { folder, signal })
  const of = (wanted: string) => states.filter(({ state }) => state === wanted)
  if (quiet) console.log(JSON.stringify({ folder, files: states }))
  else {
    for (const file of states) {
      if (file.state === 'wrong')
        console.log(`wrong    ${file.path}: expected ${file.expected}, received ${file.received}`)
      if (file.state === 'missing') console.log(`missing  ${file.path}`)
    }
    console.log(`${of('right').length} of ${files.length} files are there; checksums: ${remote.checksums}`)
    if (of('missing').length > 0) console.log(`to download the others: ${again(known, folder)}`)
  }
  if (of('right').length < files.length) process.exitCode = EXIT.failed
}

/** What there is, where no list of the host tells what there should be. */
async function checkReadable(name: string, folder: string, subjects?: readonly string[]): Promise<void> {
  const { recordings } = await openDataset(name, { folder, ...defined({ subjects }) })
  const people = new Set([...recordings].map(({ subject }) => subject)).size
  console.log(`${recordings.length} recordings of ${people} subjects can be read in ${folder}`)
}

async function agrees(): Promise<boolean> {
  if (!process.stdin.isTTY) return false
  const question = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return /^y(es)?$/i.test((await question.question('Download? [y/N] ')).trim())
  } finally {
    question.close()
  }
}

/** Says what to do where the host is out of reach. */
function unreachable(error: unknown, known: KnownDataset, folder: string): unknown {
  if (!(error instanceof EegTorchError) || error.code !== 'DOWNLOAD_FAILED') return error
  const { card } = known
  const advice = `${error.message}. Try again later (${again(known, folder)} goes on where it stopped), or put the files by hand into ${folder}: ${card.layout} (source: ${card.source})`
  return new EegTorchError('DOWNLOAD_FAILED', advice, defined({ cause: error }))
}

function byHand({ card }: KnownDataset, folder: string): EegTorchError {
  return new EegTorchError(
    'DOWNLOAD_FAILED',
    `${card.name} cannot be fetched by a program: ${card.byHand ?? 'see its source'}`,
    { expected: `${card.layout}, in ${folder}`, received: `source: ${card.source}` },
  )
}

const again = ({ card }: KnownDataset, folder: string) => `eegtorch fetch ${card.name} --out ${folder}`
