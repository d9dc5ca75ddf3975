import { builtEntry, runNode } from '../built.ts'

// Convolutions between 256 channels and more are products in training where MKL is fast; in float64 they are LibTorch's.

const windows = [
  [1, 64],
  [3, 37],
  [2, 9],
]

const program = `const { grad, manualSeed, models, randn } = await import(${JSON.stringify(builtEntry)})
  const options = { nChans: 3, widths: [256, 300], nBlocks: [1, 2], stemLength: 5 }
  const worst = (a, b) => Number(a.to('float64').sub(b).abs().max().div(b.abs().max()).item())
  const errors = []
  for (const [batch, nTimes] of ${JSON.stringify(windows)}) {
    manualSeed(12)
    const net = models.resnet1d({ ...options, nTimes })
    const exact = models.resnet1d({ ...options, nTimes }).to({ dtype: 'float64' })
    exact.loadStateDict(net.stateDict())
    const eeg = randn([batch, 3, nTimes])
    const outcome = (model, dtype) => {
      const x = eeg.detach().clone().to(dtype).requires_grad_()
      const loss = model.forward(x).square().mean()
      const [slope] = grad([loss], [x], { createGraph: true })
      loss.add(slope.square().sum()).backward()
      const gradients = Object.entries(model.parameters()).map(([name, { grad }]) => [name, grad])
      return new Map([['x', x.grad], ['slope', slope.detach()], ['loss', loss.detach()], ...gradients])
    }
    const [got, wanted] = [outcome(net, 'float32'), outcome(exact, 'float64')]
    for (const [name, value] of wanted) errors.push([batch, nTimes, name, worst(got.get(name), value)])
  }
  console.log(JSON.stringify(errors))`

test.each(['0', '1'])(
  'gradients through wide convolutions agree with float64, the ones of gradients too, where MKL is fast: %s',
  async (fast) => {
    const env = { EEGTORCH_FAST_MKL: fast }
    const { code, stdout, stderr } = await runNode(['--input-type=module', '-e', program], { env })
    expect([code, stderr]).toEqual([0, ''])
    const errors = JSON.parse(stdout) as [number, number, string, number][]
    expect(errors.length).toBeGreaterThan(3 * windows.length)
    expect(errors.filter(([, , , error]) => !(error < 1e-4))).toEqual([])
  },
)
