import { findHeartbeats, simulateEcg } from 'eegtorch'
import { rejectionOf } from '../thrown.ts'

const recording = simulateEcg({ duration: 40, seed: 7 })
const [ecg] = recording.read() as [Float64Array]
const known = recording.events.map(({ sample }) => sample)

test('an inverted lead has the same beats', async () => {
  const inverted = ecg.map((value) => -value)
  expect(await findHeartbeats(inverted, 250)).toEqual(await findHeartbeats(ecg, 250))
})

test('a pause is no reason to invent beats, and beats of half the size are found', async () => {
  const gain = (i: number) => (i > known[10]! + 60 && i < known[14]! - 60 ? 0 : i > known[20]! + 60 ? 0.5 : 1)
  const found = await findHeartbeats(
    ecg.map((value, i) => value * gain(i)),
    250,
  )
  const expected = known.filter((_, i) => i <= 10 || i >= 14)
  expect(found.length).toBe(expected.length)
  for (const [i, sample] of expected.entries()) expect(Math.abs(found[i]! - sample)).toBeLessThanOrEqual(2)
})

test('a tall T wave is no beat', async () => {
  const tall = ecg.slice()
  for (const beat of known)
    for (let i = -40; i <= 40; i++)
      if (beat + 70 + i < tall.length) tall[beat + 70 + i]! += 0.8e-3 * Math.exp(-((i / 14) ** 2) / 2)
  expect((await findHeartbeats(tall, 250)).length).toBe(known.length)
})

test('nothing, silence and too little have no beats; other input is refused', async () => {
  expect(await findHeartbeats(new Float64Array(0), 250)).toEqual([])
  expect(await findHeartbeats(new Float64Array(1000), 250)).toEqual([])
  expect((await rejectionOf(findHeartbeats(ecg, 20))).code).toBe('INVALID_OPTION')
  const broken = Float64Array.of(...ecg.subarray(0, 500), Number.NaN)
  expect((await rejectionOf(findHeartbeats(broken, 250))).code).toBe('INVALID_OPTION')
})
