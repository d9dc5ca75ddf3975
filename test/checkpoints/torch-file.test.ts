import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isLegacyTorchFile, readLegacyTorchFile, readTorchZip } from '../../lib/checkpoints/torch-file.ts'
import { TorchTensor } from '../../lib/checkpoints/torch-names.ts'
import { PythonObject } from '../../lib/pickle/values.ts'
import { writeZip } from '../files/zip-writer.ts'
import { fixture, readFixture } from './fixtures.ts'

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-torch-file-'))
let count = 0
function temporary(content: Uint8Array): string {
  const path = join(folder, `${count++}.pt`)
  writeFileSync(path, content)
  return path
}

/** A checkpoint whose data.pkl holds these bytes, with storages by key. */
function checkpoint(pickle: string, storages: Record<string, Uint8Array> = {}, deflate = false): string {
  const data = Object.entries(storages).map(([key, content]) => ({ name: `a/data/${key}`, content, deflate }))
  return temporary(writeZip([{ name: 'a/data.pkl', content: Buffer.from(pickle, 'latin1') }, ...data]))
}

/** A pickle of one tensor over storage '0' of `elements` float32. */
function tensorPickle(
  elements: number,
  offset: number,
  shape: number[],
  strides: number[],
  type = 'FloatStorage',
): string {
  const int = (n: number) => `L${n}L\n`
  const tuple = (numbers: number[]) => `(${numbers.map(int).join('')}t`
  const storage = `(S'storage'\nctorch\n${type}\nS'0'\nS'cpu'\n${int(elements)}tQ`
  return `ctorch._utils\n_rebuild_tensor_v2\n(${storage}${int(offset)}${tuple(shape)}${tuple(strides)}I00\nNtR.`
}

describe.each([
  ['zip', () => readTorchZip(fixture('state.pt'))],
  ['legacy', () => readLegacyTorchFile(fixture('state-legacy.pt'))],
])('a state dict in the %s format', (_format, read) => {
  const file = read()
  const state = file.data as Map<string, TorchTensor>

  test.each([
    ['encoder.weight', 'float32', [4, 6], [6, 1], 0],
    ['transposed', 'float32', [6, 4], [1, 6], 0],
    ['rows', 'float32', [2, 3], [6, 2], 6],
    ['expanded', 'float32', [3], [0], 0],
    ['scalar', 'int64', [], [], 0],
    ['empty', 'float32', [0, 4], [4, 1], 0],
    ['half', 'float16', [2], [1], 0],
    ['brain', 'bfloat16', [3], [1], 0],
    ['flags', 'bool', [3], [1], 0],
    ['complex', 'complex64', [2], [1], 0],
    ['small', 'float8_e4m3fn', [2], [1], 0],
  ])('%s', (name, dtype, shape, strides, storageOffset) => {
    expect(state.get(name)).toBeInstanceOf(TorchTensor)
    expect(state.get(name)).toMatchObject({ dtype, shape, strides, storageOffset })
  })

  test('tensors that shared memory name the same storage', () => {
    const storages = ['encoder.weight', 'decoder.weight', 'transposed', 'rows'].map((name) => state.get(name)!.storage)
    expect(new Set(storages).size).toBe(1)
    expect(state.get('half')!.storage).not.toBe(storages[0])
  })

  test('every storage lies in the file, with its numbers', () => {
    const bytes = readFixture(file.format === 'torch' ? 'state.pt' : 'state-legacy.pt')
    const { offset, bytes: length } = state.get('encoder.weight')!.storage
    const numbers = new Float32Array(bytes.slice(offset, offset + length).buffer)
    expect(Array.from(numbers)).toEqual(Array.from({ length: 24 }, (_, i) => i))
  })
})

test('a training checkpoint is plain data', () => {
  const data = readTorchZip(fixture('training.pth')).data as Map<string, unknown>
  expect(Object.fromEntries(data)).toMatchObject({
    epoch: 7,
    best: 0.875,
    count: 12,
    classes: ['left', 'right'],
    device: 'cuda:1',
    dtype: 'bfloat16',
    size: [2, 3],
    seen: new Set([1, 2]),
    big: 2n ** 80n,
    nothing: null,
  })
  expect([...(data.get('model') as Map<string, unknown>).keys()]).toEqual(['module.weight', 'module.bias'])
  expect(data.get('args')).toBeInstanceOf(PythonObject)
})

test('the two formats are told apart', () => {
  expect(isLegacyTorchFile(readFixture('state-legacy.pt'))).toBe(true)
  expect(isLegacyTorchFile(readFixture('state.pt'))).toBe(false)
  expect(isLegacyTorchFile(new Uint8Array())).toBe(false)
})

test('a whole module is refused by the name of its class', () => {
  expect(() => readTorchZip(fixture('whole-module.pt'))).toThrow(
    /whole-module.pt: asks for torch.nn.modules.linear.Linear, which a checkpoint has no need of/,
  )
})

test('a storage of a compressed archive is unpacked when asked for', async () => {
  const content = new Uint8Array(new Float32Array([1, 2, 3, 4]).buffer)
  const { data } = readTorchZip(checkpoint(tensorPickle(4, 0, [4], [1]), { 0: content }, true))
  expect(Buffer.from(await (data as TorchTensor).storage.unpack!())).toEqual(Buffer.from(content))
})

