import { mkdtempSync, readdirSync, readlinkSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DataLoader, EegTorchError, models, openStore, optim, fit as train, writeStore } from 'eegtorch'
import { builtEntry, runNode } from '../built.ts'
import { makeWindows } from '../evaluation/make-windows.ts'

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'eegtorch-open-')))
afterAll(() => rmSync(folder, { recursive: true }))

const path = join(folder, 'store')
beforeAll(() =>
  writeStore(
    path,
    makeWindows(
      Array.from({ length: 8 }, (_, i) => ({ file: 'x', trial: i + 1, start: i * 100, label: i % 2 })),
      { nSamples: 128 },
    ),
  ),
)

/** How often this process has the store open. */
const openFiles = (): number =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(path)
    } catch {
      return false // that of the folder itself, which is closed by now
    }
  }).length

test('a training that is refused leaves no file open', async () => {
  const { windows } = openStore(path)
  const net = models.eegnet({ nChans: 1, nOutputs: 2, nTimes: 128 })
  const options = { epochs: 1, batchSize: 4, validation: windows }
  for (const refused of [
    { optimizer: optim.adam({ lr: -1 }) },
    { batchSize: 100, dropLast: true },
    { freeze: ['no such parameter'] },
  ])
    await expect(train(net, windows, { ...options, ...refused })).rejects.toThrow(EegTorchError)
  expect(openFiles()).toBe(0)
  await train(net, windows, options)
  expect(openFiles()).toBe(0)
})

test('a loader closes its file at the end of the block that uses it', () => {
  {
    using loader = new DataLoader(openStore(path).windows, { batchSize: 4 })
    expect([loader.batches, openFiles()]).toEqual([2, 1])
  }
  expect(openFiles()).toBe(0)
})

test('an epoch that is left early, or never looked at, leaves no file open', async () => {
  {
    using loader = new DataLoader(openStore(path).windows, { batchSize: 2, shuffle: true })
    for (let i = 0; i < 50; i++) for await (const _ of loader) if (i % 2) break
    loader.epoch(0)
  }
  expect(openFiles()).toBe(0)
})

test('files of loaders that nobody refers to are closed', async () => {
  const program = `
    import { readdirSync, readlinkSync } from 'node:fs'
    import { setTimeout } from 'node:timers/promises'
    const { DataLoader, openStore } = await import(${JSON.stringify(builtEntry)})
    const path = ${JSON.stringify(path)}
    const openFiles = () => readdirSync('/proc/self/fd').filter((fd) => {
      try { return readlinkSync('/proc/self/fd/' + fd).startsWith(path) } catch { return false }
    }).length
    const { windows } = openStore(path)
    const leave = async () => {
      const loaders = Array.from({ length: 20 }, () => new DataLoader(windows, { batchSize: 4 }))
      for (const loader of loaders) await loader.epoch(0).next() // loops that nobody goes on with
      const held = openFiles()
      loaders.length = 0 // referred to until here
      return held
    }
    const held = await leave()
    for (let i = 0; i < 200 && openFiles() > 0; i++) {
      globalThis.gc()
      await setTimeout(20)
    }
    console.log(JSON.stringify([held, openFiles()]))`
  const { stdout, stderr } = await runNode(['--expose-gc', '--input-type=module', '-e', program])
  expect([stdout.trim(), stderr]).toEqual(['[20,0]', ''])
})
