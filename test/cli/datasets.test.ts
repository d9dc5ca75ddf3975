import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { runCli } from '../../lib/cli/program.ts'
import { packageRoot } from '../../lib/setup/paths.ts'
import { runNode } from '../built.ts'
import { type Behaviour, refuse, serve, UnreliableServer } from '../files/unreliable-server.ts'
import { writeSimulatedFiles } from '../recordings/simulated-files.ts'

const main = join(packageRoot, 'dist', 'cli', 'main.js')
const folder = mkdtempSync(join(tmpdir(), 'eegtorch-datasets-'))
const data = join(folder, 'eegmmidb')
/** Trains in a process of its own. */
const train = (...words: string[]) =>
  runNode([main, ...words], { env: { NODE_OPTIONS: '', EEGTORCH_DATASETS: folder } })

/** Runs a command that needs no addon in this process, which takes a tenth of the time. */
async function eegtorch(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const said = { log: '', error: '' }
  const spies = (['log', 'error'] as const).map((name) =>
    jest.spyOn(console, name).mockImplementation((text: string) => {
      said[name] += `${text}\n`
    }),
  )
  const stream = jest.spyOn(process.stderr, 'write').mockImplementation(() => true)
  const before = process.exitCode
  try {
    const code = await runCli(words, [
      { name: 'datasets', summary: '', load: () => import('../../lib/cli/datasets.ts') },
      { name: 'fetch', summary: '', load: () => import('../../lib/cli/fetch.ts') },
    ])
    return { code, stdout: said.log, stderr: said.error }
  } finally {
    process.exitCode = before
    for (const spy of [...spies, stream]) spy.mockRestore()
  }
}

beforeAll(() => writeSimulatedFiles(data))
afterAll(() => rmSync(folder, { recursive: true }))

test('datasets lists what is known, and shows a card with its defects', async () => {
  const list = await eegtorch('datasets')
  expect(list.stdout.split('\n').filter(Boolean).length).toBe(10)
  expect(list.stdout).toMatch(/^faced .* by hand$/m)
  const { stdout } = await eegtorch('datasets', 'BCIC_IV_2a')
  expect(stdout).toMatch(/known defects +A04T has one block/)
  expect(stdout).toContain('tasks: four-class, four-class-clean')
  const json = JSON.parse((await eegtorch('datasets', 'visual-imagery', '--json')).stdout)
  expect(json).toMatchObject({ name: 'visual-imagery', design: 'by run', window: [0.5, 4.5] })
  const unknown = await eegtorch('datasets', 'eeg')
  expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('no data set is called eeg')])
})