const sixteen = { 0: new Uint8Array(16) }
test.each<[string, () => unknown, string, RegExp]>([
  [
    'os.system',
    () => readTorchZip(checkpoint("cos\nsystem\n(S'true'\ntR.")),
    'FILE_UNSAFE',
    /asks for os.system, which a checkpoint has no need of/,
  ],
  [
    'an archive of something else',
    () => readTorchZip(temporary(writeZip([{ name: 'a.txt', content: Buffer.from('a') }]))),
    'FILE_INVALID',
    /no PyTorch checkpoint/,
  ],
  [
    "a TorchScript archive that asks for more than its own program's classes",
    () =>
      readTorchZip(
        temporary(
          writeZip([
            { name: 'a/constants.pkl', content: Buffer.from('.') },
            { name: 'a/data.pkl', content: Buffer.from("cos\nsystem\n(S'true'\ntR.") },
          ]),
        ),
      ),
    'FILE_UNSAFE',
    /asks for os.system/,
  ],
  [
    'big-endian',
    () =>
      readTorchZip(
        temporary(
          writeZip([
            { name: 'a/byteorder', content: Buffer.from('big') },
            { name: 'a/data.pkl', content: Buffer.from('.') },
          ]),
        ),
      ),
    'FILE_UNSUPPORTED',
    /expected little, received "big"/,
  ],
  [
    'a storage that is not there',
    () => readTorchZip(checkpoint(tensorPickle(4, 0, [4], [1]))),
    'FILE_INVALID',
    /no entry "a\/data\/0"/,
  ],
  [
    'a storage that claims a terabyte',
    () => readTorchZip(checkpoint(tensorPickle(2 ** 38, 0, [2 ** 38], [1]), sixteen)),
    'FILE_TRUNCATED',
    /expected 1099511627776 bytes, received 16/,
  ],
  [
    'a tensor larger than its storage',
    () => readTorchZip(checkpoint(tensorPickle(4, 1, [4], [1]), sixteen)),
    'FILE_TRUNCATED',
    /expected 20 bytes for shape \(4\), received 16/,
  ],
  [
    'a tensor that strides out of its storage',
    () => readTorchZip(checkpoint(tensorPickle(4, 0, [2], [4]), sixteen)),
    'FILE_TRUNCATED',
    /larger than its storage/,
  ],
  [
    'a negative shape',
    () => readTorchZip(checkpoint(tensorPickle(4, 0, [-4], [1]), sixteen)),
    'FILE_INVALID',
    /make no sense/,
  ],
  [
    'a negative stride',
    () => readTorchZip(checkpoint(tensorPickle(4, 3, [4], [-1]), sixteen)),
    'FILE_INVALID',
    /make no sense/,
  ],
  [
    'a negative offset',
    () => readTorchZip(checkpoint(tensorPickle(4, -1, [4], [1]), sixteen)),
    'FILE_INVALID',
    /make no sense/,
  ],
  [
    'an overflowing shape',
    () => readTorchZip(checkpoint(tensorPickle(4, 0, [2 ** 40, 2 ** 40], [0, 0]), sixteen)),
    'FILE_INVALID',
    /make no sense/,
  ],
  [
    'four bytes repeated to a terabyte',
    () => readTorchZip(checkpoint(tensorPickle(4, 0, [2 ** 38], [0]), sixteen)),
    'FILE_UNSAFE',
    /repeats 16 bytes/,
  ],
  [
    'another number of strides',
    () => readTorchZip(checkpoint(tensorPickle(4, 0, [4], [1, 1]), sixteen)),
    'FILE_INVALID',
    /make no sense/,
  ],
  [
    'a thousand dimensions',
    () => readTorchZip(checkpoint(tensorPickle(4, 0, Array(1000).fill(1), Array(1000).fill(1)), sixteen)),
    'FILE_INVALID',
    /make no sense/,
  ],
  [
    'a quantised tensor',
    () => readTorchZip(checkpoint('ctorch._utils\n_rebuild_qtensor\n)R.')),
    'FILE_UNSUPPORTED',
    /quantised tensors cannot be read/,
  ],
  [
    'a storage class of another kind',
    () => readTorchZip(checkpoint(tensorPickle(4, 0, [4], [1], 'Generator'))),
    'FILE_UNSAFE',
    /asks for torch.Generator/,
  ],
  ['a storage id that is none', () => readTorchZip(checkpoint("S'x'\nQ.")), 'FILE_INVALID', /makes no sense/],
  [
    'an old file cut inside its pickles',
    () => readLegacyTorchFile(temporary(readFixture('state-legacy.pt').slice(0, 100))),
    'FILE_TRUNCATED',
    /ends too early/,
  ],
  [
    'an old file cut inside its storages',
    () => readLegacyTorchFile(temporary(readFixture('state-legacy.pt').slice(0, -1))),
    'FILE_TRUNCATED',
    /ends inside storage/,
  ],
  [
    'an old file of another kind',
    () => readLegacyTorchFile(temporary(readFixture('values-2.pkl'))),
    'FILE_INVALID',
    /no PyTorch checkpoint/,
  ],
])('%s is refused', (_what, read, code, message) => {
  expect(read).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }))
})
