import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { builtEntry } from '../built.ts'

const program = fileURLToPath(new URL('operator-door.mjs', import.meta.url))

/**
 * Left out: `from_file`, which would write files; and LibTorch's internals, whose names begin with an underscore and whose kernels
 * trust their callers.
 */
const LEFT_OUT = 'from_file,_*'

/** Gigabytes of data that the child may hold, so that a huge size is refused by the system and not granted. */
const LIMIT_KB = 4_000_000

const cases = [
  ...[1, 2, 3].map((seed) => ({ namespace: 'aten', seed, fewest: 500 })),
  ...[1, 2].map((seed) => ({ namespace: 'eegtorch', seed, fewest: 100 })),
]

test.each(cases)('4,800 random calls of operators of $namespace give values or EegTorchErrors, seed $seed', (about) => {
  const { namespace, seed, fewest } = about
  const settings = [builtEntry, namespace, `${seed}`, '4000', LEFT_OUT]
  const { status, signal, stdout, stderr } = spawnSync(
    '/bin/sh',
    ['-c', `ulimit -d ${LIMIT_KB}; exec "$0" "$@"`, process.execPath, program, ...settings],
    { encoding: 'utf8', maxBuffer: 64e6, env: { ...process.env, OMP_NUM_THREADS: '1' } },
  )
  const last = stdout.trimEnd().split('\n').at(-1)!
  // Where the child died, its last call says of what.
  expect({ status, signal, last: status === 0 ? '' : last, stderr: status === 0 ? '' : stderr.slice(-2000) }).toEqual({
    status: 0,
    signal: null,
    last: '',
    stderr: '',
  })
  const { values, errors } = JSON.parse(last) as { values: number; errors: Record<string, number> }
  const total = Object.values(errors).reduce((sum, count) => sum + count, values)
  expect(total).toBe(4800)
  expect(values).toBeGreaterThan(fewest)
})
