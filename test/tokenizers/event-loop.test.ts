import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { loadTokenizer } from 'eegtorch'
import { leastOf } from '../event-loop.ts'

const LETTERS = 'abcdefghijklmnopqrstuvwxyz'
let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'vocabulary-'))
})
afterAll(() => rmSync(root, { recursive: true }))

/** Words of one letter, of two, of three …, each after the first made of the word without its last letter and that letter. */
function words(count: number): { tokens: string[]; merges: [string, string][] } {
  const tokens = [...LETTERS]
  const merges: [string, string][] = []
  for (let from = 0; tokens.length < count; from++) {
    for (const letter of LETTERS) merges.push([tokens[from]!, letter])
    tokens.push(...[...LETTERS].map((letter) => tokens[from] + letter))
  }
  const over = tokens.length - count
  return { tokens: tokens.slice(0, count), merges: merges.slice(0, merges.length - over) }
}

function write(name: string, files: Record<string, string>): string {
  const folder = join(root, name)
  mkdirSync(folder)
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text)
  return folder
}

const vocabOf = (tokens: readonly string[]) => Object.fromEntries(tokens.map((token, id) => [token, id]))

/** As many as CLIP has. */
function clip(): string {
  const { tokens, merges } = words(49_404)
  return write('clip', {
    'vocab.json': JSON.stringify(vocabOf([...tokens, 'a</w>', 'ba</w>', '<|startoftext|>', '<|endoftext|>'])),
    'merges.txt': `#version: 0.2\n${[...merges, ['b', 'a</w>']].map((pair) => pair.join(' ')).join('\n')}\n`,
  })
}

/** As many as Llama 2 has. */
function llama(): string {
  const { tokens, merges } = words(31_997)
  const model = { type: 'BPE', vocab: vocabOf(['<unk>', '<s>', '</s>', ...tokens]), merges, byte_fallback: true }
  return write('llama', { 'tokenizer.json': JSON.stringify({ model, added_tokens: [] }, null, 1) })
}

test.each([
  ['CLIP', clip, 'ba', [49_406, 49_405, 49_407], 49_408],
  ['Llama', llama, 'abcz', [30, 106], 32_000],
] as const)('the event loop is free while the vocabulary of %s is read', async (_, make, text, ids, size) => {
  const folder = make()
  const delay = monitorEventLoopDelay({ resolution: 1 })
  /** The longest stall as a share of the whole time. Read at once, the vocabulary alone takes more than a third. */
  const stallOf = async (): Promise<number> => {
    delay.reset()
    delay.enable()
    const begin = performance.now()
    const tokenizer = await loadTokenizer(folder)
    const took = performance.now() - begin
    delay.disable()
    expect(tokenizer.vocabSize).toBe(size)
    expect(tokenizer.encode(text)).toEqual(ids)
    return delay.max / 1e6 / took
  }
  await stallOf() // compiles what is called
  expect(await leastOf(0.15, stallOf)).toBeLessThan(0.15)
})
