import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  encodePng,
  GenerationFolder,
  type Picture,
  picturesOf,
  readGenerations,
  readPicture,
  tensor,
  tensorOfPictures,
} from 'eegtorch'
import { builtEntry } from '../built.ts'
import { rejectionOf } from '../thrown.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'pictures-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

/** One colour all over. */
function plain(colour: readonly [number, number, number], width = 32, height = 24): Picture {
  const pixels = new Uint8Array(3 * width * height)
  for (let i = 0; i < pixels.length; i++) pixels[i] = colour[i % 3]!
  return { width, height, pixels }
}

async function stimulus(name = 'stimulus.png'): Promise<string> {
  const path = join(root, name)
  writeFileSync(path, await encodePng(plain([10, 200, 30], 50, 40)))
  return path
}

const work = (trial: string, seed = 0) => ({
  ...{
    trial,
    seed,
    true: 'face',
    predicted: 'house',
    prompt: 'a photo of a house',
    mode: 'prompt of the predicted label',
  },
  picture: plain([200, 10, 10]),
})

function pixelAt({ width, pixels }: Picture, x: number, y: number): number[] {
  return [...pixels.subarray(3 * (y * width + x), 3 * (y * width + x) + 3)]
}

test('a batch of tensors becomes pictures and comes back', async () => {
  // (1, 1, 2, 3): the second pixel lies outside of 0 .. 1
  const images = tensor([
    [
      [
        [0.2, 0.5019, 1],
        [-1, 2, 0.999],
      ],
    ],
  ])
  const [picture] = await picturesOf(images)
  expect([picture!.width, picture!.height, [...picture!.pixels]]).toEqual([2, 1, [51, 128, 255, 0, 255, 255]])
  const back = tensorOfPictures([picture!])
  expect(back.shape).toEqual([1, 1, 2, 3])
  expect(back.mul(255).round().toArray()).toEqual([
    [
      [
        [51, 128, 255],
        [0, 255, 255],
      ],
    ],
  ])
})

test('what is no picture is refused before it is written', async () => {
  expect((await rejectionOf(picturesOf(tensor([[[[Number.NaN, 0, 0]]]])))).code).toBe('DIVERGED')
  expect((await rejectionOf(picturesOf(tensor([[1, 2]])))).code).toBe('SHAPE_MISMATCH')
  const broken = { width: 4, height: 4, pixels: new Uint8Array(5) }
  expect((await rejectionOf(encodePng(broken))).message).toContain('expected 3 x 4 x 4 bytes, received 5')
  expect(() => tensorOfPictures([plain([0, 0, 0]), plain([0, 0, 0], 8, 8)])).toThrow('32 x 24 pixels, received 8 x 8')
})

test('PNG keeps every pixel, and scaling cuts from the middle', async () => {
  const path = join(root, 'one.png')
  const noise = { width: 5, height: 3, pixels: Uint8Array.from({ length: 45 }, (_, i) => (i * 37) % 256) }
  writeFileSync(path, await encodePng(noise))
  expect([...(await readPicture(path)).pixels]).toEqual([...noise.pixels])
  const scaled = await readPicture(await stimulus(), { width: 20, height: 20 })
  expect([scaled.width, scaled.height, pixelAt(scaled, 10, 10)]).toEqual([20, 20, [10, 200, 30]])
})

test.each([
  ['text', 'not a picture at all'],
  ['empty', ''],
  ['half', undefined],
])('a stimulus that is %s is one clear error', async (name, content) => {
  const path = await stimulus(`${name}.png`)
  if (content === undefined) truncateSync(path, 60)
  else writeFileSync(path, content)
  const error = await rejectionOf(readPicture(path))
  expect([error.code, error.file]).toEqual(['FILE_INVALID', path])
  expect((await rejectionOf(readPicture(join(root, 'none.png')))).code).toBe('FILE_NOT_FOUND')
  expect((await rejectionOf(readPicture(root))).code).toBe('FILE_NOT_FOUND')
})

test('a folder holds pictures, comparisons, their log and the grid', async () => {
  const folder = await GenerationFolder.open(join(root, 'out'), { settings: { steps: 25 } })
  const first = await folder.add({ ...work('s1/1'), stimulus: await stimulus() })
  const second = await folder.add({ ...work('s1/2'), true: 'house', scores: { psnr: Number.POSITIVE_INFINITY } })
  await folder.writeGrid()
  await folder.close()

  expect(first.file).toBe('generated_0001_trueface_predhouse.png')
  expect(first.comparison).toBe('comparison_0001_trueface_predhouse.png')
  expect(readdirSync(folder.folder).sort()).toEqual(
    [first.file, first.comparison!, second.file, 'generations.jsonl', 'settings.json', 'summary_grid.png'].sort(),
  )
  const read = readGenerations(join(folder.folder, 'generations.jsonl'))
  expect(read).toEqual([first, second])

  const compared = await readPicture(join(folder.folder, first.comparison!))
  expect([compared.width, compared.height]).toEqual([2 * 32 + 8, 24 + 28])
  expect(pixelAt(compared, 1, 1)).toEqual([0xc6, 0x28, 0x28]) // wrong: red
  expect([pixelAt(compared, 16, 40), pixelAt(compared, 60, 40)]).toEqual([
    [10, 200, 30],
    [200, 10, 10],
  ])
  const grid = await readPicture(join(folder.folder, 'summary_grid.png'))
  expect([grid.width, grid.height]).toEqual([2 * 256 + 8, 192 + 28])
  expect([pixelAt(grid, 1, 1), pixelAt(grid, 266, 1)]).toEqual([
    [0xc6, 0x28, 0x28],
    [0x1a, 0x7f, 0x37],
  ])
})

