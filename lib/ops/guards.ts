import { native, type TensorId } from '../native.ts'

/** A tensor among the arguments. */
export interface TensorArgument {
  id: TensorId
}

/** What is wrong with arguments (by name), or undefined. */
type Guard = (args: Readonly<Record<string, unknown>>) => string | undefined

const named: Guard = () => 'dimensions with names are not supported'
const packed: Guard = () => 'it takes weights packed by a quantisation engine, which cannot cross into JavaScript'

const isTensor = (value: unknown): value is TensorArgument => typeof value === 'object' && value !== null

const endless: Guard = ({ n }) => {
  const degree = isTensor(n) ? largest(n) : Number(n)
  return degree > 1e6 ? `degree ${degree} is too large: the recurrence would run without end` : undefined
}

/** The largest element of a tensor that holds numbers; 0 where there is none. */
function largest({ id }: TensorArgument): number {
  if (native.elementCount(id) === 0 || native.device(id) === 'meta') return 0
  const max = native.overloads('aten::max').find(({ overload }) => overload === '')!
  const result = native.call(max.index, id) as TensorId
  try {
    return Number(native.item(result))
  } finally {
    native.free(result)
  }
}

const needsStatistics: Guard = ({ training, train, runningMean, runningVar }) =>
  !(training ?? train) && (runningMean == null || runningVar == null)
    ? 'runningMean and runningVar are needed without training'
    : undefined

const oneLayout: Guard = ({ self, src }) =>
  isTensor(self) && isTensor(src) && native.layout(self.id) !== native.layout(src.id)
    ? `the tensors' layouts differ: ${native.layout(self.id)} and ${native.layout(src.id)}`
    : undefined

/**
 * Operators whose kernels LibTorch 2.11 lets crash, or never end, for arguments that it does not check; found by
 * `test/misuse/operator-door.mjs`. Names that begin with an underscore are LibTorch's internals, whose callers check: they are not here.
 */
export const guards: ReadonlyMap<string, Guard> = new Map([
  ['aten::align_as', named],
  ['aten::align_tensors', named],
  ['aten::align_to', named],
  ['aten::copy', oneLayout],
  ['aten::native_batch_norm', needsStatistics],
  ['aten::native_batch_norm_backward', needsStatistics],
  ['aten::native_channel_shuffle', ({ groups }) => (Number(groups) < 1 ? 'groups must be 1 or more' : undefined)],
  ['aten::quantized_gru_cell', packed],
  ['aten::quantized_lstm_cell', packed],
  ['aten::quantized_rnn_relu_cell', packed],
  ['aten::quantized_rnn_tanh_cell', packed],
  ...['t', 'u', 'v', 'w'].flatMap((kind): [string, Guard][] => [
    [`aten::special_chebyshev_polynomial_${kind}`, endless],
    [`aten::special_shifted_chebyshev_polynomial_${kind}`, endless],
  ]),
  ['aten::special_hermite_polynomial_h', endless],
  ['aten::special_hermite_polynomial_he', endless],
  ['aten::special_laguerre_polynomial_l', endless],
  ['aten::special_legendre_polynomial_p', endless],
])
