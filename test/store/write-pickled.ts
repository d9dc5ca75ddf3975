import { mkdirSync } from 'node:fs'
import { nativeLmdb } from '../../lib/prepare/native.ts'

const uint32 = (value: number) => Buffer.from(Uint32Array.of(value).buffer)
const text = (value: string) => Buffer.concat([Buffer.from('X'), uint32(Buffer.byteLength(value)), Buffer.from(value)])
const number = (value: number) => Buffer.concat([Buffer.from('J'), uint32(value)])
/** Instructions of a pickle, a byte for each character, and values between them. */
const pickle = (...parts: (string | Buffer)[]) =>
  Buffer.concat([
    Buffer.of(0x80, 3),
    ...parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)),
    Buffer.from('.'),
  ])

/** `{"sample": zeros((channels, samples), dtype="float32"), "label": label}` as numpy pickles it, in protocol 3. */
function record(channels: number, samples: number, label: number): Buffer {
  const dtype = [
    'cnumpy\ndtype\n',
    text('f4'),
    '\x89\x88\x87R(K\x03',
    text('<'),
    'NNN',
    number(-1),
    number(-1),
    'K\0tb',
  ]
  const bytes = Buffer.alloc(4 * channels * samples)
  return pickle(
    ...['}(', text('sample'), 'cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85C\x01b\x87R'],
    ...['(K\x01', number(channels), number(samples), '\x86', ...dtype, '\x89B', uint32(bytes.length), bytes, 'tb'],
    ...[text('label'), number(label), 'u'],
  )
}

/** Writes records of zeros, one of each label from 0 on, as CBraMod keeps them. */
export async function writePickled(folder: string, count: number, channels: number, samples: number): Promise<void> {
  mkdirSync(folder)
  const keys = Array.from({ length: count }, (_, i) => `A01T-${i}`)
  const writer = nativeLmdb.openLmdbWriter(folder)
  try {
    for (const [label, key] of keys.entries())
      await nativeLmdb.writeLmdb(writer, [key], [record(channels, samples, label)])
    await nativeLmdb.writeLmdb(writer, ['__keys__'], [pickle('}(', text('train'), '](', ...keys.map(text), 'eu')])
  } finally {
    nativeLmdb.closeLmdbWriter(writer)
  }
}
