/** A run of bytes that tensors read: in a file, or to be unpacked from an archive. */
export interface StorageRange {
  /** Where the bytes start in the file. */
  readonly offset: number
  readonly bytes: number
  /** Gives the bytes, when the file does not hold them as they are. */
  readonly unpack?: () => Promise<Uint8Array>
}

/** A tensor as a file describes it, before anything of it is read. */
export interface StoredTensor {
  /** Absent where LibTorch has no such type: such a tensor can be listed, not loaded. */
  readonly dtype?: string
  /** The file's own name of the type: `'F32'` in safetensors, `'float32'` in a torch file. */
  readonly storedType: string
  readonly shape: readonly number[]
  /** In elements; contiguous when absent. */
  readonly strides?: readonly number[]
  /** Where the tensor starts in its storage, in elements. */
  readonly storageOffset: number
  /** Tensors that hold the same object share their memory when loaded: tied weights stay tied. */
  readonly storage: StorageRange
  /** Elements times their width. */
  readonly bytes: number
}

/** Number of elements of a shape. */
export function countElements(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1)
}
