import fc from 'fast-check'
import { heatMap, intervalChart, lineChart, traces } from '../lib/report/charts.ts'
import { decimate, element, extent, formatTick, linearScale, linePath, niceTicks, text } from '../lib/svg.ts'

test('text and attributes of a user are harmless', () => {
  const hostile = `</svg><script>alert("x")</script>' &`
  const markup = element('text', { title: hostile, x: 1 / 3, y: undefined }, text(hostile))
  expect(markup).toBe(
    '<text title="&lt;/svg&gt;&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&#39; &amp;" x="0.33">' +
      '&lt;/svg&gt;&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&#39; &amp;</text>',
  )
})

test('a scale maps the ends of its domain to the ends of its range', () => {
  const scale = linearScale([-1, 3], [100, 0])
  expect([scale(-1), scale(3), scale(1)]).toEqual([100, 0, 50])
  expect(linearScale([2, 2], [0, 10])(2)).toBe(0)
})

test('ticks are round, inside the range and about as many as asked', () => {
  expect(niceTicks(0, 1)).toEqual([0, 0.2, 0.4, 0.6000000000000001, 0.8, 1])
  expect(niceTicks(-0.5, 2.5, 6)).toEqual([-0.5, 0, 0.5, 1, 1.5, 2, 2.5])
  expect(niceTicks(3, 3)).toEqual([3])
  expect(niceTicks(0, Number.POSITIVE_INFINITY)).toEqual([0])
  const ranges = fc.tuple(
    fc.double({ min: -1e6, max: 1e6, noNaN: true }),
    fc.double({ min: 1e-3, max: 1e6, noNaN: true }),
  )
  fc.assert(
    fc.property(ranges, ([low, span]) => {
      const ticks = niceTicks(low, low + span, 5)
      expect(ticks.length).toBeGreaterThanOrEqual(2)
      expect(ticks.length).toBeLessThanOrEqual(7)
      expect(ticks[0]!).toBeGreaterThanOrEqual(low - 1e-6 * span)
      expect(ticks.at(-1)!).toBeLessThanOrEqual(low + span + 1e-6 * span)
      expect(new Set(ticks.map((tick) => formatTick(tick, ticks))).size).toBe(ticks.length)
    }),
  )
})

test('tick labels have the digits of their step', () => {
  const labels = (ticks: number[]) => ticks.map((tick) => formatTick(tick, ticks))
  expect(labels([0, 0.2, 0.4, 0.6000000000000001])).toEqual(['0.0', '0.2', '0.4', '0.6'])
  expect(labels([0, 50, 100])).toEqual(['0', '50', '100'])
  expect(labels([0.001, 0.002])).toEqual(['0.001', '0.002'])
})

test('a path lifts its pen at what is not finite', () => {
  expect(
    linePath([
      [0, 1],
      [1, Number.NaN],
      [2, 3],
      [3, 4.0051],
    ]),
  ).toBe('M0 1M2 3L3 4.01')
  expect(linePath([])).toBe('')
})

test('the extent leaves out what is not finite', () => {
  expect(extent([3, Number.NaN, -1, Number.POSITIVE_INFINITY])).toEqual([-1, 3])
  expect(extent([])).toEqual([0, 1])
})

test('decimating keeps order, the extremes and a bounded length', () => {
  const signals = fc.array(fc.double({ noNaN: true }), { minLength: 1, maxLength: 400 })
  fc.assert(
    fc.property(signals, fc.integer({ min: 1, max: 50 }), (samples, columns) => {
      const kept = decimate(samples, columns)
      expect(kept.length).toBeLessThanOrEqual(2 * columns)
      expect(kept.every(([i, value], k) => samples[i] === value && (k === 0 || i > kept[k - 1]![0]))).toBe(true)
      const values = kept.map(([, value]) => value)
      expect(Math.max(...values)).toBe(Math.max(...samples))
      expect(Math.min(...values)).toBe(Math.min(...samples))
    }),
  )
})

