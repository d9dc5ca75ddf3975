import { writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { EegTorchError } from '../errors.ts'
import { isSafePath, openZip, type ZipEntry } from '../files/zip.ts'

/** The libraries that a CPU needs, of those in the wheels. */
const CPU_LIBRARIES = /\/lib\/(libc10\.so|libtorch_cpu\.so|libgomp\.so\.1|libcudart\.so\.\d+|libcupti\.so\.\d+)$/
/** Libraries that only Python uses. */
const PYTHON_LIBRARIES = /\/lib(torch_python|shm)\.so/
const LIBRARY = /\.so(\.[\d.]+)?$/
const LICENCE = /\.dist-info\/.*(licen[cs]e|notice)[^/]*$/i

/** Whether a file of a wheel is kept: libraries, headers, the version, licences; never Python code. */
function isKept(name: string, cuda: boolean): boolean {
  if (name.endsWith('/')) return false
  if (name === 'torch/version.py' || LICENCE.test(name) || /^torch\/include\//.test(name)) return true
  if (!cuda) return CPU_LIBRARIES.test(name)
  if (/^nvidia\/.*\/include\//.test(name)) return true
  return /^(torch|nvidia)\/.*lib\//.test(name) && LIBRARY.test(name) && !PYTHON_LIBRARIES.test(name)
}

/** Content below this size is unpacked in one call: a stream for each of 9,700 headers would take longer than the headers. */
const SMALL_BYTES = 2 ** 20

export interface ExtractOptions {
  cuda: boolean
  onBytes?: (done: number, total: number) => void
  signal?: AbortSignal
}

/**
 * Unpacks what is kept of a wheel into a folder; every file's size and checksum is verified.
 *
 * @returns the files written, with their sizes in bytes
 */
export async function extractWheel(
  wheel: string,
  folder: string,
  options: ExtractOptions,
): Promise<Record<string, number>> {
  const zip = openZip(wheel)
  try {
    const kept = [...zip.entries.values()].filter(({ name }) => isKept(name, options.cuda))
    const total = kept.reduce((sum, { size }) => sum + size, 0)
    const folders = new Set(kept.map((entry) => dirname(targetOf(folder, entry, wheel))))
    for (const path of folders) await mkdir(path, { recursive: true })
    let done = 0
    const count = (bytes: number) => {
      done += bytes
      options.onBytes?.(done, total)
    }
    for (const [index, entry] of kept.entries()) {
      if (options.signal?.aborted) throw new EegTorchError('CANCELLED', 'set-up was cancelled')
      const target = targetOf(folder, entry, wheel)
      if (entry.size > SMALL_BYTES) {
        await zip.extract(entry, target, count)
        continue
      }
      writeFileSync(target, zip.readSync(entry), { flag: 'wx' })
      count(entry.size)
      // lets the progress line and Ctrl+C through
      if (index % 100 === 0) await nextTurn()
    }
    return Object.fromEntries(kept.map(({ name, size }) => [name, size]))
  } finally {
    zip.close()
  }
}

function targetOf(folder: string, entry: ZipEntry, wheel: string): string {
  if (isSafePath(entry.name)) return join(folder, entry.name)
  throw new EegTorchError('FILE_UNSAFE', `entry ${JSON.stringify(entry.name)} would be written outside its folder`, {
    file: wheel,
  })
}
