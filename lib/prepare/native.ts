import { nativeFunctions } from '../native.ts'

/** What `binding/store.cpp` exports to write LMDB environments. */
export interface NativeLmdb {
  openLmdbWriter(folder: string): number
  /** All entries or none; resolves when they are on disk. */
  writeLmdb(writer: number, keys: readonly string[], values: readonly Uint8Array[]): Promise<void>
  closeLmdbWriter(writer: number): boolean
}

export const nativeLmdb: NativeLmdb = nativeFunctions<NativeLmdb>()
