import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readRecording } from 'eegtorch'
import { fixturePath } from './agree.ts'
import { temporaryFolder } from './temporary.ts'

const folder = temporaryFolder()
const texts = Object.fromEntries(
  ['vhdr', 'vmrk'].map((ending) => [ending, readFileSync(fixturePath(`brainvision/int16.${ending}`), 'utf8')]),
) as Record<'vhdr' | 'vmrk', string>

/** Reads the recording with another header or other markers. */
function reread(change: { vhdr?: string; vmrk?: string }) {
  cpSync(fixturePath('brainvision/int16.eeg'), join(folder, 'int16.eeg'))
  for (const [ending, text] of Object.entries({ ...texts, ...change }))
    writeFileSync(join(folder, `int16.${ending}`), text)
  return (options = {}) => readRecording(join(folder, 'int16.vhdr'), options)
}

const whole = texts.vmrk.trimEnd()
const lengthOf = (entry: string) => whole.indexOf(entry) + entry.length

test('the last marker counts where nothing that is read of it can be cut, else it is left out', async () => {
  const { events } = await reread({})()
  expect(events.at(-1)!.label).toBe('Response/R 15')
  for (const [length, expected, said] of [
    [whole.length, events, 'has all its fields and was kept'],
    [lengthOf('Mk6=Response,R 15,400,1,'), events, 'has all its fields and was kept'],
    [lengthOf('Mk6=Response,R 15,400,1'), events.slice(0, -1), 'is cut and was left out'],
    [lengthOf('Mk6=Response,R 15,40'), events.slice(0, -1), 'is cut and was left out'],
    [lengthOf('Mk6='), events.slice(0, -1), 'is cut and was left out'],
  ] as const) {
    const open = reread({ vmrk: whole.slice(0, length) })
    await expect(open()).rejects.toMatchObject({ code: 'FILE_TRUNCATED', expected: 'a line break at its end' })
    const cut = await open({ truncated: 'read' })
    expect(cut.events).toEqual(expected)
    expect(cut.warnings).toEqual([`int16.vmrk ends without a line break: its last entry, Mk6, ${said}.`])
  }
})

test('a header that ends with its last channel is read where the unit is there', async () => {
  const header = `${texts.vhdr.slice(0, texts.vhdr.indexOf('GSR'))}GSR,,0.1,µS`
  const open = reread({ vhdr: header })
  await expect(open()).rejects.toMatchObject({ code: 'FILE_TRUNCATED' })
  const { channels, warnings } = await open({ truncated: 'read' })
  expect(channels.map(({ label, unit }) => [label, unit]).at(-1)).toEqual(['GSR', 'µS'])
  expect(warnings).toEqual([
    'int16.vhdr ends without a line break: its last entry, Ch3, has all its fields and was kept.',
  ])
  await expect(reread({ vhdr: header.slice(0, -2) })({ truncated: 'read' })).rejects.toThrow('not all described')
})

test('the place of the last electrode is left out where its numbers may be cut', async () => {
  const at = texts.vhdr.indexOf('Ch2=88,45,10')
  const open = reread({ vhdr: texts.vhdr.slice(0, at + 'Ch2=88,45,1'.length) })
  await expect(open()).rejects.toMatchObject({ code: 'FILE_TRUNCATED' })
  const { channels } = await open({ truncated: 'read' })
  expect(channels.map(({ position }) => position !== undefined)).toEqual([true, false, false])
})
