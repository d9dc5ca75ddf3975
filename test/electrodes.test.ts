import { electrodePosition } from 'eegtorch'
import { angleBetween } from '../lib/electrodes.ts'

const degrees = (a: string, b: string) => (angleBetween(electrodePosition(a)!, electrodePosition(b)!) * 180) / Math.PI

test('electrodes lie where the 10-10 system puts them', () => {
  expect(electrodePosition('Cz')).toEqual([0, 0, 1])
  const [x, y, z] = electrodePosition('C3')!
  expect([x, y, z]).toEqual([
    expect.closeTo(-Math.sin(Math.PI / 5)),
    expect.closeTo(0),
    expect.closeTo(Math.cos(Math.PI / 5)),
  ])
  expect(degrees('Cz', 'Fz')).toBeCloseTo(36)
  expect(degrees('Fz', 'FCz')).toBeCloseTo(18)
  expect(degrees('POz', 'Cz')).toBeCloseTo(54)
  expect(degrees('C3', 'C5')).toBeCloseTo(18)
  expect(degrees('T7', 'T8')).toBeCloseTo(144)
  expect(degrees('Fp1', 'Fpz')).toBeLessThan(18)
  expect(electrodePosition('T5')).toEqual(electrodePosition('P7'))
  const [left, right] = [electrodePosition('PO3')!, electrodePosition('PO4')!]
  expect([left[0], left[1], left[2]]).toEqual([
    expect.closeTo(-right[0]),
    expect.closeTo(right[1]),
    expect.closeTo(right[2]),
  ])
})

test.each(['EOG', 'X1', 'C99', 'Fp7', '', 'toString1'])('%j is no electrode', (name) => {
  expect(electrodePosition(name)).toBeUndefined()
})
