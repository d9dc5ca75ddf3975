import { randn, signal, zeros } from 'eegtorch'

const samplingRate = 250

test('each kind of bad channel is found, and nothing else', () => {
  const common = randn([1, 5000], { dtype: 'float64' }).cumsum(-1)
  const smooth = signal.detrend(common.add(randn([12, 5000], { dtype: 'float64' }).mul(0.3)))
  smooth.select(0, 0).fill_(4)
  smooth.select(0, 1).mul_(60)
  smooth.select(0, 2).add_(randn([5000], { dtype: 'float64' }).mul(60))
  smooth.select(0, 3).narrow(0, 1000, 1000).fill_(0)
  smooth.select(0, 4).narrow(0, 77, 1).fill_(Number.NaN)
  const found = signal.badChannels(smooth, { samplingRate })
  expect(found).toMatchObject({ flat: [0], nan: [4], dropout: [3] })
  expect(found.deviation).toContain(1)
  expect(found.noise).toContain(2)
  expect(found.all).toEqual([0, 1, 2, 3, 4])
  expect(found.measures.dropout[3]).toBeCloseTo(4 / 19, 12)
  const single = signal.badChannels(smooth.to('float32'), { samplingRate })
  expect(single.all).toEqual(found.all)
})

test('without a usable channel nothing else is judged', () => {
  const found = signal.badChannels(zeros([3, 1000]), { samplingRate })
  expect(found).toMatchObject({ flat: [0, 1, 2], all: [0, 1, 2], deviation: [], noise: [], correlation: [] })
})

test('short recordings and other shapes are refused', () => {
  expect(() => signal.badChannels(randn([3, 303]), { samplingRate: 100 })).toThrow('too short')
  expect(() => signal.badChannels(randn([1, 3, 1000]), { samplingRate })).toThrow('(channels, samples)')
  expect(() => signal.badChannels(randn([3, 400]), { samplingRate, window: 2 })).toThrow('window')
})
