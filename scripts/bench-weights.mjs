import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { host } from './bench/host.mjs'
import { findPython } from './bench/machine.mjs'
import { inTurn } from './bench/peer.mjs'
import { compare, median } from './bench/table.mjs'
import { main, root } from './steps.mjs'

// npm run bench -- weights [--repeats 5 --folder FOLDER]: the UNet of Stable Diffusion 1.5 with random weights (3.4 GB) loaded from one file by
// eegtorch and by diffusers, each time in a new process, in turns, the file in the page cache. Imports do not count. `read` is the time until every
// number has been read once too, since mapped weights come when they are touched. Peak: the process, at the end of each.
await main(async () => {
  const options = { repeats: { type: 'string', default: '5' }, folder: { type: 'string' } }
  const { values } = parseArgs({ options })
  const folder = values.folder ?? mkdtempSync(join(tmpdir(), 'eegtorch-bench-weights-'))
  try {
    await writeUNet(folder)
    const script = (file) => join(root, 'scripts', 'bench', file)
    const peers = [
      [process.execPath, script('weights-worker.mjs')],
      [findPython(), script('weights-worker.py')],
    ]
    const rows = []
    for (const dtype of ['float32', 'bfloat16']) {
      const series = peers.map(() => [])
      for (let turn = 0; turn <= Number(values.repeats); turn++) {
        const answers = await host.undisturbed(() => inTurn(peers, turn, (peer) => runAnew(peer, [folder, dtype])))
        if (turn > 0) for (const [which, answer] of answers.entries()) series[which].push(answer)
      }
      for (const action of ['load', 'read']) rows.push(describe(action, dtype, series))
    }
    console.log(
      '| loaded as | until | eegtorch, s | diffusers, s | ratio (median of pairs) | CPU s, eegtorch | diffusers | peak MiB, eegtorch | diffusers |',
    )
    console.log(['|---|---|---|---|---|---|---|---|---|', ...rows, '', host.describe()].join('\n'))
  } finally {
    if (values.folder === undefined) rmSync(folder, { recursive: true })
  }
})

function runAnew([command, file], about) {
  const env = { ...process.env, OMP_NUM_THREADS: '2' }
  return JSON.parse(execFileSync(command, [file, ...about], { env, encoding: 'utf8' }))
}

async function writeUNet(folder) {
  const { models, writeSafetensors } = await import('../dist/index.js')
  const down = ['CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'DownBlock2D']
  const up = ['UpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D']
  const widths = { block_out_channels: [320, 640, 1280, 1280], cross_attention_dim: 768, attention_head_dim: 8 }
  const config = {
    ...widths,
    down_block_types: down,
    up_block_types: up,
    in_channels: 4,
    out_channels: 4,
    sample_size: 64,
  }
  const net = models.create('unet2d_condition', config)
  mkdirSync(folder, { recursive: true })
  await writeSafetensors(join(folder, 'diffusion_pytorch_model.safetensors'), net.stateDict())
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ _class_name: 'UNet2DConditionModel', ...config }))
  net.dispose()
}

function describe(action, dtype, [ours, theirs]) {
  const seconds = (series) => series.map((answer) => answer[action])
  const peak = (series) => Math.round(Math.max(...series.map((answer) => answer[`${action}Peak`])) / 2 ** 20)
  const ratio = compare(seconds(ours), seconds(theirs)).median.toFixed(2)
  const middle = (series) => median(seconds(series)).toFixed(2)
  const cpu = (series) => median(series.map((answer) => answer[`${action}Cpu`])).toFixed(2)
  const until = action === 'load' ? 'it is loaded' : 'every number was read'
  return `| ${dtype} | ${until} | ${middle(ours)} | ${middle(theirs)} | ${ratio} | ${cpu(ours)} | ${cpu(theirs)} | ${peak(ours)} | ${peak(theirs)} |`
}
