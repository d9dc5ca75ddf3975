import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ones, openCheckpoint, tensor, writeSafetensors, writeTorch } from 'eegtorch'
import { errorOf } from '../thrown.ts'

const root = mkdtempSync(join(tmpdir(), 'eegtorch-folders-'))
afterAll(() => rmSync(root, { recursive: true }))
const folderOf = (name: string) => {
  const folder = join(root, name)
  mkdirSync(folder, { recursive: true })
  return folder
}
const index = (map: unknown) => JSON.stringify({ metadata: { total_size: 24 }, weight_map: map })
const SHARDS = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'] as const

async function sharded(name: string, map: unknown = { a: SHARDS[0], b: SHARDS[1], c: SHARDS[0] }): Promise<string> {
  const folder = folderOf(name)
  await writeSafetensors(join(folder, SHARDS[0]), { a: tensor([1, 2]), c: tensor([5]) })
  await writeSafetensors(join(folder, SHARDS[1]), { b: tensor([3, 4, 9]) })
  writeFileSync(join(folder, 'model.safetensors.index.json'), index(map))
  return folder
}

test.each(['', 'model.safetensors.index.json'])('shards are read as one checkpoint (from %j)', async (name) => {
  const folder = await sharded('shards')
  const { tensors } = openCheckpoint(join(folder, name))
  expect(tensors.names).toEqual(['a', 'b', 'c'])
  const loaded = await tensors.loadAll({ names: ['c', 'b'] })
  expect([...loaded].map(([key, value]) => [key, value.toArray()])).toEqual([
    ['c', [5]],
    ['b', [3, 4, 9]],
  ])
  expect((await tensors.load('a', { copy: true })).toArray()).toEqual([1, 2])
})

test('shards of pickles are read too', async () => {
  const folder = folderOf('pickled')
  await writeTorch(join(folder, 'one.bin'), new Map([['a', tensor([1])]]))
  await writeTorch(join(folder, 'two.bin'), new Map([['b', tensor([2])]]))
  writeFileSync(join(folder, 'pytorch_model.bin.index.json'), index({ a: 'one.bin', b: 'two.bin' }))
  const loaded = await openCheckpoint(folder).tensors.loadAll()
  expect([...loaded].map(([key, value]) => [key, value.toArray()])).toEqual([
    ['a', [1]],
    ['b', [2]],
  ])
})

test('missing shards are listed', async () => {
  const folder = await sharded('missing')
  rmSync(join(folder, SHARDS[1]))
  expect(errorOf(() => openCheckpoint(folder))).toMatchObject({
    code: 'FILE_NOT_FOUND',
    file: join(folder, 'model.safetensors.index.json'),
    message: expect.stringMatching(/1 of 2 shards are missing.*model-00002-of-00002\.safetensors/),
  })
})

test.each([
  ['leads out of the folder', { a: '../weights.safetensors' }, 'FILE_UNSAFE', /outside of its folder/],
  ['is an absolute path', { a: '/etc/passwd' }, 'FILE_UNSAFE', /outside of its folder/],
  ['is the folder itself', { a: '..' }, 'FILE_UNSAFE', /outside of its folder/],
  ['is no text', { a: 7 }, 'FILE_INVALID', /names no file for tensor "a"/],
  ['lacks the tensor', { a: SHARDS[1] }, 'FILE_INVALID', /names tensor "a", which its shard lacks/],
  ['is the index', { a: 'model.safetensors.index.json' }, 'FILE_INVALID', /./],
  ['is none', {}, 'FILE_INVALID', /names no tensor/],
  ['is in no map', [1], 'FILE_INVALID', /has no weight_map/],
])('an index whose shard %s is refused', async (name, map, code, message) => {
  const folder = await sharded(name.replaceAll(' ', '-'), map)
  const error = errorOf(() => openCheckpoint(folder))
  expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)])
})

test('a shard whose header claims more than the file is refused and named', async () => {
  const folder = await sharded('short')
  const header = JSON.stringify({ b: { dtype: 'F32', shape: [1000], data_offsets: [0, 4000] } })
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  writeFileSync(join(folder, SHARDS[1]), Buffer.concat([length, Buffer.from(header), Buffer.alloc(16)]))
  expect(errorOf(() => openCheckpoint(folder))).toMatchObject({ code: 'FILE_TRUNCATED', file: join(folder, SHARDS[1]) })
})

test('the variant that is asked for is taken, else the plain weights, else the only ones', async () => {
  const folder = folderOf('variants')
  const write = (name: string, value: number) => writeSafetensors(join(folder, name), { w: ones([1]).mul(value) })
  await write('diffusion_pytorch_model.fp16.safetensors', 16)
  const read = async (variant?: string) => (await openCheckpoint(folder, { variant }).tensors.load('w')).toArray()
  expect(await read()).toEqual([16])
  await write('diffusion_pytorch_model.non_ema.safetensors', 8)
  expect(errorOf(() => openCheckpoint(folder))).toMatchObject({
    code: 'FILE_NOT_FOUND',
    option: 'variant',
    expected: 'one of fp16, non_ema',
  })
  expect([await read('fp16'), await read('non_ema')]).toEqual([[16], [8]])
  await write('diffusion_pytorch_model.safetensors', 32)
  expect([await read(), await read('fp16')]).toEqual([[32], [16]])
  expect(errorOf(() => openCheckpoint(folder, { variant: 'bf16' })).message).toMatch(/no weights of variant bf16/)
})

test.each(['model.fp16.safetensors.index.json', 'model.safetensors.index.fp16.json'])(
  'a sharded variant is found by its index %s',
  async (name) => {
    const folder = folderOf(`sharded-${name}`)
    await writeSafetensors(join(folder, 'model.fp16-00001-of-00001.safetensors'), { a: tensor([1]) })
    writeFileSync(join(folder, name), index({ a: 'model.fp16-00001-of-00001.safetensors' }))
    expect(openCheckpoint(folder, { variant: 'fp16' }).tensors.names).toEqual(['a'])
    expect(openCheckpoint(folder).tensors.names).toEqual(['a'])
  },
)

test('safetensors go before pickles, and a folder without an index of its shards says so', async () => {
  const folder = folderOf('both')
  await writeTorch(join(folder, 'pytorch_model.bin'), new Map([['pickled', tensor([1])]]))
  await writeSafetensors(join(folder, 'model.safetensors'), { safe: tensor([1]) })
  expect(openCheckpoint(folder).tensors.names).toEqual(['safe'])
  const bare = await sharded('bare')
  rmSync(join(bare, 'model.safetensors.index.json'))
  expect(errorOf(() => openCheckpoint(bare)).message).toMatch(/no weights.*2 shards without their index/)
})
