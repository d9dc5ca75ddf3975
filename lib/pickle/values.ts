import { EegTorchError } from '../errors.ts'

/**
 * A Python class or function that a pickle may name. Nothing of Python runs: `call` makes plain data out of plain data.
 */
export class KnownName {
  readonly name: string
  /** What calling it with these arguments gives; throws on arguments that are not what Python writes. */
  readonly call: (args: readonly unknown[]) => unknown
  /** Takes the state that the pickle gives to the object just made; absent when it takes none. */
  readonly build: ((object: unknown, state: unknown) => void) | undefined

  constructor(
    name: string,
    call: (args: readonly unknown[]) => unknown,
    build?: (object: unknown, state: unknown) => void,
  ) {
    this.name = name
    this.call = call
    this.build = build
  }
}

/** Looks a full name up, such as `collections.OrderedDict`; undefined refuses it. */
export type NameTable = (name: string) => unknown

/** Several tables as one; the first that knows a name wins. */
export function joinTables(...tables: readonly NameTable[]): NameTable {
  return (name) => {
    for (const table of tables) {
      const known = table(name)
      if (known !== undefined) return known
    }
    return undefined
  }
}

/** An object of a class that is only data, such as `argparse.Namespace`: its attributes. */
export class PythonObject {
  readonly className: string
  attributes: ReadonlyMap<unknown, unknown> = new Map()

  constructor(className: string) {
    this.className = className
  }
}

/** Python's `complex`. */
export class PythonComplex {
  readonly re: number
  readonly im: number

  constructor(re: number, im: number) {
    this.re = re
    this.im = im
  }
}

/** The error for arguments that the named function never gets from Python. */
export function wrongArguments(name: string): EegTorchError {
  return new EegTorchError('FILE_INVALID', `the pickle calls ${name} with arguments that make no sense`)
}
