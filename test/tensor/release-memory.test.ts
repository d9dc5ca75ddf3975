import { builtEntry, runNode } from '../built.ts'

/**
 * The mebibytes that a program logs, from a process of its own: a test's process also gives back the heap of the test
 * files before, whenever it likes. Pages of mapped libraries, which the system may take at any time, do not count.
 */
async function loggedBy(program: string): Promise<number> {
  const { stdout, stderr } = await runNode([
    '--input-type=module',
    '--eval',
    `import { readFileSync } from 'node:fs'
    import { ones, releaseMemory } from '${builtEntry}'
    const tensorOf = (mebibytes) => ones([(mebibytes * 2 ** 20) / 4])
    const resident = () => Number(/^RssAnon:\\s+(\\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024
    ${program}`,
  ])
  expect(stderr).toBe('')
  return Number(stdout)
}

test('memory of tensors that were disposed of goes back to the system when asked for', async () => {
  const returned = await loggedBy(`const tensor = tensorOf(128)
    const full = resident()
    tensor.dispose()
    releaseMemory()
    console.log(full - resident())`)
  expect(returned).toBeGreaterThan(0.9 * 128)
})

test('pages between blocks stay where the next one is a little too long for them: a loop takes no fresh ones', async () => {
  const added = await loggedBy(`const held = tensorOf(400)
    const before = resident()
    const first = tensorOf(44)
    const second = tensorOf(44)
    first.dispose()
    const third = tensorOf(45)
    console.log(resident() - before)
    for (const tensor of [held, second, third]) tensor.dispose()`)
  expect(added).toBeGreaterThan(44 + 44 + 45 - 8)
})
