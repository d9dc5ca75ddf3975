import { resolve } from 'node:path'
import { cutWindows, EegTorchError, Recordings } from 'eegtorch'
import { makeRecording } from '../recordings/make-recording.ts'

const events = [
  { onset: 1, duration: 2, label: 'T0' },
  { onset: 3, duration: 2, label: 'T1' },
  { onset: 5, duration: 2, label: 'T2' },
  { onset: 9, duration: 1, label: 'T1' },
]
const recording = makeRecording({ channels: ['C3', 'C4', 'EOG:eog'], events, subject: 'S1', run: '2' })

test('a window starts at its event plus from, and holds the samples of its channels', async () => {
  const windows = await new Recordings([recording]).windows({ events: ['T1', 'T2'], from: 0.5, to: 1.5 })
  expect(windows.length).toBe(2)
  expect(windows.skipped).toBe(1)
  expect(windows.channelNames).toEqual(['C3', 'C4'])
  expect(windows.classNames).toEqual(['T1', 'T2'])
  expect([...windows.labels]).toEqual([0, 1])
  expect(windows.nSamples).toBe(100)
  expect(windows.origins[1]).toEqual({ recording: 0, trial: 3, onset: 5.5, start: 550, label: 1 })
  expect([windows.subject(1), windows.session(1), windows.run(1)]).toEqual(['S1', undefined, '2'])
  const [c3, c4] = [windows.window(1).slice(0, 100), windows.window(1).slice(100)]
  expect([c3[0], c3[99], c4[0]]).toEqual([0.55, 0.649, 1.55].map(Math.fround))
})

test('windows hold channels of the types or names that were asked for, in the order of the recording or of the names', async () => {
  const at = { events: ['T2'], from: 0, to: 0.1 }
  const byType = await cutWindows([recording], { ...at, types: ['eog', 'eeg'] })
  expect([byType.channelNames, byType.channelTypes]).toEqual([
    ['C3', 'C4', 'EOG'],
    ['eeg', 'eeg', 'eog'],
  ])
  const byName = await cutWindows([recording], { ...at, channels: ['EOG', 'C3'] })
  expect([byName.channelNames, byName.channelTypes]).toEqual([
    ['EOG', 'C3'],
    ['eog', 'eeg'],
  ])
  expect([...byName.window(0).slice(0, 10)]).toEqual([...byType.window(0).slice(20)])
  await expect(cutWindows([recording], { ...at, types: ['ecg'] })).rejects.toThrow(
    /types among eeg, eog, as no channel has the type ecg/,
  )
})

test('windows slide through a trial and share its number', async () => {
  const windows = await cutWindows([recording], { events: ['T1', 'T2'], from: -1, to: 1, length: 1, step: 0.25 })
  expect(windows.origins.map(({ start, trial }) => [start, trial])).toEqual([
    ...[200, 225, 250, 275, 300].map((start) => [start, 2]),
    ...[400, 425, 450, 475, 500].map((start) => [start, 3]),
    ...[800, 825, 850, 875, 900].map((start) => [start, 4]),
  ])
  expect(windows.step).toBe(25)
})

test('labels may get class names, from a table or a function', async () => {
  const table = await cutWindows([recording], { events: { T2: 'right', T1: 'left' }, from: 0, to: 1 })
  expect(table.classNames).toEqual(['right', 'left'])
  expect([...table.labels]).toEqual([1, 0, 1])
  const pick = await cutWindows([recording], {
    events: ({ onset }) => (onset > 4 ? 'late' : undefined),
    from: 0,
    to: 1,
  })
  expect(pick.classNames).toEqual(['late'])
  expect(pick.length).toBe(2)
})

test('a batch and a subset keep the order asked for', async () => {
  const windows = await cutWindows([recording], { from: 0, to: 0.1 })
  const batch = windows.batch([2, 0])
  expect(batch.shape).toEqual([2, 2, 10])
  expect([...batch.labels]).toEqual([2n, 0n])
  expect([...batch.data.slice(0, 20)]).toEqual([...windows.window(2)])
  const subset = windows.subset([2, 0])
  expect([...subset.labels]).toEqual([2, 0])
  expect([...subset.window(1)]).toEqual([...windows.window(0)])
  expect(subset.countClasses()).toEqual([1, 0, 1])
  expect(() => windows.batch([9])).toThrow('there is no such window')
})

