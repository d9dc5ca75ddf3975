import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Wheel } from '../../lib/setup/wheels.ts'
import { type Member, writeZip } from '../files/zip-writer.ts'

/** A wheel for a local package index, so that tests of set-up run pip itself but need no network. */
export function writeWheel(
  folder: string,
  name: string,
  version: string,
  members: Member[],
  requires: string[] = [],
): Wheel & { sha256: string } {
  const stem = `${name.replaceAll('-', '_')}-${version}`
  const metadata = [
    'Metadata-Version: 2.1',
    `Name: ${name}`,
    `Version: ${version}`,
    ...requires.map((r) => `Requires-Dist: ${r}`),
    '',
  ]
  const wheel = [
    'Wheel-Version: 1.0',
    'Generator: test',
    'Root-Is-Purelib: false',
    'Tag: py3-none-manylinux_2_17_x86_64',
    '',
  ]
  const bytes = writeZip([
    ...members,
    member(`${stem}.dist-info/METADATA`, metadata.join('\n')),
    member(`${stem}.dist-info/WHEEL`, wheel.join('\n')),
    member(`${stem}.dist-info/RECORD`, ''),
    member(`${stem}.dist-info/licenses/LICENSE`, 'a licence'),
  ])
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${stem}-py3-none-manylinux_2_17_x86_64.whl`), bytes)
  return { name, version, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
}

export function member(name: string, content: string | Uint8Array): Member {
  return { name, content: typeof content === 'string' ? new TextEncoder().encode(content) : content, deflate: true }
}

/** The contents of a torch wheel: what set-up keeps, and what it must leave out. */
export function torchMembers(build: string, libraryBytes = 1000): Member[] {
  const library = Uint8Array.from({ length: libraryBytes }, (_, i) => (i * 2_654_435_761) >>> 13)
  return [
    member('torch/version.py', `__version__ = '${build}'\ncuda = '13.0'\n`),
    member('torch/__init__.py', 'raise ImportError'),
    member('torch/include/torch/csrc/api/include/torch/torch.h', '#pragma once\n'),
    member('torch/lib/libc10.so', 'c10'),
    member('torch/lib/libgomp.so.1', 'gomp'),
    member('torch/lib/libtorch_cpu.so', library),
    member('torch/lib/libtorch_cuda.so', 'cuda'),
    member('torch/lib/libtorch_python.so', 'python'),
  ]
}

/** The wheels of a small LibTorch in a folder that pip takes for an index. */
export function fakeIndex(folder: string, version = '2.11.0', libraryBytes?: number): Wheel[] {
  return [
    writeWheel(folder, 'torch', version, torchMembers(`${version}+cu130`, libraryBytes)),
    writeWheel(folder, 'nvidia-cuda-runtime', '13.0.96', [member('nvidia/cu13/lib/libcudart.so.13', 'cudart')]),
    writeWheel(folder, 'nvidia-cuda-cupti', '13.0.85', [member('nvidia/cu13/lib/libcupti.so.13', 'cupti')]),
  ]
}
