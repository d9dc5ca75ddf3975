import {
  BandPass,
  cat,
  FirStream,
  randn,
  type SignalStream,
  SosStream,
  StandardizeStream,
  signal,
  type Tensor,
  tensor,
} from 'eegtorch'

// Values from SciPy 1.17.1 and MNE-Python 1.13.2; more are in the eeg_signal cases of test/oracle.

const wave = tensor(
  Array.from({ length: 200 }, (_, i) => Math.sin((14 * Math.PI * i) / 100) + 3 * Math.cos(0.09 * i) + i / 100),
  { dtype: 'float64' },
)

/** Some samples of a signal. */
const at = (y: { toArray(): unknown }, places: number[]) => places.map((i) => (y.toArray() as number[])[i]!)

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual.length).toBe(expected.length)
  for (const [i, value] of expected.entries()) expect(actual[i]).toBeCloseTo(value, 10)
}

test('a band-stop has the sections of SciPy, of odd and even order', () => {
  const odd = [
    [0.7772465214002012, -1.2676067470796544, 0.7772465214002015, 1, -1.4479725974216555, 0.7756795110496132],
    [1, -1.63089407566093, 1, 1, -1.3837543074191014, 0.8658222780346048],
    [1, -1.63089407566093, 1, 1, -1.6520969820275402, 0.899507383338157],
  ]
  const even = [
    [0.8370891905663446, -0.5214614506767102, 0.8370891905663445, 1, -0.41061126517434576, 0.8328285486758605],
    [1, -0.6229461048516325, 1, 1, -0.7254742287327104, 0.8415859210191337],
  ]
  expectClose(signal.butter(3, [8, 12], 100, 'bandstop').flat(), odd.flat())
  expectClose(signal.butter(2, [45, 55], 250, 'bandstop').flat(), even.flat())
})

test('taps are those of SciPy, with every option', () => {
  const highBand = signal.firwin(7, [10, 20], 100, { passZero: false, window: 'hann' })
  expectClose(
    [...highBand],
    [0, -0.04649355538215389, 0.2789613322929236, 0.6433266883527222, 0.27896133229292364, -0.046493555382153974, 0],
  )
  const kaiser = signal.firwin(5, [10, 20], 100, { window: ['kaiser', 4] })
  expectClose(
    [...kaiser],
    [0.007707272808975069, -0.11035267869531827, 1.2052908117726864, -0.11035267869531827, 0.007707272808975069],
  )
  const plain = signal.firwin(6, 12, 100, { scale: false, window: 'blackman' })
  expectClose([...plain.slice(0, 3)], [0, 0.0385499282227305, 0.19902157638466011])
})

test('ends of polyphase resampling are those of SciPy', () => {
  const x = tensor([1, 2, 4, 8, 3, -1, 0, 5], { dtype: 'float64' })
  const [line, symmetric, edge] = [
    signal.resamplePoly(x, 2, 3, { pad: 'line' }),
    signal.resamplePoly(x, 3, 2, { pad: 'symmetric' }),
    signal.resamplePoly(x, 3, 2, { pad: 'edge' }),
  ]
  expectClose(
    line.toArray() as number[],
    [
      1.0621232274307844, 2.805714754486634, 7.256888226352218, 0.5779212265578454, 0.2773710063915228,
      5.711526762247506,
    ],
  )
  expectClose(
    at(symmetric, [0, 1, 10, 11]),
    [1.0006061735537772, 1.9180093021116202, 3.242131605683058, 6.086320111392686],
  )
  expectClose(at(edge, [0, 1, 10, 11]), [1.0006061735537772, 1.814336331780104, 3.5403412027804633, 5.620986695680427])
})

test("MNE's filters of every phase and method are MNE's", () => {
  const places = [0, 1, 100, 198, 199]
  const filter = (options: object, low = 4, high = 20) =>
    at(signal.mneFilterData(wave, 100, low, high, options), places)
  expectClose(
    filter({ method: 'iir' }),
    [-0.0006378026587798846, 0.47659689250820425, 7.859178494629138e-5, -0.3815757286357174, -0.0007477043815056206],
  )
  expectClose(
    filter({ method: 'iir', phase: 'forward' }),
    [0.06861062314887287, 0.38718694971770307, 0.7258334239594724, -0.059676765716572544, 0.3727298128163624],
  )
  expectClose(filter({ phase: 'zero-double' }), [0, 0.49323220864630607, 0.0023663439996659376, -0.3531502146277342, 0])
  expectClose(
    filter({ phase: 'linear' }),
    [0.9982414531506675, 0.876974473520161, 0.9052695196280923, 0.6854592751674886, 0.9300611520428166],
  )
  expectClose(
    filter({ method: 'iir' }, 20, 4),
    [3.0002618972385315, 2.946790706892935, -1.7334717564987674, 3.1327593947814973, 3.3317141206389973],
  )
})

