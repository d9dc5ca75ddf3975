import { PassThrough } from 'node:stream'
import { type LaunchOptions, launch } from '../../lib/distributed/launch.ts'

/** Runs the same Node program in several processes. */
async function run(program: string, options: Partial<LaunchOptions> = {}, onLine?: (line: string) => void) {
  const lines: Record<'stdout' | 'stderr', string[]> = { stdout: [], stderr: [] }
  const collect = (name: 'stdout' | 'stderr') =>
    new PassThrough().on('data', (chunk: Buffer) => {
      lines[name].push(...chunk.toString().split('\n').slice(0, -1))
      onLine?.(lines[name].at(-1)!)
    })
  const code = await launch({
    command: [process.execPath, '-e', program],
    processes: 2,
    stdout: collect('stdout'),
    stderr: collect('stderr'),
    grace: 0.5,
    ...options,
  })
  return { code, stdout: lines.stdout.toSorted(), stderr: lines.stderr.toSorted() }
}

test('tells each process its place, and puts its number before each line', async () => {
  const { code, stdout, stderr } = await run(
    `const { RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR, MASTER_PORT, OMP_NUM_THREADS } = process.env
     console.log(RANK, LOCAL_RANK, WORLD_SIZE, LOCAL_WORLD_SIZE, MASTER_ADDR, MASTER_PORT > 0, OMP_NUM_THREADS >= 1)
     process.stderr.write('no newline')`,
    { environment: {} },
  )
  expect(code).toBe(0)
  expect(stdout).toEqual(['[0] 0 0 2 2 127.0.0.1 true true', '[1] 1 1 2 2 127.0.0.1 true true'])
  expect(stderr).toEqual(['[0] no newline', '[1] no newline'])
})

test('several machines share host and port', async () => {
  const program =
    'console.log(process.env.RANK, process.env.WORLD_SIZE, process.env.MASTER_ADDR, process.env.MASTER_PORT)'
  const { stdout } = await run(program, { nodes: 3, nodeRank: 1, host: 'big', port: 4321 })
  expect(stdout).toEqual(['[2] 2 6 big 4321', '[3] 3 6 big 4321'])
})

test('the first failure ends the others and gives the exit code', async () => {
  const { code, stderr } = await run("if (process.env.RANK === '1') process.exit(7); setInterval(() => {}, 1000)")
  expect(code).toBe(7)
  expect(stderr).toEqual(['eegtorch launch: process 1 ended with exit code 7'])
})

test('processes that ignore SIGTERM are killed', async () => {
  const { code } = await run(
    "if (process.env.RANK === '1') process.exit(3); process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)",
    { grace: 0.2 },
  )
  expect(code).toBe(3)
})

test('a killed process gives 128 + its signal', async () => {
  const { code, stderr } = await run(
    "if (process.env.RANK === '0') process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 1000)",
  )
  expect(code).toBe(137)
  expect(stderr).toEqual(['eegtorch launch: process 0 was ended by SIGKILL'])
})

test('signals are passed on', async () => {
  const signals = new EventTarget()
  let ready = 0
  const { code, stdout } = await run(
    "process.on('SIGTERM', () => { console.log('asked to end'); process.exit(0) }); console.log('ready'); setInterval(() => {}, 1000)",
    { signals },
    (line) => {
      if (line.endsWith('ready') && ++ready === 2) {
        signals.dispatchEvent(new CustomEvent('signal', { detail: 'SIGTERM' }))
      }
    },
  )
  expect(code).toBe(0)
  expect(stdout.filter((line) => line.endsWith('asked to end'))).toEqual(['[0] asked to end', '[1] asked to end'])
})

test.each([
  [{ processes: 0 }, '--nproc'],
  [{ nodes: 2 }, '--host'],
  [{ nodeRank: 1 }, '--node-rank'],
  [{ port: 70_000 }, '--port'],
])('refuses %j', async (options, option) => {
  await expect(run('', options)).rejects.toMatchObject({ code: 'INVALID_OPTION', option })
})

test('a program that is not there', async () => {
  await expect(run('', { command: ['no-such-program'] })).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
})
