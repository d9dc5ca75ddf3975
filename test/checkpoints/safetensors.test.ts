import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EegTorchError, memory, ones, tensor } from 'eegtorch'
import { readSafetensors, writeSafetensors } from '../../lib/checkpoints/safetensors.ts'

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-safetensors-'))
afterAll(() => rmSync(folder, { recursive: true }))

const example = () => ({
  weight: tensor([
    [1, 2],
    [3, 4],
  ]),
  'half.bias': ones([3], { dtype: 'bfloat16' }),
  steps: tensor([7n]),
  empty: ones([0, 2]),
})

test.each([{ copy: false }, { copy: true }])('tensors come back as they were written, with %j', async (options) => {
  const path = join(folder, 'round.safetensors')
  await writeSafetensors(path, example(), { note: 'ü' })
  const file = readSafetensors(path)
  expect([...file.metadata]).toEqual([['note', 'ü']])
  const loaded = await file.loadAll(options)
  for (const [name, expected] of Object.entries(example())) {
    const got = loaded.get(name)!
    expect([name, got.dtype, got.shape, got.toArray()]).toEqual([
      name,
      expected.dtype,
      expected.shape,
      expected.toArray(),
    ])
  }
})

test('the same tensors give the same bytes, whatever the order of the names', async () => {
  const [a, b] = [join(folder, 'a.safetensors'), join(folder, 'b.safetensors')]
  await writeSafetensors(a, example())
  await writeSafetensors(b, new Map(Object.entries(example()).reverse()))
  const digest = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')
  expect(digest(a)).toBe(digest(b))
})

test('a mapped tensor does not write back to its file', async () => {
  const path = join(folder, 'private.safetensors')
  await writeSafetensors(path, { x: ones([2]) })
  const x = await readSafetensors(path).load('x')
  x.add_(5)
  expect((await readSafetensors(path).load('x')).toArray()).toEqual([1, 1])
})

test('a file that was shortened after it was listed is refused, not touched', async () => {
  const path = join(folder, 'short.safetensors')
  await writeSafetensors(path, { x: ones([1000]) })
  const file = readSafetensors(path)
  truncateSync(path, 500)
  await expect(file.load('x')).rejects.toMatchObject({
    code: 'FILE_TRUNCATED',
    message: expect.stringContaining(path),
  })
})

test('a folder that cannot be written to leaves the old file and no temporary one', async () => {
  const path = join(folder, 'no-such-folder', 'x.safetensors')
  await expect(writeSafetensors(path, { x: ones([1]) })).rejects.toMatchObject({ code: 'FILE_WRITE_FAILED' })
  const occupied = mkdtempSync(join(folder, 'occupied-'))
  writeFileSync(join(occupied, 'x'), 'old')
  // A folder with something in it stands where the file should go: the last step, the renaming, fails.
  await expect(writeSafetensors(occupied, { x: ones([1]) })).rejects.toMatchObject({ code: 'FILE_WRITE_FAILED' })
  expect([readFileSync(join(occupied, 'x'), 'utf8'), readdirSync(folder).filter((name) => /tmp/.test(name))]).toEqual([
    'old',
    [],
  ])
})

test('loading and disposing leaves no tensor behind', async () => {
  const path = join(folder, 'count.safetensors')
  const made = example()
  await writeSafetensors(path, made)
  const before = memory().tensors
  for (let i = 0; i < 20; i++) for (const x of (await readSafetensors(path).loadAll()).values()) x.dispose()
  // Collected tensors of earlier tests may lower the count meanwhile; nothing may raise it.
  expect(memory().tensors).toBeLessThanOrEqual(before)
})

test('a missing name and a missing file are named', async () => {
  const path = join(folder, 'names.safetensors')
  await writeSafetensors(path, { x: ones([1]) })
  await expect(readSafetensors(path).load('y')).rejects.toMatchObject({ code: 'UNKNOWN_NAME' })
  let error: EegTorchError | undefined
  try {
    readSafetensors(join(folder, 'absent.safetensors'))
  } catch (caught) {
    error = caught as EegTorchError
  }
  expect(error?.code).toBe('FILE_NOT_FOUND')
})

// A mapping starts on a page, so the place in the file decides; the reference implementation pads the header, others may not.
test.each([0, 1, 3, 4])('numbers that start %i bytes off their width are read all the same', async (shift) => {
  const path = join(folder, `shifted-${shift}.safetensors`)
  const header = '{"x":{"dtype":"F64","shape":[3],"data_offsets":[0,24]}}'
  const padded = header.padEnd(Math.ceil(header.length / 8) * 8 + shift)
  const bytes = Buffer.alloc(8 + padded.length + 24)
  bytes.writeBigUInt64LE(BigInt(padded.length))
  bytes.write(padded, 8)
  for (const [i, value] of [1.5, -2, 0.1].entries()) bytes.writeDoubleLE(value, 8 + padded.length + 8 * i)
  writeFileSync(path, bytes)
  const x = await readSafetensors(path).load('x')
  expect(x.toArray()).toEqual([1.5, -2, 0.1])
  expect(x.mul(2).toArray()).toEqual([3, -4, 0.2])
})

test('a file that is replaced while its tensors live leaves them as they were', async () => {
  const path = join(folder, 'replaced.safetensors')
  await writeSafetensors(path, { x: ones([100_000]) })
  const x = await readSafetensors(path).load('x')
  await writeSafetensors(path, { x: ones([1]) })
  expect(x.sum().item()).toBe(100_000)
})
