import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { root, StepError } from '../steps.mjs'

const packages = [
  ...['torch==2.11.0', 'torchvision==0.26.0', 'braindecode==1.8.1', 'diffusers==0.42.1', 'transformers==5.23.0'],
  ...['peft==0.21.2', 'bitsandbytes==0.50.2', 'lpips==0.1.4'],
]

/** The Python of the PyTorch peers: EEGTORCH_BENCH_PYTHON, or an environment of the benchmark's own. */
export function findPython() {
  const given = process.env.EEGTORCH_BENCH_PYTHON
  if (given) {
    if (!existsSync(given)) throw new StepError(`EEGTORCH_BENCH_PYTHON: expected a Python, found nothing at ${given}`)
    return given
  }
  const folder = join(root, '.cache', 'bench-venv')
  const python = join(folder, 'bin', 'python')
  const complete = join(folder, `complete-${packages.length}`)
  if (existsSync(complete)) return python
  console.error(`making ${folder} with ${packages.join(', ')}`)
  try {
    execFileSync('python3', ['-m', 'venv', folder], { stdio: ['ignore', 2, 2] })
    execFileSync(python, ['-m', 'pip', 'install', ...packages], { stdio: ['ignore', 2, 2] })
    execFileSync('touch', [complete])
  } catch (cause) {
    throw new StepError(`the environment for PyTorch cannot be made (${cause.message}): set EEGTORCH_BENCH_PYTHON`)
  }
  return python
}

/** tcmalloc at its usual places, or undefined. */
export function findTcmalloc() {
  const folders = ['/usr/lib/x86_64-linux-gnu', '/usr/lib64', '/usr/lib', '/usr/local/lib']
  const names = ['libtcmalloc_minimal.so.4', 'libtcmalloc.so.4', 'libtcmalloc_minimal.so', 'libtcmalloc.so']
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find((path) => existsSync(path))
}

/** What figures depend on, one line each. */
export function describeMachine() {
  const flags = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1].split(' ') ?? []
  const vectors = flags.filter((flag) => /^(avx|avx2|fma|avx512f)$/.test(flag))
  return [
    `CPU: ${cpus()[0]?.model ?? 'unknown'}, ${availableParallelism()} cores, ${vectors.join(' ')}`,
    `Memory: ${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
    `Load before (1, 5, 15 minutes): ${readFileSync('/proc/loadavg', 'utf8').split(' ').slice(0, 3).join(', ')}`,
    `Date: ${new Date().toISOString()}`,
  ]
}
