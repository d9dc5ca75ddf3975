import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readRecording } from 'eegtorch'
import { leastOf, stallDuring } from '../event-loop.ts'
import { fixturePath } from './agree.ts'
import { edfBytes } from './edf-bytes.ts'
import { put, temporaryFolder } from './temporary.ts'

const folder = temporaryFolder()
const BYTES = 192 * 2 ** 20

/** Writes a recording without annotations, all of whose samples are zeros that take no room, and gives its path. */
const writers: Readonly<Record<string, () => string>> = {
  BDF: () => {
    const file = join(folder, 'long.bdf')
    const labels = [...Array.from({ length: 63 }, (_, i) => `E${i + 1}`), 'Status']
    const n = labels.length
    const column = (width: number, text: string | number) => String(text).padEnd(width).repeat(n)
    const head = `\xffBIOSEMI${''.padEnd(160)}01.02.0304.05.06${String(256 * (n + 1)).padEnd(8)}${'24BIT'.padEnd(44)}`
    const counts = `${'-1'.padEnd(8)}${'1'.padEnd(8)}${String(n).padEnd(4)}`
    const limits = [-262144, 262143, -8388608, 8388607].map((limit) => column(8, limit)).join('')
    const signals = `${labels.map((label) => label.padEnd(16)).join('')}${column(80, '')}${column(8, 'uV')}${limits}`
    writeFileSync(
      file,
      Buffer.from(`${head}${counts}${signals}${column(80, '')}${column(8, 2048)}${column(32, '')}`, 'latin1'),
    )
    const record = 3 * 2048 * n
    truncateSync(file, 256 * (n + 1) + record * Math.floor(BYTES / record))
    return file
  },
  FIF: () => {
    const file = join(folder, 'long_raw.fif')
    // Five channels of 16 bits; the tag of the last buffer is made longer, and nothing follows it.
    const short = readFileSync(fixturePath('fif/short_raw.fif'))
    let last = 0
    for (let at = 0; at < short.length; at += 16 + short.readInt32BE(at + 8))
      if (short.readInt32BE(at) === 300) last = at
    const size = 10 * Math.floor(BYTES / 10)
    short.writeInt32BE(size, last + 8)
    writeFileSync(file, short.subarray(0, last + 16))
    truncateSync(file, last + 16 + size)
    return file
  },
}

/** The event loop stalls for less than half of the time that opening takes. */
async function expectFree(file: string) {
  const stallOf = () => stallDuring(() => readRecording(file, { truncated: 'read' }))
  await stallOf() // compiles what is called
  expect(await leastOf(0.5, stallOf)).toBeLessThan(0.5)
}

test.each(Object.keys(writers))(
  'the event loop is free while the triggers of a long %s file are looked for',
  async (format) => {
    await expectFree(writers[format]!())
  },
)

test('the event loop is free while the annotations of many records are read', async () => {
  const signals = [
    { label: 'Cz', samples: 1 },
    { label: 'EDF Annotations', samples: 12 },
  ]
  const records = Array.from({ length: 30_000 }, (_, i) => [[i % 100], `+${i}\x14\x14\0+${i}\x14a\x14\0`])
  const file = put(folder, 'records.edf', edfBytes({ reserved: 'EDF+C', signals, records }))
  await expectFree(file)
  const { events } = await readRecording(file)
  expect(events).toHaveLength(30_000)
  expect(events.at(-1)).toMatchObject({ onset: 29_999, label: 'a' })
})
