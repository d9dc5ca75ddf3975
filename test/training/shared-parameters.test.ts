import { loss, Module, ones, optim, parameter, type Tensor, tensor, zeros } from 'eegtorch'
import { rejectionOf } from '../thrown.ts'

class Scale extends Module {
  readonly a: Tensor
  readonly b: Tensor

  constructor(a: Tensor, b: Tensor) {
    super()
    this.a = a
    this.b = b
  }

  override forward(x: Tensor): Tensor {
    return x.mul(this.a).add(x.mul(this.b)).sum()
  }
}

const batch = () => ({ inputs: ones([4, 1]), targets: zeros([4]) })
const once = async (net: Module, options: object = {}) =>
  net.trainStep({ loss: loss.output(), optimizer: optim.sgd({ lr: 0.1 }), ...options })(batch())

test('a parameter of two names learns once, and is counted once in the norm of the gradient', async () => {
  const weight = parameter(tensor([1]))
  const { gradNorm } = await once(new Scale(weight, weight))
  // its gradient is 4 + 4
  expect(weight.item()).toBeCloseTo(1 - 0.1 * 8, 6)
  expect(gradNorm).toBeCloseTo(8, 5)
})

test('a parameter of two names is frozen by either', async () => {
  const weight = parameter(tensor([1]))
  const other = parameter(tensor([1]))
  class More extends Scale {
    readonly c = other

    override forward(x: Tensor): Tensor {
      return super.forward(x).add(this.c.sum())
    }
  }
  await once(new More(weight, weight), { freeze: ['b'] })
  expect([weight.item(), other.item()]).toEqual([1, expect.closeTo(0.9, 6)])
})

test.each([
  ['a part of another tensor', () => zeros([4, 6]).narrow(1, 0, 2)],
  ['one number many times', () => zeros([1]).expand([4000])],
])('%s is no parameter that a step may write', async (_, make) => {
  class Flat extends Module {
    readonly weight = parameter((make() as Tensor).detach())

    override forward(x: Tensor): Tensor {
      return this.weight.sum().mul(x.sum())
    }
  }
  const error = await rejectionOf(Promise.resolve().then(() => once(new Flat())))
  expect(error).toMatchObject({ code: 'INVALID_OPTION', message: expect.stringMatching(/parameter weight/) })
})
