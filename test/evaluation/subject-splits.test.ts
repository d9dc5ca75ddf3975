import { EegTorchError } from '../../lib/errors.ts'
import { type Protocol, protocolSplits, protocolText } from '../../lib/evaluation/protocols.ts'
import { makeWindows } from './make-windows.ts'

const of = (count: number, name: (n: number) => string) =>
  makeWindows(
    Array.from({ length: 3 * count }, (_, i) => ({
      subject: name(1 + Math.floor(i / 3)),
      session: '1',
      run: '1',
      trial: 1 + (i % 3),
      start: 50 * (i % 3),
    })),
  )

const subjectsOf = (windows: ReturnType<typeof of>, indices: readonly number[] = []) => [
  ...new Set(indices.map((index) => windows.subject(index))),
]

test.each([
  ['bcic-iv-2a', 9, [5, 2, 2]],
  ['visual-imagery', 22, [16, 3, 3]],
] as const)('%s splits subjects as its documents do, whatever they are called', (name, count, sizes) => {
  for (const call of [(n: number) => `A0${n}`, (n: number) => `sub-${String(n).padStart(2, '0')}`, String]) {
    const windows = of(count, call)
    const [split, ...others] = protocolSplits(windows, { name })
    expect(others).toEqual([])
    const parts = [split!.train, split!.validation, split!.test].map((part) => subjectsOf(windows, part))
    const all = Array.from({ length: count }, (_, i) => call(i + 1))
    expect(parts).toEqual([
      all.slice(0, sizes[0]),
      all.slice(sizes[0], sizes[0] + sizes[1]),
      all.slice(sizes[0] + sizes[1]),
    ])
  }
  expect(protocolText({ name })).toMatch(/^trained on subjects 1-/)
})

test('subjects of one’s own, with others in no part; wrong ones are refused', () => {
  const windows = of(6, (n) => `S00${n}`)
  const [split] = protocolSplits(windows, { name: 'subjects', train: ['S001', '3-4'], test: ['6'] })
  expect(subjectsOf(windows, split!.train)).toEqual(['S001', 'S003', 'S004'])
  expect([subjectsOf(windows, split!.test), split!.validation]).toEqual([['S006'], undefined])
  const refused: Protocol[] = [
    { name: 'subjects', train: ['1-3'], test: ['3-4'] },
    { name: 'subjects', train: ['1-3'], test: ['9'] },
    { name: 'bcic-iv-2a' },
  ]
  for (const protocol of refused) expect(() => protocolSplits(windows, protocol)).toThrow(EegTorchError)
  // One that is there does not hide one that is not.
  for (const test of ['s006', '7', '7-9'])
    expect(() => protocolSplits(windows, { name: 'subjects', train: ['1-3'], test: ['5', test] })).toThrow(
      expect.objectContaining({ option: 'test', received: test }),
    )
  const [some] = protocolSplits(windows, { name: 'subjects', train: ['1-3'], validation: ['4'], test: ['5-9'] })
  expect(subjectsOf(windows, some!.test)).toEqual(['S005', 'S006'])
  const nine = of(9, String)
  expect(() => protocolSplits(nine, { name: 'bcic-iv-2a' }, { validation: 0.2 })).toThrow(/says itself/)
})
