import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openCheckpoint } from '../../lib/checkpoints/checkpoint.ts'
import type { EegTorchError } from '../../lib/errors.ts'
import { builtEntry } from '../built.ts'
import { writeZip } from '../files/zip-writer.ts'
import { readFixture } from './fixtures.ts'

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-hostile-'))
afterAll(() => rmSync(folder, { recursive: true }))

function checkpointOf(pickle: string): Buffer {
  return writeZip([{ name: 'a/data.pkl', content: Buffer.from(pickle, 'latin1') }])
}

function safetensorsOf(header: string): Buffer {
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(header)))
  return Buffer.concat([length, Buffer.from(header)])
}

/** A state dict of one sound tensor, and beside it whatever this pickle makes. */
function besideTensor(pickle: string): Buffer {
  const storage = "(S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nK\x01tQ"
  const dict = `}(S'w'\nctorch._utils\n_rebuild_tensor_v2\n(${storage}K\x00(K\x01t(K\x01tI00\nNtRS'x'\n${pickle}u.`
  return writeZip([
    { name: 'a/data.pkl', content: Buffer.from(dict, 'latin1') },
    { name: 'a/data/0', content: new Uint8Array(4) },
  ])
}

/** A tuple that holds ten times a tuple that holds ten times ... : 10^30 values in 700 bytes. */
const laughs = Array.from({ length: 30 }, (_, i) => {
  const recall = i === 0 ? 'N' : `h${String.fromCharCode(i)}`
  return `${i === 0 ? '' : '0'}(${recall.repeat(10)}tq${String.fromCharCode(i + 1)}`
}).join('')

const openings: [string, Uint8Array, string, RegExp][] = [
  ['an empty file', new Uint8Array(), 'FILE_TRUNCATED', /at least 8 bytes/],
  [
    'a header of a terabyte',
    Buffer.from('0000000000010000'.concat('7b7d'), 'hex'),
    'FILE_INVALID',
    /header claims to be too long/,
  ],
  [
    'overlapping ranges',
    safetensorsOf(
      '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}',
    ),
    'FILE_INVALID',
    /overlap/,
  ],
  [
    'a negative range',
    safetensorsOf('{"a":{"dtype":"U8","shape":[1],"data_offsets":[-1,0]}}'),
    'FILE_INVALID',
    /received -1/,
  ],
  ['a JSON bomb', safetensorsOf('{"a":'.repeat(200_000)), 'FILE_INVALID', /nesting deeper than 64/],
  ['metadata that is no JSON', safetensorsOf('{"__metadata__":{"eegtorch":"nonsense"}}'), 'FILE_INVALID', /not JSON/],
  ['metadata that is a list', safetensorsOf('{"__metadata__":{"eegtorch":"[]"}}'), 'FILE_INVALID', /not a JSON object/],
  [
    'a picture',
    Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.alloc(100)]),
    'FILE_INVALID',
    /a file of another format/,
  ],
  ['a bare pickle', readFixture('values-4.pkl'), 'FILE_UNSUPPORTED', /received a bare pickle/],
  [
    'a tar archive',
    Buffer.concat([Buffer.from('pickle'), Buffer.alloc(251), Buffer.from('ustar\0'), Buffer.alloc(249)]),
    'FILE_UNSUPPORTED',
    /received a tar archive/,
  ],
  [
    'a pickle that calls os.system',
    checkpointOf("cos\nsystem\n(S'touch pwned'\ntR."),
    'FILE_UNSAFE',
    /asks for os.system, which a checkpoint has no need of/,
  ],
  [
    'a pickle that hides os.system in a dict',
    checkpointOf("}S'a'\n\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02ls\x85Rs."),
    'FILE_UNSAFE',
    /asks for os.system/,
  ],
  [
    'a hundred thousand lists in each other',
    besideTensor(']'.repeat(100_000) + 'a'.repeat(99_999)),
    'FILE_UNSAFE',
    /nests or repeats/,
  ],
  ['a billion laughs', besideTensor(laughs), 'FILE_UNSAFE', /nests or repeats itself endlessly/],
  ['a list that holds itself', besideTensor(']q\x00h\x00a'), 'FILE_UNSAFE', /nests or repeats/],
  ['a bomb of the memo', checkpointOf(`}${'\x94'.repeat(2 ** 22 + 1)}.`), 'FILE_UNSAFE', /remembers more than/],
  ['a number instead of a dict', checkpointOf('K\x01.'), 'FILE_INVALID', /holds no state dict/],
  ['a dict that holds itself', checkpointOf("}q\x00S'model'\nh\x00s."), 'FILE_INVALID', /holds no state dict/],
]

test.each(openings)('%s is refused', (_what, content, code, message) => {
  const path = join(folder, 'hostile')
  writeFileSync(path, content)
  let error: EegTorchError | undefined
  try {
    openCheckpoint(path)
  } catch (caught) {
    error = caught as EegTorchError
  }
  expect(error).toMatchObject({ code, file: path })
  expect(error!.message).toMatch(message)
})

test('sound data beside a tensor is not refused', () => {
  const path = join(folder, 'sound')
  writeFileSync(path, besideTensor('(I1\nI2\nt'))
  expect(openCheckpoint(path)).toMatchObject({ format: 'torch', metadata: { saved: { x: [1, 2] } } })
})

test('a pipe is refused at once, and not waited for', () => {
  const path = join(folder, 'pipe')
  execFileSync('mkfifo', [path])
  expect(() => openCheckpoint(path)).toThrow(expect.objectContaining({ code: 'FILE_INVALID' }))
})

test.each([
  ['without weights', [], 'FILE_NOT_FOUND', /holds no weights/],
  ['whose config is a folder', ['config.json'], 'FILE_INVALID', /not a file/],
])('a folder %s is refused', (_what, folders, code, message) => {
  const path = mkdtempSync(join(folder, 'layout-'))
  for (const name of folders) {
    mkdirSync(join(path, name))
    writeFileSync(join(path, 'model.safetensors'), readFixture('linear.safetensors'))
  }
  expect(() => openCheckpoint(path)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }))
})

// A limit on the size of files stands for a full disk: the write fails in the middle either way.
test('a disk that fills up while a checkpoint is written leaves the old one and nothing half', async () => {
  const path = mkdtempSync(join(folder, 'full-'))
  const script = `
    import { ones, writeSafetensors } from ${JSON.stringify(builtEntry)}
    const path = ${JSON.stringify(join(path, 'x.safetensors'))}
    await writeSafetensors(path, { x: ones([10]) })
    try {
      await writeSafetensors(path, { x: ones([1_000_000]) })
    } catch ({ code, message }) {
      console.log(code, message)
    }`
  const program = join(path, 'write.mjs')
  writeFileSync(program, script)
  const output = execFileSync('bash', ['-c', `ulimit -f 1000; exec ${process.execPath} ${program}`], {
    encoding: 'utf8',
  })
  expect(output).toMatch(/^FILE_WRITE_FAILED .*x.safetensors: cannot be written \(File too large\)\n$/)
  expect(readdirSync(path).sort()).toEqual(['write.mjs', 'x.safetensors'])
  expect(openCheckpoint(join(path, 'x.safetensors')).tensors.tensors.get('x')!.shape).toEqual([10])
})
