import type { MatValue } from '../matlab/values.ts'

/** What the thread of the HDF5 library is asked: the variables of a file, or a block of one of its arrays. */
export type Hdf5Request =
  | { readonly op: 'list'; readonly file: string }
  | {
      readonly op: 'read'
      readonly file: string
      readonly path: string
      /** First element and number of elements along each axis, in MATLAB's order of axes. */
      readonly start: readonly number[]
      readonly count: readonly number[]
    }
  | { readonly op: 'close' }

/** Elements of a block, first axis fastest. */
export type Hdf5Block = ArrayLike<number | bigint>

export type Hdf5Reply =
  | { readonly variables: ReadonlyMap<string, MatValue> }
  | { readonly block: Hdf5Block }
  | { readonly closed: true }
  /** Where a filter is named, it is one that the library does not have. */
  | { readonly failure: string; readonly isBroken: boolean; readonly filter?: string | undefined }

/** What the thread is started with. */
export interface Hdf5WorkerData {
  readonly port: import('node:worker_threads').MessagePort
  /** One number: 1 once an answer lies in the port. */
  readonly answered: SharedArrayBuffer
}