test('a window never crosses a gap', async () => {
  const gap = makeRecording({
    events: [
      { onset: 1, duration: 0, label: 'x' },
      { onset: 4.5, duration: 0, label: 'x' },
      { onset: 7, duration: 0, label: 'x' },
      { onset: 21, duration: 0, label: 'x' },
    ],
    segments: [
      { onset: 0, sample: 0, nSamples: 500 },
      { onset: 20, sample: 500, nSamples: 500 },
    ],
  })
  const windows = await cutWindows([gap], { from: 0, to: 1 })
  expect(windows.origins.map(({ start, onset }) => [start, onset])).toEqual([
    [100, 1],
    [600, 21],
  ])
  expect(windows.skipped).toBe(2)
})

test('what does not fit is one clear error', async () => {
  const cut = (options: Parameters<typeof cutWindows>[1], list = [recording]) => cutWindows(list, options)
  await expect(cut({ events: ['T7'], from: 0, to: 1 })).rejects.toThrow('something among T0, T1, T2')
  await expect(cut({ from: 1, to: 1 })).rejects.toThrow('from < to')
  await expect(cut({ from: 0, to: 1, step: 0.1 })).rejects.toThrow('a length when step is given')
  await expect(cut({ from: 0, to: 1, length: 2 })).rejects.toThrow('up to 1 s')
  await expect(cut({ from: 0, to: 1, task: 'fist-feet' })).rejects.toThrow('left-right or fists-feet')
  await expect(cut({ from: 0, to: 100 })).rejects.toThrow('4 trials, each cut by an end or a gap')
  await expect(cut({ from: 0, to: 1, channels: ['Cz'] })).rejects.toThrow("no channel 'Cz'")
  await expect(cut({ from: 0, to: 1 }, [])).rejects.toThrow(EegTorchError)
  const other = makeRecording({ samplingRate: 200, events, name: 'fast' })
  await expect(cut({ from: 0, to: 1 }, [recording, other])).rejects.toThrow(
    'fast has another sampling rate than made: expected 100 Hz, received 200 Hz',
  )
  const fewer = makeRecording({ channels: ['C3'], events, name: 'few' })
  await expect(cut({ from: 0, to: 1 }, [recording, fewer])).rejects.toThrow('few lacks channel C4')
})

test('a stimulus and a data set go with the windows, and a part of a file is a recording of its own', async () => {
  const told = makeRecording({
    events: [{ onset: 1, duration: 0, label: 'dog', stimulus: 'Animal_dog' }],
    dataset: 'a-set',
    file: 'sub-01.bdf',
    part: 'run-2',
  })
  const windows = await cutWindows([told], { from: 0, to: 1 })
  expect(windows.stimulus(0)).toBe('Animal_dog')
  expect(windows.recordings[0]).toMatchObject({ dataset: 'a-set', identity: resolve('sub-01.bdf#run-2') })
})

test('windows of many short segments are found by halving', async () => {
  const n = 40_000
  const segments = Array.from({ length: n }, (_, i) => ({ onset: i * 0.1, sample: i * 10, nSamples: 10 }))
  const events = segments.map(({ onset }) => ({ onset, duration: 0, label: 'x' }))
  const many = makeRecording({ channels: ['Cz'], events, segments, nSamples: n * 10 })
  expect(many.events.every(({ sample }, i) => sample === 10 * i)).toBe(true)
  const windows = await cutWindows([many], { from: 0, to: 0.1 })
  expect([windows.length, windows.skipped]).toEqual([n, 0])
  expect(windows.origins.at(-1)).toMatchObject({ start: 10 * (n - 1), onset: segments.at(-1)!.onset })
  expect((await cutWindows([many], { from: 0, to: 0.05, step: 0.05, length: 0.05 })).length).toBe(n)
  await expect(cutWindows([many], { from: 0.02, to: 0.12 })).rejects.toThrow('each cut by an end or a gap')
})
