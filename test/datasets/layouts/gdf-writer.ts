/** What a GDF file is made of. */
export interface GdfContent {
  labels: readonly string[]
  samplingRate: number
  /** Stored 16-bit numbers of each channel; a whole number of seconds. A step is half a microvolt. */
  data: readonly (readonly number[] | Int16Array)[]
  events: readonly { position: number; code: number; duration?: number }[]
}

/** A GDF 1.25 file with records of one second and events of mode 3. */
export function writeGdf({ labels, samplingRate, data, events }: GdfContent): Buffer {
  const n = labels.length
  const nRecords = data[0]!.length / samplingRate
  const fixed = Buffer.alloc(256)
  fixed.write('GDF 1.25', 0)
  fixed.write('2005010112000000', 168)
  fixed.writeBigInt64LE(BigInt(256 * (n + 1)), 184)
  fixed.writeBigInt64LE(BigInt(nRecords), 236)
  fixed.writeUInt32LE(1, 244)
  fixed.writeUInt32LE(1, 248)
  fixed.writeUInt32LE(n, 252)
  const fields = Buffer.alloc(256 * n)
  for (let i = 0; i < n; i++) {
    fields.write(labels[i]!.padEnd(16), 16 * i)
    fields.write('uV'.padEnd(8), 96 * n + 8 * i)
    fields.writeDoubleLE(-16384, 104 * n + 8 * i)
    fields.writeDoubleLE(16383.5, 112 * n + 8 * i)
    fields.writeBigInt64LE(-32768n, 120 * n + 8 * i)
    fields.writeBigInt64LE(32767n, 128 * n + 8 * i)
    fields.writeUInt32LE(samplingRate, 216 * n + 4 * i)
    fields.writeUInt32LE(3, 220 * n + 4 * i)
  }
  return Buffer.concat([fixed, fields, ...records(data, samplingRate, nRecords), eventTable(events, samplingRate)])
}

function records(data: GdfContent['data'], samplingRate: number, nRecords: number): Buffer[] {
  return Array.from({ length: nRecords }, (_, record) => {
    const bytes = Buffer.alloc(2 * samplingRate * data.length)
    for (const [channel, values] of data.entries()) {
      for (let i = 0; i < samplingRate; i++) {
        bytes.writeInt16LE(values[record * samplingRate + i]!, 2 * (channel * samplingRate + i))
      }
    }
    return bytes
  })
}

function eventTable(events: GdfContent['events'], samplingRate: number): Buffer {
  const n = events.length
  const table = Buffer.alloc(8 + 12 * n)
  table[0] = 3
  table.writeUIntLE(samplingRate, 1, 3)
  table.writeUInt32LE(n, 4)
  for (const [i, { position, code, duration = 1 }] of events.entries()) {
    table.writeUInt32LE(position + 1, 8 + 4 * i)
    table.writeUInt16LE(code, 8 + 4 * n + 2 * i)
    table.writeUInt16LE(0, 8 + 6 * n + 2 * i)
    table.writeUInt32LE(duration, 8 + 8 * n + 4 * i)
  }
  return table
}
