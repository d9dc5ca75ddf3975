import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore, Pipeline, type PrepareProgress, prepareStore, type Recordings, readAll } from 'eegtorch'
import { writeSimulatedFiles } from '../recordings/simulated-files.ts'
import { rejectionOf } from '../thrown.ts'

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-prepare-store-'))
const data = join(folder, 'eegmmidb')
const out = join(folder, 'fists-feet.store')
let recordings: Recordings

/** Of the channels of the first recording. */
const stepsOf = (all: Recordings) =>
  Pipeline.parse([{ pick: all.at(0)!.channels.map(({ name }) => name) }, { windows: { from: 0.5, to: 1.5 } }, 'zscore'])

beforeAll(async () => {
  await writeSimulatedFiles(data)
  recordings = await readAll(data)
})
afterAll(() => rmSync(folder, { recursive: true }))

test('a stopped store goes on with what is missing, and holds what the pipeline gives', async () => {
  const stop = new AbortController()
  const first = { pipeline: stepsOf, task: 'fists-feet', workers: 1, signal: stop.signal } as const
  const onProgress = ({ done }: PrepareProgress) => done === 1 && stop.abort()
  const stopped = await rejectionOf(prepareStore(out, { data }, { ...first, onProgress }))
  expect(stopped).toMatchObject({ code: 'CANCELLED', message: expect.stringMatching(/after 1 of \d+ recordings/) })
  expect(existsSync(out)).toBe(false)

  const other = { ...first, pipeline: Pipeline.parse([{ windows: { from: 0, to: 1 } }]), signal: undefined }
  const refused = await rejectionOf(prepareStore(out, { data }, other))
  expect([refused.code, refused.message]).toEqual([
    'INVALID_OPTION',
    expect.stringContaining('store of another pipeline'),
  ])

  const seen: PrepareProgress[] = []
  const again = { pipeline: stepsOf(recordings), task: 'fists-feet', workers: 2 } as const
  await prepareStore(out, { data: [data] }, { ...again, onProgress: (progress) => seen.push(progress) })
  expect(seen[0]).toEqual({ done: 1, recordings: recordings.length })
  expect(seen.map(({ done }) => done)).toEqual(Array.from({ length: recordings.length }, (_, i) => i + 1))
  expect(readdirSync(folder).toSorted()).toEqual(['eegmmidb', 'fists-feet.store'])

  const { windows } = openStore(out)
  const expected = await stepsOf(recordings).prepared.windows(recordings, { task: 'fists-feet' })
  expect(windows.origins).toEqual(expected.origins)
  expect(windows.pipeline).toBe(expected.pipeline)
  for (let i = 0; i < expected.length; i++) expect([...windows.window(i)]).toEqual([...expected.window(i)])

  const written = await rejectionOf(prepareStore(out, { data }, again))
  expect(written).toMatchObject({ code: 'FILE_WRITE_FAILED', file: out })
})

test('what cannot be prepared is refused before anything is written', async () => {
  const path = join(folder, 'nothing.store')
  const pipeline = Pipeline.parse([{ filter: [4, 38] }])
  const uncut = await rejectionOf(prepareStore(path, { data }, { pipeline }))
  expect(uncut).toMatchObject({ code: 'INVALID_OPTION', option: 'pipeline' })
  const missing = await rejectionOf(prepareStore(path, { data: join(folder, 'none') }, { pipeline }))
  expect(missing.code).toBe('FILE_NOT_FOUND')
  expect(readdirSync(folder).filter((name) => name.startsWith('nothing'))).toEqual([])
})
