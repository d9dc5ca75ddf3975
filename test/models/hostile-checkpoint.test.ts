import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  convertCheckpoint,
  EegTorchError,
  loadFitting,
  models,
  openCheckpoint,
  tensor,
  writeSafetensors,
  writeTorch,
} from 'eegtorch'
import fc from 'fast-check'
import { fixture, readFixture } from '../checkpoints/fixtures.ts'
import { writeZip } from '../files/zip-writer.ts'

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-hostile-checkpoint-'))
afterAll(() => rmSync(folder, { recursive: true }))
let count = 0
const fresh = () => join(folder, `file-${count++}`)

/** What a promise fails with: one of our errors, short enough to read, with nothing of the file that a terminal would obey. */
async function refusalOf(promise: Promise<unknown>): Promise<EegTorchError> {
  const error = await promise.then(
    () => {
      throw new Error('nothing was refused')
    },
    (cause: unknown) => cause as EegTorchError,
  )
  if (!(error instanceof EegTorchError)) throw error
  expect(error.code).not.toBe('INTERNAL')
  expect(error.message.length).toBeLessThan(2000)
  expect(error.message).not.toMatch(/\p{Cc}/u)
  return error
}

/** braindecode's folder of EEGNet with another config. */
function tampered(change: (config: Record<string, unknown>) => unknown): string {
  const path = fresh()
  mkdirSync(path)
  copyFileSync(fixture('reference/eegnet/model.safetensors'), join(path, 'model.safetensors'))
  const config = JSON.parse(readFileSync(fixture('reference/eegnet/config.json'), 'utf8'))
  const changed = change(config)
  writeFileSync(join(path, 'config.json'), typeof changed === 'string' ? changed : JSON.stringify(changed))
  return path
}

test.each<[string, (config: Record<string, unknown>) => unknown, string]>([
  [
    'channels of eight megabytes',
    (c) => ({ ...c, n_chans: null, chs_info: Array(4e6).fill(0) }),
    'CHECKPOINT_MISMATCH',
  ],
  [
    'a window of 1e300 seconds',
    (c) => ({ ...c, n_times: null, input_window_seconds: 1e300, sfreq: 1e9 }),
    'INVALID_OPTION',
  ],
  ['text for a number', (c) => ({ ...c, n_chans: '4' }), 'INVALID_OPTION'],
  ['a negative length', (c) => ({ ...c, n_times: -128 }), 'INVALID_OPTION'],
  ['a class of another library', (c) => ({ ...c, activation: 'os.system' }), 'INVALID_OPTION'],
  ['a class with a long name', (c) => ({ ...c, activation: `torch.nn.${'x'.repeat(1e6)}` }), 'INVALID_OPTION'],
  ['an object for a class', (c) => ({ ...c, activation: { toString: 'ELU' } }), 'INVALID_OPTION'],
  ['another model by name', (c) => `{"model": "eegnet", "n_times": ${c.n_times}, "n_chans": 1e999}`, 'INVALID_OPTION'],
  ['half of a config', (c) => JSON.stringify(c).slice(0, 100), 'FILE_INVALID'],
  ['nothing', () => '', 'FILE_INVALID'],
  ['17 megabytes of spaces', () => ' '.repeat(17 * 2 ** 20), 'FILE_INVALID'],
])('a config.json with %s is refused', async (_what, change, code) => {
  const path = tampered(change)
  expect(await refusalOf(models.load(path, { model: 'eegnet' }))).toMatchObject({ code })
  expect(await refusalOf(convertCheckpoint(path, fresh(), { to: 'eegtorch', model: 'eegnet' }))).toMatchObject({ code })
})

test('options by the name of __proto__ change nothing', async () => {
  const path = tampered((c) => `{"__proto__": {"polluted": 1}, "constructor": 2, ${JSON.stringify(c).slice(1)}`)
  using net = await models.load(path)
  expect(net.name).toBe('eegnet')
  expect(({} as Record<string, unknown>).polluted).toBeUndefined()
})

test('names that a terminal would obey, and endless ones, are shown plainly', async () => {
  const path = `${fresh()}.pth`
  await writeTorch(
    path,
    new Map([
      ['\u001b[2J\u0007evil', tensor([1])],
      ['x'.repeat(4000), tensor([1])],
    ]),
  )
  const attempts = [
    models.load(path),
    models.load(path, { model: 'eegnet' }),
    convertCheckpoint(path, fresh(), { to: 'braindecode' }),
    loadFitting(models.eegnet({ nChans: 2, nTimes: 128 }), path),
  ]
  for (const { code } of await Promise.all(attempts.map(refusalOf))) expect(code).toBe('CHECKPOINT_MISMATCH')
})

test('a dict that holds itself under every usual key, beside a hundred thousand others, is refused at once', async () => {
  const keys = ['state_dict', 'model_state_dict', 'model', 'module', 'net', 'network', 'weights', 'params']
  const other = "S'a'\nNs".repeat(1e5)
  const pickle = `}q\x00${other}${keys.map((key) => `S'${key}'\nh\x00s`).join('')}.`
  const path = fresh()
  writeFileSync(path, writeZip([{ name: 'a/data.pkl', content: Buffer.from(pickle, 'latin1') }]))
  const start = process.cpuUsage()
  expect(await refusalOf(models.load(path))).toMatchObject({ code: 'FILE_INVALID' })
  expect(process.cpuUsage(start).user).toBeLessThan(10e6)
})

test('twenty thousand tensors under deep prefixes are matched in time', async () => {
  const path = fresh()
  const one = tensor([1])
  const names = Array.from({ length: 20_000 }, (_, i) => `${'a.'.repeat(i % 50)}${i}`)
  await writeSafetensors(path, new Map(names.map((name) => [name, one])))
  const start = process.cpuUsage()
  expect(await refusalOf(models.load(path))).toMatchObject({ code: 'CHECKPOINT_MISMATCH' })
  expect(process.cpuUsage(start).user).toBeLessThan(10e6)
})

test('150 mutated checkpoints are converted or refused, and nothing is left behind', async () => {
  const originals = [
    ['eeg_clip_mapper', readFixture('reference/mapper_epoch17.pth')],
    ['eeg_projection', readFixture('reference/projection_epoch6.pth')],
  ] as const
  const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  const outcomes: Record<string, number> = {}
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...originals),
      fc.array(fc.tuple(place, fc.nat(255)), { maxLength: 3 }),
      async ([model, original], changes) => {
        const [path, target] = [fresh(), fresh()]
        const bytes = Buffer.from(original)
        // the pickle and the directory are at the ends; most of the file are weights
        for (const [where, value] of changes) bytes[Math.floor(where * 1500) % bytes.length] = value
        writeFileSync(path, bytes)
        const outcome = await convertCheckpoint(path, target, { to: 'torch', model }).then(
          () => openCheckpoint(target).format,
          (error: EegTorchError) => error.code,
        )
        expect(outcome).not.toBe('INTERNAL')
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
      },
    ),
    { numRuns: 150 },
  )
  expect(outcomes.torch).toBeGreaterThan(10)
  expect(Object.keys(outcomes).length).toBeGreaterThan(1)
})