test('words stand in the header, cut to its width', async () => {
  const folder = await GenerationFolder.open(join(root, 'out'))
  const picture = plain([200, 10, 10], 300, 24)
  const { comparison } = await folder.add({ ...work('1'), picture, true: '<&>'.repeat(40), stimulus: await stimulus() })
  const drawn = await readPicture(join(folder.folder, comparison!))
  let white = 0
  for (let x = 100; x < 500; x++) for (let y = 6; y < 22; y++) if (pixelAt(drawn, x, y)[1]! > 150) white++
  expect(white).toBeGreaterThan(200)
  await folder.close()
})

test('five pictures take two rows of four columns', async () => {
  const folder = await GenerationFolder.open(join(root, 'out'))
  for (let i = 0; i < 5; i++) await folder.add(work(`s1/${i}`))
  await folder.writeGrid()
  const grid = await readPicture(join(folder.folder, 'summary_grid.png'))
  expect([grid.width, grid.height]).toEqual([4 * 256 + 3 * 8, 2 * (192 + 28) + 8])
  await folder.close()
})

test('opened again, a folder goes on: nothing twice, numbers follow, lost pictures are made again under their number', async () => {
  const path = join(root, 'out')
  const settings = { steps: 25 }
  const before = await GenerationFolder.open(path, { settings })
  const lost = await before.add(work('a'))
  await before.add(work('b'))
  await before.close()
  writeFileSync(join(path, 'generations.jsonl'), '{"number": 3, "tri', { flag: 'a' }) // killed while writing
  rmSync(join(path, lost.file))

  await using after = await GenerationFolder.open(path, { settings })
  expect([
    after.has({ trial: 'a', seed: 0 }),
    after.has({ trial: 'b', seed: 0 }),
    after.has({ trial: 'b', seed: 1 }),
  ]).toEqual([...[false, true, false]])
  expect((await rejectionOf(after.add(work('b')))).message).toContain('trial b has its picture of seed 0 already')
  expect((await after.add(work('c'))).number).toBe(3)
  expect((await after.add(work('a'))).number).toBe(1)
  expect(after.records.map(({ trial }) => trial)).toEqual(['a', 'b', 'c'])
  expect(readGenerations(join(path, 'generations.jsonl')).map(({ trial }) => trial)).toEqual(['a', 'b', 'c'])
})

test('other settings, a second writer, a seed out of range and a log that is none are refused', async () => {
  const path = join(root, 'out')
  const first = await GenerationFolder.open(path, { settings: { steps: 25 } })
  expect((await rejectionOf(first.add(work('a', -1)))).option).toBe('seed')
  expect((await rejectionOf(GenerationFolder.open(path, { settings: { steps: 25 } }))).message).toContain(
    'another process',
  )
  await first.close()
  const corrected = await GenerationFolder.open(path, { settings: { steps: 50 } }) // nothing was made by the others
  await corrected.add(work('b'))
  await corrected.close()
  expect((await rejectionOf(GenerationFolder.open(path, { settings: { steps: 25 } }))).message).toContain(
    'other settings',
  )
  writeFileSync(join(path, 'generations.jsonl'), '{"number": 1, "trial": "a", "seed": 0, "file": "../../etc/passwd"}\n')
  const error = await rejectionOf(GenerationFolder.open(path, { settings: { steps: 50 } }))
  expect([error.code, error.file]).toEqual(['FILE_INVALID', join(path, 'generations.jsonl')])
})

test('a bad stimulus costs its trial, nothing that is there', async () => {
  await using folder = await GenerationFolder.open(join(root, 'out'))
  await folder.add(work('a'))
  const bad = join(root, 'notes.txt')
  writeFileSync(bad, 'words')
  expect((await rejectionOf(folder.add({ ...work('b'), stimulus: bad }))).file).toBe(bad)
  expect(folder.records).toHaveLength(1)
  expect(readdirSync(folder.folder).filter((name) => name.endsWith('.png'))).toHaveLength(1)
})

test('a disk that fills up in the middle of a grid is one clear error, and what was generated stays', async () => {
  const path = join(root, 'out')
  mkdirSync(path)
  const program = join(root, 'full.mjs')
  writeFileSync(
    program,
    `import { GenerationFolder } from ${JSON.stringify(builtEntry)}
const pixels = (i) => Uint8Array.from({ length: 3 * 64 * 64 }, (_, at) => (at * at * (i + 7)) % 251)
const folder = await GenerationFolder.open(${JSON.stringify(path)})
for (let i = 0; i < 6; i++) {
  const picture = { width: 64, height: 64, pixels: pixels(i) }
  await folder.add({ trial: String(i), seed: 0, true: 'a', predicted: 'b', prompt: null, mode: 'm', picture })
}
const error = await folder.writeGrid().catch((error) => error)
console.log(JSON.stringify({ code: error.code, file: error.file }))
process.exit(0)
`,
  )
  // Beyond this many blocks of 512 bytes a write fails, as on a full disk: a picture fits, the grid does not.
  const command = `trap '' XFSZ; ulimit -f 64; exec "$0" "$@"`
  const output = execFileSync('bash', ['-c', command, process.execPath, program], { encoding: 'utf8' })
  expect(JSON.parse(output)).toEqual({ code: 'FILE_WRITE_FAILED', file: join(path, 'summary_grid.png') })
  expect(readdirSync(path).filter((name) => name.endsWith('.tmp'))).toEqual([])
  const made = readGenerations(join(path, 'generations.jsonl'))
  expect(made).toHaveLength(6)
  for (const { file } of made) expect((await readPicture(join(path, file))).width).toBe(64)
  expect(readFileSync(join(path, 'generations.jsonl'), 'utf8').endsWith('\n')).toBe(true)
})
