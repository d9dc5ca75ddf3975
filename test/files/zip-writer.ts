import { crc32, deflateRawSync } from 'node:zlib'

/** What a test archive holds; the overrides put lies into its directory. */
export interface Member {
  name: string
  content: Uint8Array
  deflate?: boolean
  zip64?: boolean
  lie?: {
    size?: number
    compressedSize?: number
    crc32?: number
    headerOffset?: number
    method?: number
    flags?: number
  }
}

/** Writes a zip archive in memory, so that tests need no other program and can make broken ones. */
export function writeZip(members: Member[], { zip64 = false, comment = '' } = {}): Buffer {
  const body: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const member of members) {
    const name = Buffer.from(member.name)
    const data = member.deflate ? deflateRawSync(member.content) : Buffer.from(member.content)
    const truth = {
      size: member.content.length,
      compressedSize: data.length,
      crc32: crc32(member.content),
      headerOffset: offset,
      method: member.deflate ? 8 : 0,
      flags: 0x800,
    }
    const local = Buffer.alloc(30)
    local.writeUInt32LE(0x04034b50, 0)
    local.writeUInt16LE(truth.method, 8)
    local.writeUInt16LE(name.length, 26)
    body.push(local, name, data)
    directory.push(directoryEntry(name, { ...truth, ...member.lie }, member.zip64 ?? false))
    offset += 30 + name.length + data.length
  }
  const listing = Buffer.concat(directory)
  const end = zip64 ? end64(members.length, listing.length, offset) : Buffer.alloc(0)
  return Buffer.concat([...body, listing, end, endRecord(members.length, listing.length, offset, zip64, comment)])
}

type Fields = Required<NonNullable<Member['lie']>>

function directoryEntry(name: Buffer, fields: Fields, zip64: boolean): Buffer {
  const extra = Buffer.alloc(zip64 ? 28 : 0)
  if (zip64) {
    extra.writeUInt16LE(1, 0)
    extra.writeUInt16LE(24, 2)
    extra.writeBigUInt64LE(BigInt(fields.size), 4)
    extra.writeBigUInt64LE(BigInt(fields.compressedSize), 12)
    extra.writeBigUInt64LE(BigInt(fields.headerOffset), 20)
  }
  const entry = Buffer.alloc(46)
  entry.writeUInt32LE(0x02014b50, 0)
  entry.writeUInt16LE(fields.flags, 8)
  entry.writeUInt16LE(fields.method, 10)
  entry.writeUInt32LE(fields.crc32, 16)
  entry.writeUInt32LE(zip64 ? 0xffffffff : fields.compressedSize, 20)
  entry.writeUInt32LE(zip64 ? 0xffffffff : fields.size, 24)
  entry.writeUInt16LE(name.length, 28)
  entry.writeUInt16LE(extra.length, 30)
  entry.writeUInt32LE(zip64 ? 0xffffffff : fields.headerOffset, 42)
  return Buffer.concat([entry, name, extra])
}

function end64(count: number, size: number, offset: number): Buffer {
  const end = Buffer.alloc(76)
  end.writeUInt32LE(0x06064b50, 0)
  end.writeBigUInt64LE(44n, 4)
  end.writeBigUInt64LE(BigInt(count), 24)
  end.writeBigUInt64LE(BigInt(count), 32)
  end.writeBigUInt64LE(BigInt(size), 40)
  end.writeBigUInt64LE(BigInt(offset), 48)
  end.writeUInt32LE(0x07064b50, 56)
  end.writeBigUInt64LE(BigInt(offset + size), 64)
  end.writeUInt32LE(1, 72)
  return end
}

function endRecord(count: number, size: number, offset: number, zip64: boolean, comment: string): Buffer {
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(zip64 ? 0xffff : count, 8)
  end.writeUInt16LE(zip64 ? 0xffff : count, 10)
  end.writeUInt32LE(zip64 ? 0xffffffff : size, 12)
  end.writeUInt32LE(zip64 ? 0xffffffff : offset, 16)
  end.writeUInt16LE(Buffer.byteLength(comment), 20)
  return Buffer.concat([end, Buffer.from(comment)])
}