describe('charts', () => {
  test('a line chart draws its series inside the frame, faint ones below', () => {
    const svg = lineChart({
      description: 'Loss',
      xLabel: 'epoch',
      yLabel: 'loss',
      series: [
        {
          tone: 'train',
          points: [
            [1, 0.5],
            [2, 0.25],
          ],
        },
        {
          tone: 'validation',
          faint: true,
          points: [
            [1, 1],
            [2, Number.NaN],
          ],
        },
      ],
      level: { y: 0.5, label: 'chance' },
    })
    expect(svg.indexOf('line validation faint')).toBeLessThan(svg.indexOf('line train'))
    expect(svg).toContain('d="M46 153.61L510 214.82')
    expect([...svg.matchAll(/y="239">([^<]+)/g)].map(([, tick]) => tick)).toEqual(['1', '2'])
    expect(svg).toContain('aria-label="Loss"')
    expect(svg).not.toMatch(/NaN|Infinity|undefined/)
  })

  test('a heat map writes each cell and shades it by its share of the row', () => {
    const svg = heatMap({
      description: 'Confusion',
      values: [
        [9, 1],
        [0, 0],
      ],
      format: String,
      rowLabels: ['<a>', 'b'],
      columnLabels: ['<a>', 'b'],
      rowTitle: 'true',
      columnTitle: 'answer',
    })
    expect([...svg.matchAll(/fill-opacity="([^"]+)"/g)].map(([, share]) => share)).toEqual(['0.9', '0.1', '0', '0'])
    expect(svg).toContain('&lt;a&gt;')
    expect(svg).not.toContain('<a>')
  })

  test('traces share one scale, told by a bar', () => {
    const svg = traces({
      description: 'Signals',
      channels: ['C3', 'C4'],
      sets: [
        {
          tone: 'class-0',
          samples: [
            [0, 40e-6, 0, -40e-6],
            [1e-6, 1e-6, 1e-6, 1e-6],
          ],
        },
      ],
      samplingRate: 2,
      from: -1,
      formatAmplitude: (volts) => `${Math.round(volts * 1e6)} µV`,
    })
    expect(svg).toContain('20 µV')
    const [first, second] = [...svg.matchAll(/class="line trace class-0" d="([^"]+)"/g)].map(([, d]) => d!)
    expect(new Set(heights(first!)).size).toBe(3)
    expect(new Set(heights(second!)).size).toBe(1)
    expect(svg).toContain('class="level"')
  })

  test('an interval chart places means on a scale from 0 to 1', () => {
    const rows = [{ label: 'net', tone: 'validation', mean: 0.5, low: 0, high: 1, dots: [0.25] }]
    const svg = intervalChart(rows, { description: 'Accuracy', chance: 0.5, width: 412 })
    expect(svg).toContain('class="interval validation" x1="150" x2="400"')
    expect(svg).toContain('class="point validation" cx="275"')
    expect(svg).toContain('chance 0.500')
  })

  test('an interval chart makes room for long names', () => {
    const row = { label: 'tangent space + LR, 8-30 Hz', tone: 'train', mean: 0.5, low: 0, high: 1 }
    const svg = intervalChart([row], { description: 'Accuracy', chance: 0.5 })
    expect(svg).toContain('tangent space + LR, 8-30 Hz</text>')
    expect(Number(/class="grid" x1="([\d.]+)"/.exec(svg)![1])).toBeGreaterThan(6 * 27)
  })

  test('nothing to draw is drawn without numbers that are none', () => {
    const empty = [
      lineChart({ description: '', xLabel: '', yLabel: '', series: [] }),
      heatMap({
        description: '',
        values: [],
        format: String,
        rowLabels: [],
        columnLabels: [],
        rowTitle: '',
        columnTitle: '',
      }),
      traces({
        description: '',
        channels: ['a'],
        sets: [{ tone: '', samples: [[0, 0]] }],
        samplingRate: 1,
        from: 0,
        formatAmplitude: String,
      }),
    ]
    for (const svg of empty) expect(svg).not.toMatch(/NaN|Infinity|undefined/)
  })
})

function heights(path: string): string[] {
  return [...path.matchAll(/[ML][\d.]+ ([\d.]+)/g)].map(([, y]) => y!)
}
