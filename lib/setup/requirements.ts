import { EegTorchError } from '../errors.ts'
import { openZip } from '../files/zip.ts'
import type { Wheel } from './wheels.ts'

/** The extras of cuda-toolkit, and the nvidia packages, without which libtorch_cpu does not load. */
const CPU_EXTRAS = ['cudart', 'cupti']
const CPU_PACKAGES = /^nvidia-cuda-(runtime|cupti)\b/

/** What a release of torch asks for, read from its wheel: a release that is not pinned here brings its own versions. */
export interface Requirements {
  /** nvidia packages that are asked for by name. */
  wheels: Wheel[]
  /** The package that stands for a whole CUDA release, and which of its parts are wanted. */
  toolkit?: { wheel: Wheel; extras: string[] }
}

/** Reads the nvidia packages that a torch wheel asks for. */
export function torchRequirements(wheelPath: string, cuda: boolean): Requirements {
  const lines = requirementLines(wheelPath)
  const wheels = lines
    .map((line) => line.match(/^(nvidia-[\w-]+)==([\w.]+)/))
    .filter((match) => match !== null)
    .map((match) => ({ name: match[1]!, version: match[2]! }))
    .filter(({ name }) => cuda || CPU_PACKAGES.test(name))
  const toolkit = lines.map((line) => line.match(/^cuda-toolkit\[([\w,]+)\]==([\w.]+)/)).find((match) => match !== null)
  if (toolkit === null || toolkit === undefined) return { wheels }
  const extras = toolkit[1]!.split(',').filter((extra) => cuda || CPU_EXTRAS.includes(extra))
  return { wheels, toolkit: { wheel: { name: 'cuda-toolkit', version: toolkit[2]! }, extras } }
}

/** Reads which nvidia packages stand behind the wanted parts of a cuda-toolkit wheel. */
export function toolkitWheels(wheelPath: string, extras: string[]): Wheel[] {
  const lines = requirementLines(wheelPath)
  return extras.map((extra) => {
    const line = lines.find((candidate) => candidate.includes(`extra == '${extra}'`))
    const match = line?.match(/^(nvidia-[\w-]+)==([\w.]+?)(\.\*)?;/)
    if (match) return { name: match[1]!, version: `${match[2]!}${match[3] ?? ''}` }
    throw new EegTorchError('SETUP_FAILED', `cuda-toolkit names no package for its part ${extra}`, { file: wheelPath })
  })
}

function requirementLines(wheelPath: string): string[] {
  const zip = openZip(wheelPath)
  try {
    const metadata = [...zip.entries.values()].find(({ name }) => /^[^/]+\.dist-info\/METADATA$/.test(name))
    if (metadata === undefined) throw new EegTorchError('FILE_INVALID', 'a wheel without metadata', { file: wheelPath })
    return zip
      .readSync(metadata)
      .toString('utf8')
      .split('\n')
      .filter((line) => line.startsWith('Requires-Dist: '))
      .map((line) => line.slice('Requires-Dist: '.length).replaceAll('"', "'"))
  } finally {
    zip.close()
  }
}