test("MNE's designs and paddings take their options", () => {
  const taps = signal.mneCreateFilter(100, 5, 30, {
    firWindow: 'hann',
    filterLength: '1s',
    lTransBandwidth: 5,
    hTransBandwidth: 8,
  })
  expect(taps.length).toBe(101)
  expectClose([...taps.slice(48, 51)], [-0.18950142370663645, 0.21654269926158118, 0.6292955493080961])
  const padded = signal.mneResample(wave, 1, 2, { npad: 'auto' })
  expectClose(
    at(padded, [0, 1, 50, 98, 99]),
    [2.9999580083561823, 3.7431599810838057, -1.7331243008364523, 2.036983914189115, 2.759432636083782],
  )
})

test('recordings are filtered to the same numbers as tensors', () => {
  const filter = new BandPass({ band: [4, 20], order: 3 }, 100)
  const y = signal.sosfiltfilt(wave, signal.butter(3, [4, 20], 100)).toArray() as number[]
  expectClose([...filter.apply(Float64Array.from(wave.toArray() as number[]))], y)
})

const sections = signal.butter(4, [1, 40], 250)
const taps = signal.firwin(51, 40, 250)
const streams: [string, () => SignalStream][] = [
  ['sections', () => new SosStream(sections)],
  ['taps', () => new FirStream(taps)],
  ['moving standardising', () => new StandardizeStream({ factorNew: 0.01 })],
]

test.each(streams)('a stream of %s gives the same numbers however it is cut', (_, make) => {
  const x = randn([2, 9, 301], { dtype: 'float64' })
  using whole = make()
  using cut = make()
  const expected = whole.push(x)
  const cuts = [0, 1, 2, 4, 132, 133, 262, 301]
  const pieces = cuts.slice(1).map((end, i) => cut.push(x.narrow(-1, cuts[i]!, end - cuts[i]!)))
  expect(cat(pieces, -1).toArray()).toEqual(expected.toArray())
  cut.reset()
  expect(cut.push(x).toArray()).toEqual(expected.toArray())
  expect(() => cut.push(randn([2, 8, 5], { dtype: 'float64' }))).toThrow('the same channels')
})

test('streams are the causal operations on the whole', () => {
  const x = randn([3, 400], { dtype: 'float64' })
  using sos = new SosStream(sections)
  using fir = new FirStream(taps)
  using moving = new StandardizeStream({ factorNew: 0.01 })
  expect(sos.push(x).toArray()).toEqual(signal.sosfilt(x, sections).toArray())
  expect(moving.push(x).toArray()).toEqual(signal.exponentialStandardize(x, { factorNew: 0.01 }).toArray())
  const difference = fir.push(x).sub(signal.firCausal(x, taps)).abs().max().item() as number
  expect(difference).toBeLessThan(1e-13)
})

const functions: [string, (x: Tensor) => Tensor][] = [
  ['sosfilt', (x) => signal.sosfilt(x, sections)],
  ['sosfiltfilt', (x) => signal.sosfiltfilt(x, sections)],
  ['firZeroPhase', (x) => signal.firZeroPhase(x, taps)],
  ['firZeroPhase of zeros', (x) => signal.firZeroPhase(x, taps, { pad: 'constant' })],
  ['firCausal', (x) => signal.firCausal(x, taps)],
  [
    'mneNotchFilter',
    (x) => signal.mneNotchFilter(x, 250, 50, { filterLength: 1001, notchWidths: 2, transBandwidth: 4 }),
  ],
  ['resample', (x) => signal.resample(x, 200)],
  ['resamplePoly', (x) => signal.resamplePoly(x, 3, 4)],
  ['mneResample', (x) => signal.mneResample(x, 2, 3, { npad: 20 })],
  ['hilbert', (x) => signal.hilbert(x)],
  ['envelope', (x) => signal.envelope(x, { nFft: 320 })],
  ['instantaneousPhase', (x) => signal.instantaneousPhase(x)],
  ['exponentialStandardize', (x) => signal.exponentialStandardize(x, { initBlockSize: 20 })],
  ['exponentialDemean', (x) => signal.exponentialDemean(x)],
]

test.each(functions)('%s takes each signal for itself, in any layout and dtype', (_, operation) => {
  const x = randn([300, 2, 20], { dtype: 'float64' })
  const turned = x.permute([1, 2, 0]) // (2, 20, 300), not contiguous
  const all = operation(turned)
  expect(all.shape.slice(0, 2)).toEqual([2, 20])
  for (const [i, j] of [
    [0, 0],
    [1, 19],
    [1, 3],
  ] as const) {
    const one = operation(turned.select(0, i).select(0, j))
    expect(one.sub(all.select(0, i).select(0, j)).abs().max().item()).toBeLessThan(1e-13)
  }
  const single = operation(turned.to({ dtype: 'float32' }))
  expect(single.dtype).toBe(all.dtype === 'complex128' ? 'complex64' : 'float32')
  expect(single.sub(all).abs().max().item()).toBeLessThan(3e-5)
})