describe('fetch', () => {
  const files = Object.fromEntries(
    ['S001/S001R01.edf', 'S001/S001R02.edf', 'S002/S002R01.edf'].map((path) => [path, Buffer.from(`bytes of ${path}`)]),
  )
  const sums = Object.entries(files)
    .map(([path, bytes]) => `${createHash('sha256').update(bytes).digest('hex')} ${path}\n`)
    .join('')
  const host: Behaviour = (request, response) => {
    const path = request.url!.replace('/files/eegmmidb/1.0.0/', '')
    const bytes = path === 'SHA256SUMS.txt' ? Buffer.from(sums) : files[path]
    return (bytes === undefined ? refuse(404) : serve(bytes))(request, response)
  }
  let server: UnreliableServer
  let at: string[]
  const out = join(folder, 'fetched')
  beforeAll(async () => {
    server = await UnreliableServer.start()
    server.answers(host)
    at = ['--host', new URL('/', server.url).href, '--out', out]
  })
  afterAll(() => server.stop())

  test('shows licence and size, and asks first', async () => {
    const { code, stderr } = await eegtorch('fetch', 'eegmmidb', '--subjects', 'S001', ...at)
    expect(code).toBe(130)
    expect(stderr).toContain('licence   Open Data Commons Attribution License')
    expect(stderr).toMatch(/size +about 31.2 MB in 2 files/)
    expect(stderr).toContain('give --yes')
  })

  test('downloads, checks and repeats nothing; --skip-download finds what is wrong', async () => {
    const first = await eegtorch('fetch', 'eegmmidb', '--subjects', 'S001', '--yes', ...at)
    expect([first.code, first.stdout]).toEqual([0, expect.stringContaining('2 files downloaded, 0 were there')])
    expect(first.stdout).toContain('every checksum is right')
    const path = join(out, 'S001/S001R02.edf')
    expect(readFileSync(path).equals(files['S001/S001R02.edf']!)).toBe(true)
    const again = await eegtorch('fetch', 'eegmmidb', '--subjects', 'S001', '--yes', '--json', ...at)
    expect(JSON.parse(again.stdout).files.map(({ isNew }: { isNew: boolean }) => isNew)).toEqual([false, false])
    writeFileSync(path, 'something else')
    const check = await eegtorch('fetch', 'eegmmidb', '--skip-download', '--subjects', 'S001', 'S002', ...at)
    expect(check.code).toBe(1)
    expect(check.stdout).toMatch(/^wrong +S001\/S001R02\.edf/m)
    expect(check.stdout).toMatch(/^missing +S002\/S002R01\.edf$/m)
    expect(check.stdout).toContain('1 of 3 files are there')
    const over = await eegtorch('fetch', 'eegmmidb', '--subjects', 'S001', '--yes', ...at)
    expect([over.code, over.stderr]).toEqual([1, expect.stringContaining('it is not overwritten')])
  })

  test('says where to put files by hand where the host is out of reach, or takes no programs', async () => {
    const nowhere = ['--host', new URL('/', await UnreliableServer.nowhere()).href]
    const lost = await eegtorch(
      'fetch',
      'bcic-iv-2a',
      '--subjects',
      'A01',
      '--yes',
      '--out',
      out,
      ...nowhere,
      '--retries',
      '0',
    )
    expect(lost.code).toBe(1)
    expect(lost.stderr).toMatch(/ECONNREFUSED.*put the files by hand into .*fetched: A01T\.mat/s)
    const hand = await eegtorch('fetch', 'faced')
    expect([hand.code, hand.stderr]).toEqual([1, expect.stringMatching(/Synapse asks for an account.*sub000\.pkl/)])
    const offline = await eegtorch('fetch', 'eegmmidb', '--skip-download', '--out', data, ...nowhere, '--retries', '0')
    expect([offline.code, offline.stdout]).toEqual([0, `3 recordings of 1 subjects can be read in ${data}\n`])
    expect(offline.stderr).toContain('no checksum can be compared')
    // What is no number would else be reached by no count.
    expect((await eegtorch('fetch', 'eegmmidb', '--retries', 'often')).code).toBe(2)
    const wrong = await eegtorch('fetch', 'eegmmidb', '--subjects', 'S110')
    expect(wrong.stderr).toContain('S001 to S109')
  })
})

describe('a data set by its name', () => {
  const brief = ['--task', 'fists-feet', '--window', '0.5..1.5', '--epochs', '1', '--no-baselines', '--threads', '1']
  const note = 'eegmmidb: classes of different pairs come from different runs'

  test('train prints what its card warns of, in the terminal, the results and the report; evaluate does, too', async () => {
    const run = join(folder, 'run')
    const { code, stdout } = await train('train', 'eegnet', '--dataset', 'eegmmidb', ...brief, '--out', run)
    expect(code).toBe(0)
    expect(stdout).toContain(`note: ${note}`)
    expect(JSON.parse(readFileSync(join(run, 'results.json'), 'utf8')).warnings[0]).toContain(note)
    expect(readFileSync(join(run, 'report.html'), 'utf8')).toContain(note)
    const weights = join(run, 'checkpoints/fold-1-seed-0/last.safetensors')
    const score = await train('evaluate', weights)
    expect([score.code, score.stdout]).toEqual([0, expect.stringContaining(`note: ${note}`)])
  })

  test('sweep does so as well, and a described set brings its window', async () => {
    const study = join(folder, 'study.yaml')
    const text =
      'name: hands\nfiles: eegmmidb/*.edf\nevents: { T1: left, T2: right }\nwindow: [0.5, 1.5]\nwarnings: [one hand a run]\n'
    writeFileSync(study, text)
    const sweep = join(folder, 'sweep.yaml')
    writeFileSync(sweep, `dataset: ${study}\nleaveOut: run\nmodels: [csp_lda]\n`)
    const out = join(folder, 'sweep')
    const { code, stdout } = await train('sweep', sweep, '--workers', '1', '--out', out)
    expect(code).toBe(0)
    expect(stdout).toContain('**Note.** hands: one hand a run.')
    expect(stdout).toContain('0.5-1.5 s after the cue')
    expect(readFileSync(join(out, 'report.html'), 'utf8')).toContain('hands: one hand a run')
  })
})
