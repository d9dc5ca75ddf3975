import { asyncOps, EegTorchError, ones, zeros } from 'eegtorch'

test.each([
  ['a tensor', () => zeros([1e6, 1e6])],
  ['a result', () => ones([1]).expand([1e6, 1e6]).contiguous()],
  ['asynchronous work', () => asyncOps.aten.zeros([1e6, 1e6])],
])('%s that no memory holds is one clear error, and the process goes on', async (_, run) => {
  const error = await (async () => run())().catch((caught: unknown) => caught)
  expect(error).toBeInstanceOf(EegTorchError)
  expect(error).toMatchObject({
    code: 'OUT_OF_MEMORY',
    message: expect.stringMatching(/^not enough memory.*4000000000000 bytes/),
  })
  expect(ones([2]).sum().item()).toBe(2)
})
