export { enableGrad, type GradcheckOptions, type GradOptions, grad, gradcheck, noGrad } from '../autograd.ts'
export {
  arange,
  cat,
  empty,
  eye,
  fromTypedArray,
  full,
  linspace,
  ones,
  onesLike,
  type RandomOptions,
  rand,
  randint,
  randn,
  randperm,
  stack,
  type TensorFactory,
  type TensorOptions,
  tensor,
  zeros,
  zerosLike,
} from '../creation.ts'
export type {
  ArrayOf,
  Complex,
  Device,
  DType,
  DTypeOf,
  Int,
  Layout,
  MemoryFormat,
  Scalar,
  TypedArray,
} from '../dtype.ts'
export { EegTorchError, type ErrorCode, type ErrorDetails } from '../errors.ts'
export { Generator } from '../generator.ts'
export { type Index, type SetValue, Slice, slice } from '../indexing.ts'
export { type MemoryUse, memory, releaseMemory, scope, setMemoryWarning } from '../memory.ts'
export type { DTypeOfNested, NestedNumbers } from '../nested-numbers.ts'
export type { Aten, Result } from '../ops/aten.generated.ts'
export { type AnyOperator, asyncOps, ops } from '../ops/index.ts'
export type * as MethodTypes from '../ops/typed-methods.ts'
export { Random } from '../random.ts'
export { libtorchVersion, manualSeed, numThreads, randomState, setNumThreads, setRandomState } from '../runtime.ts'
export { type BackwardOptions, type ItemOf, type Nested, type Shape, Tensor } from '../tensor.ts'
