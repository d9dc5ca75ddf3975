import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { arange, openCheckpoint, readSafetensors, type Tensor, tensor, writeTorch, zeros } from 'eegtorch'
import { fixture } from './fixtures.ts'

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-torch-'))
afterAll(() => rmSync(folder, { recursive: true }))
const path = join(folder, 'written.pth')

const bytes = (t: Tensor) => Buffer.from((t.toTypedArray() as Uint8Array).buffer).toString('hex')

test('every element type comes back bit for bit', async () => {
  const tensors = await readSafetensors(fixture('every-dtype.safetensors')).loadAll()
  await writeTorch(path, tensors)
  const back = await openCheckpoint(path).tensors.loadAll()
  expect([...back.keys()]).toEqual([...tensors.keys()])
  for (const [name, t] of tensors) {
    const other = back.get(name)!
    expect([name, other.dtype, [...other.shape], bytes(other)]).toEqual([name, t.dtype, [...t.shape], bytes(t)])
  }
})

test('views, scalars, empty tensors and half of a storage are written as what they show', async () => {
  const base = arange(0, 24).reshape([4, 6])
  const state = {
    turned: base.t(),
    rows: base.at(2),
    scalar: tensor(2.5),
    empty: zeros([0, 3]),
    repeated: tensor([7]).expand([3]),
  }
  await writeTorch(path, new Map(Object.entries(state)))
  const back = await openCheckpoint(path).tensors.loadAll()
  for (const [name, t] of Object.entries(state)) expect(back.get(name)!.toArray()).toEqual(t.toArray())
})

test('plain values stand beside state dicts', async () => {
  const saved = {
    epoch: 7,
    lr: 1e-3,
    big: 2 ** 40,
    negative: -(2 ** 33),
    zero: -0,
    text: 'naïve \u{1f9e0}\n"',
    flags: [true, false, null],
    nested: { list: [1, [2.5, { deep: 'x' }]] },
  }
  await writeTorch(path, { ...saved, state_dict: new Map([['weight', tensor([1, 2])]]), none: null, __proto__x: 1 })
  const { metadata, keys, tensors } = openCheckpoint(path)
  expect(metadata.saved).toEqual({ ...saved, none: null, __proto__x: 1 })
  expect([keys, tensors.names]).toEqual([['state_dict'], ['weight']])
})

test('tensors start at multiples of 64 bytes, so that they are mapped', async () => {
  await writeTorch(
    path,
    new Map([
      ['odd', tensor([1, 2, 3], { dtype: 'uint8' })],
      ['wide', tensor([1, 2])],
    ]),
  )
  for (const { storage } of openCheckpoint(path).tensors.tensors.values()) expect(storage.offset % 64).toBe(0)
})

// torch.load(weights_only=True) of torch 2.11.0 read this very file, every type included.
test('the same tensors give the same bytes as the file that PyTorch was shown', async () => {
  await writeTorch(path, await readSafetensors(fixture('every-dtype.safetensors')).loadAll())
  const hash = createHash('sha256').update(readFileSync(path)).digest('hex')
  expect(hash).toBe('cb9b43a9347e0c7933205c9f461a4b84f0c6cea583549cf0e1b776e7b807f615')
})

test('other programs see a sound archive', async () => {
  await writeTorch(path, new Map([['weight', tensor([1, 2])]]))
  const python = 'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); print(z.testzip(), z.namelist())'
  let listed: string
  try {
    listed = execFileSync('python3', ['-c', python, path], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  } catch {
    return // no Python here
  }
  expect(listed).toBe("None ['archive/data.pkl', 'archive/byteorder', 'archive/data/0', 'archive/version']\n")
})

test('a file that cannot be written is one error, and the old one stays', async () => {
  await expect(writeTorch(join(folder, 'no', 'x.pth'), new Map([['w', tensor(1)]]))).rejects.toMatchObject({
    code: 'FILE_WRITE_FAILED',
  })
  writeFileSync(path, 'old')
  const sparse = tensor([0, 1]).to_sparse(1)
  await expect(writeTorch(path, new Map([['sparse', sparse as Tensor]]))).rejects.toThrow(/memory format/)
  expect(readFileSync(path, 'utf8')).toBe('old')
  expect(readdirSync(folder)).toEqual(['written.pth'])
})
