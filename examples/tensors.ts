// Tensors, operators and gradients.
import { memory, noGrad, ops, randn, scope, tensor } from 'eegtorch'

const x = tensor([
  [1, 2],
  [3, 4],
])
const w = randn([2, 3], { requiresGrad: true })
const loss = scope(() => x.matmul(w).relu().sum()) // what is made inside is freed, the result lives
loss.backward()
console.log(`gradient of shape [${w.grad!.shape}]`)

const before = memory().tensors
const mean = noGrad(() => scope(() => x.pow(2).mean().item()))
console.log(`mean of squares ${mean}, ${memory().tensors - before} tensors left behind`)
const bessel = Number(ops.aten.special_bessel_j0(tensor([1])).item())
console.log(`J0(1) = ${bessel.toFixed(6)}`)
