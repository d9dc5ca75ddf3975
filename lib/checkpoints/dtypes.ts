/** A safetensors element type: its name in the header, its LibTorch dtype (absent where LibTorch has none), bits per element. */
export interface SafetensorsDtype {
  readonly name: string
  readonly dtype?: string
  readonly bits: number
}

/**
 * Every element type of the format, in the order of the reference implementation, which writes the last ones first:
 * wide types lead, so that each tensor starts at a multiple of its element size.
 */
export const SAFETENSORS_DTYPES: readonly SafetensorsDtype[] = [
  { name: 'BOOL', dtype: 'bool', bits: 8 },
  { name: 'F4', dtype: 'float4_e2m1fn_x2', bits: 4 },
  { name: 'F6_E2M3', bits: 6 },
  { name: 'F6_E3M2', bits: 6 },
  { name: 'U8', dtype: 'uint8', bits: 8 },
  { name: 'I8', dtype: 'int8', bits: 8 },
  { name: 'F8_E5M2', dtype: 'float8_e5m2', bits: 8 },
  { name: 'F8_E4M3', dtype: 'float8_e4m3fn', bits: 8 },
  { name: 'F8_E8M0', dtype: 'float8_e8m0fnu', bits: 8 },
  { name: 'F8_E4M3FNUZ', dtype: 'float8_e4m3fnuz', bits: 8 },
  { name: 'F8_E5M2FNUZ', dtype: 'float8_e5m2fnuz', bits: 8 },
  { name: 'I16', dtype: 'int16', bits: 16 },
  { name: 'U16', dtype: 'uint16', bits: 16 },
  { name: 'F16', dtype: 'float16', bits: 16 },
  { name: 'BF16', dtype: 'bfloat16', bits: 16 },
  { name: 'I32', dtype: 'int32', bits: 32 },
  { name: 'U32', dtype: 'uint32', bits: 32 },
  { name: 'F32', dtype: 'float32', bits: 32 },
  { name: 'C64', dtype: 'complex64', bits: 64 },
  { name: 'F64', dtype: 'float64', bits: 64 },
  { name: 'I64', dtype: 'int64', bits: 64 },
  { name: 'U64', dtype: 'uint64', bits: 64 },
]

/** Bytes per element of each dtype that files hold. */
export const DTYPE_BYTES: ReadonlyMap<string, number> = new Map(
  Object.entries({
    float32: 4,
    float64: 8,
    float16: 2,
    bfloat16: 2,
    uint8: 1,
    int8: 1,
    int16: 2,
    int32: 4,
    int64: 8,
    uint16: 2,
    uint32: 4,
    uint64: 8,
    bool: 1,
    complex32: 4,
    complex64: 8,
    complex128: 16,
    float8_e4m3fn: 1,
    float8_e5m2: 1,
    float8_e4m3fnuz: 1,
    float8_e5m2fnuz: 1,
    float8_e8m0fnu: 1,
    float4_e2m1fn_x2: 1,
  }),
)
