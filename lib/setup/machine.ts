import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { EegTorchError } from '../errors.ts'
import { type Finding, isAtLeast, outputOf } from './finding.ts'
import { type LibTorch, resolveLibTorch } from './libtorch.ts'
import { readManifestProblem } from './manifest.ts'
import { CUDA_VERSION } from './paths.ts'

const NODE_MINIMUM = '20.17'
/** The first driver series that runs CUDA 13. */
const DRIVER_MINIMUM = '580'
const PLACES = { LIBTORCH: 1, python: 2, local: 3 }

export function checkNode(): Finding {
  const version = process.versions.node
  const details = { version, napi: process.versions.napi }
  if (isAtLeast(version, NODE_MINIMUM)) return { name: 'node', state: 'ok', text: `node ${version}`, details }
  const advice = `install Node ${NODE_MINIMUM} or newer`
  return { name: 'node', state: 'failed', text: `node ${version} is too old`, advice, details }
}

/** Where LibTorch is, and for a local copy whether its files are as they were made. */
export function checkLibTorch(): { finding: Finding; libtorch: LibTorch | undefined } {
  try {
    const libtorch = resolveLibTorch()
    const { build, origin, place, searched } = libtorch
    const skipped = searched
      .filter(({ outcome }) => outcome.startsWith('skipped'))
      .map((item) => `; ${item.place} ${item.outcome}`)
    const text = `LibTorch ${build}   (${place}, ${PLACES[origin]} of 3 places searched${skipped.join('')})`
    const details = { ...libtorch }
    const problem = origin === 'local' ? readManifestProblem(libtorch.dir) : undefined
    if (problem === undefined) return { finding: { name: 'libtorch', state: 'ok', text, details }, libtorch }
    const advice = 'make the copy again: npx eegtorch setup --force'
    return { finding: { name: 'libtorch', state: 'failed', text: `${text}: ${problem}`, advice, details }, libtorch }
  } catch (error) {
    if (!(error instanceof EegTorchError)) throw error
    const [text = '', advice] = error.message.split('; ', 2)
    return { finding: { name: 'libtorch', state: 'failed', text, ...(advice && { advice }) }, libtorch: undefined }
  }
}

/** The CPU's vector instructions decide which kernels LibTorch uses. */
export function checkCpu(): Finding {
  const features = vectorFeatures()
  const memory = totalmem() / 2 ** 30
  const model = cpus()[0]?.model.trim() ?? 'unknown CPU'
  const text = `${model}, ${threadsInWords()}, ${features.join(', ') || 'no AVX2'}, ${memory.toFixed(0)} GiB`
  const details = { model, threads: availableParallelism(), features, memoryBytes: totalmem() }
  if (features.includes('AVX2')) return { name: 'cpu', state: 'ok', text, details }
  return { name: 'cpu', state: 'ok', text, advice: 'without AVX2 everything works, several times slower', details }
}

function vectorFeatures(): string[] {
  const flags = new Set(
    readText('/proc/cpuinfo')
      .match(/^flags\s*:\s*(.*)$/m)?.[1]
      ?.split(' '),
  )
  const known = { avx2: 'AVX2', avx512f: 'AVX-512', amx_tile: 'AMX' }
  return Object.entries(known).flatMap(([flag, name]) => (flags.has(flag) ? [name] : []))
}

function threadsInWords(): string {
  const threads = availableParallelism()
  return `${threads} ${threads === 1 ? 'thread' : 'threads'}`
}

/** GPUs and their driver, from nvidia-smi where it is installed, else from the driver's own files. */
export async function checkGpu(libtorch: LibTorch | undefined): Promise<Finding> {
  const query = ['--query-gpu=name,driver_version,memory.total', '--format=csv,noheader']
  const lines = (await outputOf('nvidia-smi', query))?.trim().split('\n').filter(Boolean) ?? []
  const driver =
    lines[0]?.split(', ')[1] ?? readText('/proc/driver/nvidia/version').match(/\b(\d{3}\.\d+(\.\d+)?)\b/)?.[1]
  if (driver === undefined) return noGpu()
  const gpus = lines.map((line) => line.split(', ')).map(([name, , memory]) => `${name} (${memory})`)
  const text = `${gpus.join(', ') || 'NVIDIA GPU'}, driver ${driver}`
  const details = { gpus, driver }
  if (!isAtLeast(driver, DRIVER_MINIMUM)) {
    const advice = `CUDA ${CUDA_VERSION} needs driver ${DRIVER_MINIMUM} or newer; until then training runs on the CPU`
    return { name: 'gpu', state: 'missing', text, advice, details }
  }
  if (libtorch === undefined || libtorch.hasCudaLibraries) return { name: 'gpu', state: 'ok', text, details }
  const advice = 'this LibTorch has no GPU libraries; to train on the GPU run: npx eegtorch setup --cuda'
  return { name: 'gpu', state: 'missing', text, advice, details }
}

function noGpu(): Finding {
  const widest = vectorFeatures().at(-1) ?? 'no AVX2'
  const text = `none found: training runs on the CPU, ${threadsInWords()} (${widest})`
  const advice = `with an NVIDIA GPU: driver ${DRIVER_MINIMUM} or newer`
  return { name: 'gpu', state: 'missing', text, advice, details: { gpus: [] } }
}

function readText(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}
