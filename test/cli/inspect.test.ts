import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { models, writeEdf } from 'eegtorch'
import { runNode } from '../built.ts'
import { fixture } from '../checkpoints/fixtures.ts'
import { makeRecording } from '../recordings/make-recording.ts'

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-inspect-'))
afterAll(() => rmSync(folder, { recursive: true }))
const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const inspect = (...words: string[]) => runNode([main, 'inspect', ...words])

test('a checkpoint is listed with its metadata and the model that it fits', async () => {
  const path = join(folder, 'net')
  await models.eegnet({ nChans: 3, nOutputs: 2, nTimes: 128 }).save(path, { epoch: 4 })
  const { stdout, code } = await inspect(path)
  expect(code).toBe(0)
  expect(stdout).toMatch(/^net: safetensors, 21 tensors, 1,365 numbers, 5\.\d kB\n/)
  expect(stdout).toContain('epoch 4 · model eegnet')
  expect(stdout).toMatch(/conv_temporal\.weight +float32 +\[8, 1, 1, 64\]/)
  expect(stdout).toMatch(/fits eegnet: every name and shape\n$/)
})

test('--picture draws the traces of a recording: a PNG, or an SVG with the name of every channel', async () => {
  const path = join(folder, 'brain.edf')
  const data = ['Cz', 'Pz'].map((_, c) => Float64Array.from({ length: 400 }, (__, i) => 20e-6 * Math.sin(i / (3 + c))))
  await writeEdf(path, makeRecording({ channels: ['Cz', 'Pz'], samplingRate: 100, nSamples: 400, data }))
  const [png, svg] = [join(folder, 'brain.png'), join(folder, 'brain.svg')]
  const { stdout, code } = await inspect(path, '--picture', png)
  expect([code, stdout]).toEqual([0, expect.stringContaining(`picture: ${png}`)])
  expect(readFileSync(png).subarray(1, 4).toString()).toBe('PNG')
  const drawn = await inspect(path, '--picture', svg, '--json')
  expect(JSON.parse(drawn.stdout).picture).toBe(svg)
  expect(readFileSync(svg, 'utf8')).toMatch(/^<svg.*Cz.*Pz/s)
})

test('an LMDB file of pickled records is told by its windows and the split that came with it', async () => {
  const store = fileURLToPath(new URL('../fixtures/store/pickled', import.meta.url))
  const { stdout, code } = await inspect(store)
  expect(code).toBe(0)
  expect(stdout).toMatch(
    /^\d+ windows of \d+ recordings \(subjects unknown\), LMDB of pickled records\n\d+ channels \(1, 2/,
  )
  expect(stdout).toMatch(/\nclasses: 0 \d+ · 1 \d+.*; splits .+\npipeline unknown\n$/)
  const { windows, classes } = JSON.parse((await inspect(store, '--json')).stdout)
  expect(classes.reduce((sum: number, { count }: { count: number }) => sum + count, 0)).toBe(windows)
})

test('what cannot be shown is told as what it is', async () => {
  const eeg = fileURLToPath(new URL('../fixtures/recordings/brainvision/int16.eeg', import.meta.url))
  const part = await inspect(eeg)
  expect([part.code, part.stderr]).toEqual([
    1,
    expect.stringMatching(/expected its header, \S*int16\.vhdr; safetensors/),
  ])
  const other = join(folder, 'other.cnt')
  writeFileSync(other, 'a recorder of which nothing is known'.repeat(100))
  const { stderr } = await inspect(other)
  expect(stderr).toMatch(
    /FILE_UNSUPPORTED\]: \S*other\.cnt: this is no recording, no store and no checkpoint: expected EDF, BDF, /,
  )
  const beside = await inspect(join(eeg, '..'))
  expect(beside.stderr).toMatch(/this is a folder of \d+ recordings: expected one of them, such as \S*\.vhdr/)
})

test('--json gives the same to scripts', async () => {
  const { stdout } = await inspect(fixture('training.pth'), '--json')
  expect(JSON.parse(stdout)).toMatchObject({
    format: 'torch',
    elements: 8,
    tensors: [{ name: 'weight', dtype: 'float32', shape: [2, 3], bytes: 24 }, { name: 'bias' }],
    metadata: { saved: { epoch: 7, args: { name: 'run' } } },
    fits: [],
  })
})

test('names of tensors cannot command the terminal', async () => {
  const path = join(folder, 'names')
  const header = Buffer.from('{"\\u001b[31mred\\u009b2J":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}')
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  writeFileSync(path, Buffer.concat([length, header]))
  const { stdout } = await inspect(path)
  expect(stdout).toContain('\\x1b[31mred\\x9b2J')
  expect([...stdout].some((character) => /\p{Cc}/u.test(character) && character !== '\n')).toBe(false)
})

test.each([
  ['whole-module.pt', 'FILE_UNSAFE', 'asks for torch.nn.modules.linear.Linear, which a checkpoint has no need of'],
  ['values-4.pkl', 'FILE_UNSUPPORTED', 'this is no checkpoint'],
  ['absent', 'FILE_NOT_FOUND', 'there is no such file'],
])('%s is refused in one line', async (name, errorCode, what) => {
  const { stdout, stderr, code } = await inspect(fixture(name))
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toMatch(/^[^\n]*\n$/)
  expect(stderr).toContain(`EegTorchError [${errorCode}]`)
  expect(stderr).toContain(what)
})
