import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { thisProcess } from '../../lib/files/lock.ts'
import { type LockedFolder, lockFolder } from '../../lib/files/locked-folder.ts'
import { runNode } from '../built.ts'
import { rejectionOf } from '../thrown.ts'

const root = mkdtempSync(join(tmpdir(), 'eegtorch-folder-'))
afterAll(() => rmSync(root, { recursive: true }))
const place: LockedFolder = { lockFile: 'run.lock', doing: 'trains in', option: '--out' }

test('what killed processes left half written goes with the lock, other files and folders of others stay', async () => {
  const folder = join(root, 'run')
  for (const part of ['lora_epoch1', 'pictures']) mkdirSync(join(folder, part), { recursive: true })
  const left = ['results.json.7.0badcafe.tmp', 'lora_epoch1/adapter_model.safetensors.7.00000001.tmp']
  const kept = [
    'notes.tmp',
    'run.7.tmp',
    'lora_epoch1/adapter_model.safetensors',
    'pictures/picture.png.7.0badcafe.tmp',
  ]
  for (const name of [...left, ...kept, 'pictures/generations.lock']) writeFileSync(join(folder, name), 'half')
  writeFileSync(join(folder, 'run.lock.0badcafe0bad'), JSON.stringify({ ...(await thisProcess()), pid: 99999999 }))
  const lock = await lockFolder(folder, place)
  expect(left.filter((name) => existsSync(join(folder, name)))).toEqual([])
  expect(kept.filter((name) => !existsSync(join(folder, name)))).toEqual([])
  expect(readdirSync(folder).sort()).toEqual(['lora_epoch1', 'notes.tmp', 'pictures', 'run.7.tmp', 'run.lock'])
  // While it is held, another neither writes nor clears anything away.
  writeFileSync(join(folder, left[0]!), 'being written')
  expect((await rejectionOf(lockFolder(folder, place))).message).toMatch(
    /another process trains in .*run: expected another/,
  )
  expect(existsSync(join(folder, left[0]!))).toBe(true)
  await lock.release()
})

/** Names under which files are made, both of TypeScript and of C++: seen by a process that is killed while it writes. */
test.each(['writeFileAtomically', 'writeSafetensors'])(
  '%s makes files under a name that is cleared away',
  async (writer) => {
    const folder = join(root, writer)
    mkdirSync(folder)
    const script = join(root, `${writer}.mjs`)
    writeFileSync(
      script,
      `import { readdirSync } from 'node:fs'
const { writeSafetensors, zeros } = await import(process.argv[2])
const { writeFileAtomically } = await import(process.argv[3])
const file = process.argv[4] + '/state.safetensors'
const bytes = 64 * 2 ** 20
const watch = setInterval(() => readdirSync(process.argv[4]).length > 0 && process.kill(process.pid, 'SIGKILL'), 0)
${writer === 'writeSafetensors' ? 'await writeSafetensors(file, { a: zeros([bytes / 4]) })' : 'await writeFileAtomically(file, new Uint8Array(bytes))'}
clearInterval(watch)
`,
    )
    const dist = new URL('../../dist/', import.meta.url)
    const words = [new URL('index.js', dist).href, new URL('files/atomic.js', dist).href, folder]
    let names: string[] = []
    // Where the machine was busy it may have been whole before it was looked at.
    for (let attempt = 0; attempt < 10 && !names.some((name) => name.endsWith('.tmp')); attempt++) {
      await runNode([script, ...words])
      names = readdirSync(folder)
      if (!names.some((name) => name.endsWith('.tmp'))) rmSync(join(folder, 'state.safetensors'), { force: true })
    }
    expect(names).toEqual([expect.stringMatching(/^state\.safetensors\.\d+\.[0-9a-f]{8}\.tmp$/)])
    await (await lockFolder(folder, place)).release()
    expect(readdirSync(folder)).toEqual([])
  },
)
