import type { PlainValue } from './to-plain.ts'

/** A Python class or function by its full name, split where its module ends. */
export class PickledName {
  readonly module: string
  readonly name: string

  constructor(module: string, name: string) {
    this.module = module
    this.name = name
  }
}

/** What calling a Python function gives. */
export class PickledCall {
  readonly callable: PickledName
  readonly args: readonly Picklable[]

  constructor(module: string, name: string, ...args: Picklable[]) {
    this.callable = new PickledName(module, name)
    this.args = args
  }
}

/** Python's tuple; lists are arrays. */
export class PickledTuple {
  readonly items: readonly Picklable[]

  constructor(...items: Picklable[]) {
    this.items = items
  }
}

/** An object that the file holds outside of the pickle. */
export class PickledReference {
  readonly id: PickledTuple

  constructor(...id: Picklable[]) {
    this.id = new PickledTuple(...id)
  }
}

/** What {@link pickle} writes: plain values; a Map is an OrderedDict, an object a dict. */
export type Picklable =
  | PlainValue
  | PickledName
  | PickledCall
  | PickledTuple
  | PickledReference
  | ReadonlyMap<string, Picklable>
  | readonly Picklable[]
  | { readonly [key: string]: Picklable }

/** Writes a value as a pickle of protocol 2, which every Python 3 reads, PyTorch's `weights_only` reader too. Nothing is shared. */
export function pickle(value: Picklable): Buffer {
  const parts: Buffer[] = [Buffer.of(0x80, 2)]
  write(value, parts)
  parts.push(opcode('.'))
  return Buffer.concat(parts)
}

function opcode(letter: string, length = 0): Buffer {
  const bytes = Buffer.alloc(1 + length)
  bytes.write(letter, 'latin1')
  return bytes
}

function write(value: Picklable, parts: Buffer[]): void {
  if (value === null) parts.push(opcode('N'))
  else if (typeof value === 'boolean') parts.push(Buffer.of(value ? 0x88 : 0x89))
  else if (typeof value === 'number') parts.push(number(value))
  else if (typeof value === 'string') parts.push(text(value))
  else if (value instanceof PickledName) parts.push(Buffer.from(`c${value.module}\n${value.name}\n`))
  else if (value instanceof PickledTuple) writeAll('(', value.items, 't', parts)
  else if (value instanceof PickledReference) writeAll('', [value.id], 'Q', parts)
  else if (value instanceof PickledCall) writeAll('', [value.callable, new PickledTuple(...value.args)], 'R', parts)
  else if (value instanceof Map) {
    write(new PickledCall('collections', 'OrderedDict'), parts)
    writeAll('(', [...value].flat(), 'u', parts)
  } else if (Array.isArray(value)) writeAll('](', value, 'e', parts)
  else writeAll('}(', Object.entries(value).flat() as Picklable[], 'u', parts)
}

function writeAll(before: string, items: readonly Picklable[], after: string, parts: Buffer[]): void {
  parts.push(Buffer.from(before, 'latin1'))
  for (const item of items) write(item, parts)
  parts.push(opcode(after))
}

function number(value: number): Buffer {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
    const bytes = opcode('G', 8)
    bytes.writeDoubleBE(value, 1)
    return bytes
  }
  if (value === (value | 0)) {
    const bytes = opcode('J', 4)
    bytes.writeInt32LE(value, 1)
    return bytes
  }
  const bytes = Buffer.alloc(10)
  bytes.writeUInt8(0x8a, 0)
  bytes.writeUInt8(8, 1)
  bytes.writeBigInt64LE(BigInt(value), 2)
  return bytes
}

function text(value: string): Buffer {
  const utf8 = Buffer.from(value)
  const start = opcode('X', 4)
  start.writeUInt32LE(utf8.length, 1)
  return Buffer.concat([start, utf8])
}