test('a short signal is filtered by what it has', () => {
  for (const n of [1, 2, 5]) {
    for (const [, operation] of functions.filter(([name]) => !/resample|Notch|envelope/i.test(name)))
      expect(operation(randn([2, n])).shape).toEqual([2, n])
    expect(
      signal
        .mneFilterData(randn([n]), 100, 1, 20)
        .isfinite()
        .all()
        .item(),
    ).toBe(true)
  }
})

test('no signals at all come back as none', () => {
  const none = randn([0, 50])
  expect(signal.sosfiltfilt(none, sections).shape).toEqual([0, 50])
  expect(signal.resample(none, 20).shape).toEqual([0, 20])
  expect(signal.firZeroPhase(none, taps).shape).toEqual([0, 50])
})

test.each([
  [() => signal.butter(4, [40, 1], 100), 'rising order'],
  [() => signal.butter(4, [1, 40], 100, 'lowpass'), 'one corner'],
  [() => signal.iirnotch(60, 30, 100), 'between 0 and 50 Hz'],
  [() => signal.iirnotch(20, 0, 100), 'above 0'],
  [() => signal.firwin(10, 20, 100, { passZero: false }), 'an odd number'],
  [() => signal.firwin(11, [20, 10], 100), 'rising order'],
  [() => signal.firwin(11, 20, 100, { window: 'flat' as never }), 'kaiser'],
  [() => signal.mneCreateFilter(100, 1, 60), 'between 0 and 50 Hz'],
  [() => signal.mneCreateFilter(100, 1, 40, { filterLength: 11 }), 'at least'],
  [() => signal.mneCreateFilter(100, 1, 40, { lTransBandwidth: 1e-9 }), 'from 1 to 10000000 taps'],
  [() => signal.mneCreateFilter(100, [12, 12.2], [10, 11]), 'further apart'],
  [() => signal.mneFilterData(wave, 100, 1, 40, { phase: 'forward' }), "'zero', 'zero-double' or 'linear'"],
  [() => signal.mneNotchFilter(wave, 100, []), 'one or more'],
  [() => signal.sosfilt(wave, []), 'six numbers'],
  [() => signal.sosfilt(wave, [[1, 0, 0, 2, 0, 0]]), 'a0 = 1'],
  [() => signal.firZeroPhase(wave, Float64Array.of(1, 2)), 'an odd number'],
  [() => signal.resample(wave, 0), 'from 1'],
  [() => signal.resamplePoly(wave, 1.5, 1), 'whole number'],
  [() => signal.resamplePoly(wave, 2, 1, { pad: 'wrap' as never }), 'constant, edge, reflect'],
  [() => signal.mneResample(wave, 0, 1), 'above 0'],
  [() => signal.envelope(wave, { nFft: 100 }), '200 or more'],
  [() => signal.exponentialStandardize(wave, { factorNew: 0 }), 'above 0'],
  [() => signal.exponentialStandardize(wave, { initBlockSize: 0 }), 'integer from 1'],
])('what cannot be done is refused: %#', (body, words) => {
  expect(body).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(words) }))
})

test('long signals are transformed exactly too', () => {
  const n = 12000
  const tone = (samples: number, cycles: number, phase: number) =>
    Array.from({ length: samples }, (_, i) => Math.cos((2 * Math.PI * ((cycles * i) % samples)) / samples + phase))
  const x = tensor([tone(n, 17, 1), tone(n, 5, 2), tone(n, 1000, 3)], { dtype: 'float64' })
  const expected = tensor([tone(9000, 17, 1), tone(9000, 5, 2), tone(9000, 1000, 3)], { dtype: 'float64' })
  expect(signal.resample(x, 9000).sub(expected).abs().max().item()).toBeLessThan(1e-12)
  expect(signal.envelope(x).sub(1).abs().max().item()).toBeLessThan(1e-12)
})

test('a signal that is not finite, or far larger, spoils no other', () => {
  const x = randn([4, 500], { dtype: 'float64' })
  const large = x.mul(tensor([[1], [1e12], [1], [Number.NaN]], { dtype: 'float64' }))
  for (const operation of [(s: Tensor) => signal.resample(s, 400), (s: Tensor) => signal.envelope(s)]) {
    const [clean, spoilt] = [operation(x), operation(large)]
    for (const row of [0, 2])
      expect(spoilt.select(0, row).sub(clean.select(0, row)).abs().max().item()).toBeLessThan(1e-13)
    expect(spoilt.select(0, 3).isnan().all().item()).toBe(true)
  }
})
