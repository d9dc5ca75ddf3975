import { loss, Module, optim, parameter, randn, type Tensor, tensor } from 'eegtorch'

class Linear extends Module {
  readonly weight = parameter(randn([3, 2]).mul(0.1) as Tensor)

  override forward(x: Tensor): Tensor {
    return x.matmul(this.weight)
  }
}

const objectives = { crossEntropy: loss.crossEntropy(), focal: loss.focal() }

test.each(Object.entries(objectives))(
  '%s over parts of which one holds ignored examples alone is that over the batch',
  async (_, objective) => {
    const inputs = randn([4, 3])
    const targets = tensor([0n, 1n, -100n, -100n])
    const start = new Linear().stateDict()
    const after = await Promise.all(
      [1, 2].map(async (accumulate) => {
        const net = new Linear()
        net.loadStateDict(start)
        const step = net.trainStep({ loss: objective, optimizer: optim.sgd({ lr: 0.1 }), accumulate })
        const { loss: found } = await step({ inputs, targets })
        return [found, ...(net.weight.reshape([-1]).toArray() as number[])]
      }),
    )
    for (const [i, value] of after[0]!.entries()) expect(after[1]![i]).toBeCloseTo(value, 5)
  },
)
