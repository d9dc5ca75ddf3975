import { denoise } from 'eegtorch'
import { makeWindows } from '../evaluation/make-windows.ts'

test('a silent channel leaves the figures of the others numbers', async () => {
  const rows = Array.from({ length: 6 }, (_, i) => ({ run: `${i % 2}`, trial: i + 1, start: i * 100 }))
  const alive = makeWindows(rows, { nSamples: 64, samples: (i) => Math.sin(i) })
  const data = Float32Array.from({ length: 2 * alive.data.length }, (_, i) =>
    Math.floor(i / 64) % 2 === 0 ? Math.sin(i) : 3,
  )
  const windows = alive.with({ data, channelNames: ['Cz', 'silent'] })
  const { scores } = await denoise(windows, {
    models: ['vae'],
    epochs: 1,
    copies: 1,
    hiddenDim: 4,
    latentDim: 2,
    size: [8, 8],
  })
  const vae = scores.find(({ name }) => name === 'vae')!
  expect(Number.isFinite(vae.signals.mean)).toBe(true)
})
