// Checked by `tsc -p test/tsconfig.json`, never run: a wrong type here fails to compile.
import { type Complex, eye, fromTypedArray, ones, ops, randint, randn, type Tensor, tensor, zeros } from 'eegtorch'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function same<A, B>(_: Equal<A, B>): void {}

const x = randn([64, 22, 1000])
same<typeof x, Tensor<'float32', [64, 22, 1000]>>(true)
same<(typeof x)['shape'], [64, 22, 1000]>(true)
// @ts-expect-error the batch is 64
same<typeof x, Tensor<'float32', [32, 22, 1000]>>(true)
// @ts-expect-error the dtype is float32
same<typeof x, Tensor<'float64', [64, 22, 1000]>>(true)

const open: number[] = [2, 3]
const unknownShape = zeros(open, { dtype: 'float64' })
same<typeof unknownShape, Tensor<'float64', number[]>>(true)

const made = tensor([1, 2])
same<(typeof made)['dtype'], 'float32'>(true)
const flags = tensor([[true]])
same<(typeof flags)['dtype'], 'bool'>(true)
const typed = fromTypedArray(new Float64Array(6), { shape: [2, 3] })
same<typeof typed, Tensor<'float64', [2, 3]>>(true)

// A tensor of known type goes wherever any tensor does, and not where another one is wanted.
const anything: Tensor = x
const floats: Tensor<'float32'> = x
// @ts-expect-error float32 is not int64
const wrong: Tensor<'int64'> = x
// @ts-expect-error two dimensions are not three
const flat: Tensor<'float32', [64, 22]> = x

// Elementwise functions keep the shape, and the dtype as far as LibTorch does.
const relu = x.relu()
same<typeof relu, Tensor<'float32', [64, 22, 1000]>>(true)
const counts = randint(0, 5, [3, 4])
same<typeof counts, Tensor<'int64', [3, 4]>>(true)
const roots = counts.sqrt()
same<typeof roots, Tensor<'float32', [3, 4]>>(true)
const finite = x.isfinite()
same<typeof finite, Tensor<'bool', [64, 22, 1000]>>(true)
const wave = ones([2], { dtype: 'complex64' })
const sizes = wave.abs()
same<typeof sizes, Tensor<'float32', [2]>>(true)

// Arithmetic with numbers and with tensors of the same type.
const scaled = x.mul(0.5).add(1).sub(x)
same<typeof scaled, Tensor<'float32', [64, 22, 1000]>>(true)
const promoted = counts.add(0.5)
same<(typeof promoted)['shape'], [3, 4]>(true)
const halved = counts.div(2)
same<typeof halved, Tensor<'float32', [3, 4]>>(true)
const above = x.gt(0)
same<typeof above, Tensor<'bool', [64, 22, 1000]>>(true)
const written = x.add_(1)
same<typeof written, Tensor<'float32', [64, 22, 1000]>>(true)
// Broadcasting is left to the generated signature: any tensor.
const broadcast = x.add(ones([1000]))
same<typeof broadcast, Tensor>(true)
const alpha = x.add(x, { alpha: 2 })
same<typeof alpha, Tensor>(true)
// @ts-expect-error text is no operand
x.add('1')

// Conversions.
const double = x.to('float64')
same<typeof double, Tensor<'float64', [64, 22, 1000]>>(true)
const moved = x.to('cuda:0')
same<typeof moved, Tensor<'float32', [64, 22, 1000]>>(true)
const both = x.to({ dtype: 'bfloat16', device: 'cpu' })
same<typeof both, Tensor<'bfloat16', [64, 22, 1000]>>(true)
// @ts-expect-error no such dtype
x.to('float33')

// Shapes.
const reshaped = x.reshape([64, 22000])
same<typeof reshaped, Tensor<'float32', [64, 22000]>>(true)
const inferred = x.view([64, -1])
same<typeof inferred, Tensor<'float32', [64, number]>>(true)
const turned = x.transpose(1, 2)
same<typeof turned, Tensor<'float32', [64, 1000, 22]>>(true)
const matrix = eye(3).matmul(ones([3, 5]))
same<(typeof matrix)['shape'], [number, 5]>(true)
const product = ones([4, 22]).matmul(ones([22, 1000]))
same<typeof product, Tensor<'float32', [4, 1000]>>(true)
const batched = x.matmul(ones([1000, 8]))
same<typeof batched, Tensor<'float32', [64, 22, 8]>>(true)
const inner = ones([3]).matmul(ones([3]))
same<typeof inner, Tensor<'float32', []>>(true)
const flipped = product.t()
same<typeof flipped, Tensor<'float32', [1000, 4]>>(true)
const row = x.unsqueeze(0)
same<typeof row, Tensor<'float32', [1, 64, 22, 1000]>>(true)

// Numbers that come out.
const total = x.sum()
same<typeof total, Tensor<'float32', []>>(true)
const number = x.mean().item()
same<typeof number, number>(true)
const count = counts.sum().item()
same<typeof count, number | bigint>(true)
const truth = flags.item()
same<typeof truth, boolean>(true)
const point = wave.sum().item()
same<typeof point, Complex>(true)
const array = double.toTypedArray()
same<typeof array, Float64Array>(true)
const best = x.argmax().item()
same<typeof best, number | bigint>(true)

// Generated operators.
const [values, order] = ops.aten.sort(x, 0, true)
same<typeof values, Tensor>(true)
same<typeof order, Tensor>(true)
// @ts-expect-error there is no argument of this name
ops.aten.sum(x, { keepdims: true })
// @ts-expect-error LibTorch has no such operator
ops.aten.summ(x)

void [anything, floats, wrong, flat]
