import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { packageRoot } from '../lib/setup/paths.ts'

/** What a check says about a tree of files. */
function violations(files: Record<string, string>, check = 'layers'): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'eegtorch-layers-'))
  try {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), content)
    }
    return runCheck(folder, check)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function runCheck(folder: string, check = 'layers'): string[] {
  try {
    execFileSync(process.execPath, [join(packageRoot, 'scripts', `${check}.mjs`), folder], {
      encoding: 'utf8',
      stdio: 'pipe',
    })
    return []
  } catch (error) {
    return (error as { stdout: string }).stdout.trim().split('\n')
  }
}

test('the arrows of this repository only go down', () => {
  expect(runCheck(packageRoot)).toEqual([])
})

test('C++ that includes N-API, or a layer above it, is named', () => {
  const found = violations({
    'cpp/core/a.h': '#include <napi.h>\n#include "conv/eegnet.h"\n#include "core/b.h"\n',
    'cpp/core/b.h': '',
    'cpp/conv/eegnet.h': '#include "core/b.h"\n#include <torch/torch.h>\n',
    'cpp/registry.cpp': '#include "conv/eegnet.h"\n',
  })
  expect(found).toEqual([
    'cpp/core/a.h includes napi.h: cpp/ knows nothing of Node',
    'cpp/core/a.h includes conv/eegnet.h: core may include LibTorch only',
  ])
})

test('a folder that the page on architecture does not name is found', () => {
  const found = violations({
    'docs/architecture.md': '`conv/` has convolutions; `report/` makes HTML.\n',
    'cpp/conv/eegnet.h': '',
    'cpp/llama/llama.h': '',
    'lib/report/html.ts': '',
    'lib/generation/study/page.ts': '',
  })
  expect(found).toEqual([
    'cpp/llama is not named in docs/architecture.md',
    'lib/generation is not named in docs/architecture.md',
    'lib/generation/study is not named in docs/architecture.md',
  ])
})

test('parts of lib that import one another are named once; those of the tensor class are one part', () => {
  const found = violations({
    'lib/tensor.ts': "import './print.ts'\n",
    'lib/print.ts': "import './ops/packet.ts'\n",
    'lib/ops/packet.ts': "import { Tensor } from '../tensor.ts'\n",
    'lib/training/fit.ts': "import '../report/html.ts'\nimport './step.ts'\n",
    'lib/training/step.ts': "import './fit.ts'\n",
    'lib/report/html.ts': "import '../datasets/windows.ts'\n",
    'lib/datasets/windows.ts': "import type { Step } from '../training/step.ts'\n",
  })
  expect(found).toEqual(['lib: datasets -> training -> report -> datasets is a circle'])
})

test('TypeScript that reaches upwards or the addon is named; imports of types are arrows too, but load nothing', () => {
  const found = violations({
    'lib/errors.ts': '',
    'lib/setup/paths.ts': "import type { Samples } from '../store/samples.ts'\n",
    'lib/native.ts': "import './errors.ts'\nprocess.dlopen(module, path)\n",
    'lib/tensor.ts': "import { native } from './native.ts'\nconsole.log(1)\nprocess.stdout.write('1')\n",
    'lib/recordings/edf.ts': "export { x } from '../tensor.ts'\n",
    'lib/files/zip.ts': "import { x } from '../recordings/edf.ts'\n// console.log in a comment\n",
    'lib/cli/main.ts': "import '../tensor.ts'\nconsole.log(process.argv)\n",
    'lib/progress/live-line.ts': 'const stream = process.stderr\n',
    'lib/training/log/bar.ts': 'process.stderr.write("|")\nthis.#process.stdout.on("data", read)\n',
    'lib/training/pool.ts': 'this.#process.stdout.on("data", read)\nchild.process.stderr.on("data", read)\n',
    'lib/report/html.ts': "const later = () => import('../cli/main.ts')\n",
    'lib/store/samples.ts':
      "import type { Tensor } from '../tensor.ts'\nexport type {\n  A,\n} from '../cli/main.ts'\n",
    'examples/a.mjs': "import { main } from '../scripts/steps.mjs'\n",
    'test/a.test.ts': "import { main } from '../scripts/steps.mjs'\n",
  })
  expect(found.sort()).toEqual([
    'examples/a.mjs imports scripts/: only their tests may',
    'lib/files/zip.ts -> lib/recordings/edf.ts -> lib/tensor.ts -> lib/native.ts: files works without the addon',
    'lib/files/zip.ts imports lib/recordings/edf.ts: files may import errors',
    'lib/recordings/edf.ts -> lib/tensor.ts -> lib/native.ts: recordings works without the addon',
    'lib/report/html.ts imports lib/cli/main.ts: the command line is on top',
    'lib/setup/paths.ts imports lib/store/samples.ts: setup may import errors, files',
    'lib/store/samples.ts imports lib/cli/main.ts: the command line is on top',
    'lib/tensor.ts prints or reads the command line: only lib/cli may',
    'lib/training/log/bar.ts writes to the terminal: only lib/cli, tensor.ts and progress/live-line.ts may',
  ])
})

test('recordings may have something computed by the addon through one file, which loads it when there is something to compute', () => {
  const files = {
    'lib/native.ts': '',
    'lib/tensor.ts': "import './native.ts'\n",
    'lib/recordings/filtered.ts': "import '../signal/compute-thread.ts'\n",
    'lib/signal/compute-thread.ts': "const addon = () => import('../tensor.ts')\n",
  }
  expect(violations(files)).toEqual([])
  const chain = 'lib/recordings/filtered.ts -> lib/signal/compute-thread.ts -> lib/tensor.ts -> lib/native.ts'
  const atOnce = { ...files, 'lib/signal/compute-thread.ts': "import '../tensor.ts'\n" }
  expect(violations(atOnce)).toEqual([`${chain}: recordings works without the addon`])
  const elsewhere = { ...files, 'lib/recordings/other.ts': "const addon = () => import('../tensor.ts')\n" }
  expect(violations(elsewhere)).toEqual([
    'lib/recordings/other.ts -> lib/tensor.ts -> lib/native.ts: recordings works without the addon',
  ])
})

test('an export that no other file names is found', () => {
  const files = {
    'lib/a.ts':
      'export function used() {}\nexport const tested = 1\nexport async function alone() {}\nexport class Lost {}\n',
    'lib/b.ts': "import { used } from './a.ts'\nused()\n",
    'test/a.test.ts': "import { tested } from '../lib/a.ts'\n",
  }
  expect(violations(files, 'unused-exports')).toEqual([
    'lib/a.ts exports alone, which no other file names',
    'lib/a.ts exports Lost, which no other file names',
  ])
  expect(runCheck(packageRoot, 'unused-exports')).toEqual([])
})
