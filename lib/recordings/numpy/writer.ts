import { crc32 } from 'node:zlib'
import { EegTorchError } from '../../errors.ts'
import { writeFileAtomically } from '../../files/atomic.ts'
import type { Recording } from '../recording.ts'

/**
 * Writes a recording as named arrays of NumPy (`.npz`): `data` (channels, samples; float64, volts), `sfreq`, `ch_names`, `ch_types`, `units`,
 * `event_onset`, `event_duration`, `event_label`, `segment_onset`, `segment_sample`.
 *
 * @throws EegTorchError `FILE_UNSUPPORTED` for channels of several rates or more than 4 GB, `FILE_WRITE_FAILED`
 */
export async function writeNpz(file: string, recording: Recording): Promise<void> {
  const { channels, events, samplingRate, segments } = recording
  if (channels.some((channel) => channel.samplingRate !== samplingRate)) {
    throw new EegTorchError('FILE_UNSUPPORTED', 'an array holds channels of one rate', {
      file,
      expected: `${samplingRate} Hz`,
    })
  }
  const data = (await recording.ready()).read()
  const bytes = 8 * channels.length * recording.nSamples
  if (bytes > 2 ** 32 - 2 ** 20) {
    throw new EegTorchError('FILE_UNSUPPORTED', 'the recording is too long for one array', {
      file,
      received: `${bytes} bytes`,
    })
  }
  const body = Buffer.concat(
    data.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength)),
  )
  const entries: [string, Buffer][] = [
    ['data', npy('<f8', [channels.length, recording.nSamples], body)],
    ['sfreq', npy('<f8', [], floats([samplingRate]))],
    ['ch_names', texts(channels.map(({ name }) => name))],
    ['ch_types', texts(channels.map(({ type }) => type))],
    ['units', texts(channels.map(({ unit }) => unit))],
    ['event_onset', npy('<f8', [events.length], floats(events.map(({ onset }) => onset)))],
    ['event_duration', npy('<f8', [events.length], floats(events.map(({ duration }) => duration)))],
    ['event_label', texts(events.map(({ label }) => label))],
    ['segment_onset', npy('<f8', [segments.length], floats(segments.map(({ onset }) => onset)))],
    ['segment_sample', npy('<f8', [segments.length], floats(segments.map(({ sample }) => sample)))],
  ]
  await writeFileAtomically(file, zip(entries))
}

function npy(descr: string, shape: readonly number[], body: Buffer): Buffer {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ')
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${sizes}), }`
  // The numbers begin at a multiple of 64 bytes.
  const padded = text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)
  const head = Buffer.from(`\x93NUMPY\x01\x00\0\0${padded}\n`, 'latin1')
  head.writeUInt16LE(padded.length + 1, 8)
  return Buffer.concat([head, body])
}

function floats(values: readonly number[]): Buffer {
  const out = Buffer.alloc(8 * values.length)
  for (const [i, value] of values.entries()) out.writeDoubleLE(value, 8 * i)
  return out
}

function texts(values: readonly string[]): Buffer {
  const codes = values.map((value) => Array.from(value, (character) => character.codePointAt(0)!))
  const width = Math.max(1, ...codes.map(({ length }) => length))
  const out = Buffer.alloc(4 * width * values.length)
  for (const [i, points] of codes.entries()) {
    for (const [k, point] of points.entries()) out.writeUInt32LE(point, 4 * (i * width + k))
  }
  return npy(`<U${width}`, [values.length], out)
}

/** A zip archive of stored entries; names are plain ASCII. */
function zip(entries: readonly [name: string, content: Buffer][]): Buffer {
  const [parts, directory]: [Buffer[], Buffer[]] = [[], []]
  let offset = 0
  for (const [name, content] of entries) {
    const path = Buffer.from(`${name}.npy`, 'latin1')
    const shared = Buffer.alloc(26)
    shared.writeUInt16LE(20, 0)
    // 1 January 1980: the same recording gives the same bytes.
    shared.writeUInt16LE(0x21, 8)
    shared.writeUInt32LE(crc32(content), 10)
    shared.writeUInt32LE(content.length, 14)
    shared.writeUInt32LE(content.length, 18)
    shared.writeUInt16LE(path.length, 22)
    parts.push(Buffer.from('PK\x03\x04', 'latin1'), shared, path, content)
    const rest = Buffer.alloc(14)
    rest.writeUInt32LE(offset, 10)
    directory.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), shared, rest, path)
    offset += 30 + path.length + content.length
  }
  const index = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(index.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...parts, index, end])
}
