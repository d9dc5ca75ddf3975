/** What the writer can put into a MATLAB file. */
export type MatContent =
  | { numbers: readonly number[] | Float64Array; dims: readonly [number, number] }
  | { cells: readonly MatContent[] }
  | { struct: Readonly<Record<string, MatContent>> }
  | string

/** A row of numbers, as MATLAB keeps it. */
export const column = (...numbers: number[]): MatContent => ({ numbers, dims: [numbers.length, 1] })

/** A MATLAB file of level 5, as `save -v6` writes it. */
export function writeMat(variables: Readonly<Record<string, MatContent>>): Buffer {
  const header = Buffer.alloc(128, ' ')
  header.write('MATLAB 5.0 MAT-file, made by a test')
  header.writeUInt16LE(0x0100, 124)
  header.write('IM', 126)
  return Buffer.concat([header, ...Object.entries(variables).map(([name, content]) => matrix(name, content))])
}

function matrix(name: string, content: MatContent): Buffer {
  const [kind, dims, rest] = partsOf(content)
  const flags = Buffer.alloc(8)
  flags.writeUInt32LE(kind, 0)
  return element(
    14,
    Buffer.concat([element(6, flags), element(5, int32(dims)), element(1, Buffer.from(name)), ...rest]),
  )
}

function partsOf(content: MatContent): [kind: number, dims: readonly number[], rest: Buffer[]] {
  if (typeof content === 'string') return [4, [1, content.length], [element(16, Buffer.from(content))]]
  if ('numbers' in content) {
    const { buffer, byteOffset, byteLength } = Float64Array.from(content.numbers)
    return [6, content.dims, [element(9, Buffer.from(buffer, byteOffset, byteLength))]]
  }
  if ('cells' in content) return [1, [1, content.cells.length], content.cells.map((cell) => matrix('', cell))]
  const names = Object.keys(content.struct)
  const table = Buffer.alloc(32 * names.length)
  for (const [i, field] of names.entries()) table.write(field, 32 * i)
  const values = Object.values(content.struct).map((value) => matrix('', value))
  return [2, [1, 1], [element(5, int32([32])), element(1, table), ...values]]
}

function element(type: number, bytes: Buffer): Buffer {
  const tag = Buffer.alloc(8)
  tag.writeUInt32LE(type, 0)
  tag.writeUInt32LE(bytes.length, 4)
  return Buffer.concat([tag, bytes, Buffer.alloc((8 - (bytes.length % 8)) % 8)])
}

function int32(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length)
  for (const [i, value] of values.entries()) bytes.writeInt32LE(value, 4 * i)
  return bytes
}
