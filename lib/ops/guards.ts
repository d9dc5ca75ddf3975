import { native } from '../native.ts'

/** What is wrong with arguments (by name, tensors as their numbers), or undefined. */
type Guard = (args: Readonly<Record<string, unknown>>) => string | undefined

const named: Guard = () => 'dimensions with names are not supported'
const packed: Guard = () => 'it takes weights packed by a quantisation engine, which cannot cross into JavaScript'

const endless: Guard = ({ n }) =>
  typeof n === 'number' && n > 1e6 ? `degree ${n} is too large: the recurrence would run without end` : undefined

const needsStatistics: Guard = ({ training, train, runningMean, runningVar }) =>
  !(training ?? train) && (runningMean == null || runningVar == null)
    ? 'runningMean and runningVar are needed without training'
    : undefined

const isId = (value: unknown): value is number => typeof value === 'number'

const oneLayout: Guard = ({ self, src }) =>
  isId(self) && isId(src) && native.layout(self) !== native.layout(src)
    ? `the tensors' layouts differ: ${native.layout(self)} and ${native.layout(src)}`
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
