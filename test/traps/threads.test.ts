import { fileURLToPath } from 'node:url'
import { builtEntry, runNode } from '../built.ts'

const child = (name: string) => fileURLToPath(new URL(`children/${name}.mjs`, import.meta.url))

describe('worker threads', () => {
  test('several workers, and no main thread, load the addon and compute', async () => {
    const result = await runNode([child('workers'), builtEntry, 'finish', '3'])
    const shapes = '64,64;64,64;64,64'
    expect(result).toMatchObject({ code: 0, signal: null, stdout: `${shapes}|${shapes}|${shapes}\n` })
  })

  test.each([
    ['async', 3],
    ['sync', 3],
    ['results', 8],
  ])('workers that are terminated in the middle of %s work do not crash', async (mode, count) => {
    const result = await runNode([child('workers'), builtEntry, mode, String(count)])
    const stdout = `${Array.from({ length: count }, () => 'started').join('|')}\n`
    expect(result).toMatchObject({ code: 0, signal: null, stdout, stderr: '' })
  })
})

describe('the end of the process while native work runs', () => {
  test.each([
    ['exit', 7],
    ['throw', 1],
    ['finish', 0],
  ])('by %s', async (how, code) => {
    const result = await runNode([child('exit'), builtEntry, how])
    expect(result).toMatchObject({ code, signal: null, stdout: 'ending\n' })
  })
})

test('a process may end while tensors share the memory of its arrays', async () => {
  const result = await runNode([child('shared-memory'), builtEntry])
  expect(result).toMatchObject({ code: 0, signal: null, stdout: '50\n', stderr: '' })
})

test("denormals are flushed on the compute thread only: JavaScript's arithmetic stays as it was", async () => {
  const { stdout } = await runNode([child('arithmetic'), builtEntry])
  expect(JSON.parse(stdout)).toMatchObject({ same: true, synchronous: true })
})

test('only one thread at a time has workers of OpenMP, so that they need not sleep between two regions', async () => {
  const { stdout } = await runNode([child('thread-teams'), builtEntry])
  expect(JSON.parse(stdout)).toEqual({ own: 3, handedOver: 3, rested: 0 })
})

test.each([
  // a quarter of a millisecond of looks, 5 to 100 nanoseconds each; libgomp's own is 300,000
  [{}, [2500, 50_000], undefined],
  [{ GOMP_SPINCOUNT: '77' }, [77, 77], '77'],
])('workers of OpenMP wait a little for work, or as long as the user says: %j', async (env, [least, most], kept) => {
  const program = `const { ones } = await import(${JSON.stringify(builtEntry)})
    ones([1])
    console.log(process.env.GOMP_SPINCOUNT)`
  const { stdout, stderr } = await runNode(['--input-type=module', '-e', program], {
    env: { ...env, OMP_DISPLAY_ENV: 'verbose' },
  })
  const looks = Number(/GOMP_SPINCOUNT = '(\d+)'/.exec(stderr)![1])
  expect(looks).toBeGreaterThanOrEqual(least!)
  expect(looks).toBeLessThanOrEqual(most!)
  expect(stdout).toBe(`${kept}\n`)
})
