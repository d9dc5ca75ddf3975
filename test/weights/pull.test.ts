import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type PublishedCheckpoint,
  parseManifest,
  publishedCheckpoint,
  publishedCheckpoints,
} from '../../lib/weights/manifest.ts'
import { pinsFile } from '../../lib/weights/pins.ts'
import { findWeights, stateOf, wrongFiles } from '../../lib/weights/places.ts'
import { pullWeights } from '../../lib/weights/pull.ts'
import type { PullOptions } from '../../lib/weights/pull-options.ts'
import { runNode } from '../built.ts'
import { errorOf, rejectionOf } from '../thrown.ts'
import { COMMIT, gitSha1, HubServer, sha256 } from './hub-server.ts'

const root = mkdtempSync(join(tmpdir(), 'eegtorch-weights-'))
const large = Buffer.alloc(300_000, 'weights of a network ')
const small = Buffer.from('{"_class_name": "AutoencoderKL"}')
const files = new Map([
  ['unet/weights.safetensors', { bytes: large, isLarge: true }],
  ['config.json', { bytes: small, isLarge: false }],
])
let hub: HubServer
let cache: string
let count = 0
const before = { ...process.env }

beforeAll(async () => {
  hub = await HubServer.start(files)
})
afterAll(async () => {
  await hub.stop()
  rmSync(root, { recursive: true })
})
beforeEach(() => {
  cache = join(root, String(count++))
  process.env.HF_HUB_CACHE = cache
  process.env.XDG_CACHE_HOME = join(cache, 'own')
  for (const name of ['HF_TOKEN', 'HF_HUB_OFFLINE', 'HF_ENDPOINT']) delete process.env[name]
  hub.requests.length = 0
  hub.behave = () => false
  hub.large = ''
})
afterEach(() => {
  process.env = { ...before }
})

const entry = (more: Partial<PublishedCheckpoint> = {}): PublishedCheckpoint => ({
  name: 'tiny',
  title: 'Tiny',
  source: { kind: 'huggingface', repository: 'org/net', revision: 'main' },
  licence: 'MIT',
  networks: [],
  layout: 'diffusers',
  files: [...files.keys()].map((path) => ({ path, bytes: null, sha256: null })),
  ...more,
})
const pull = (checkpoint = entry(), options: PullOptions = {}) =>
  pullWeights(checkpoint, { host: hub.url, retries: 1, pause: 1, timeout: 2000, ...options })
const repository = () => join(cache, 'models--org--net')
const blobs = () => readdirSync(join(repository(), 'blobs')).sort()

test('files come into the layout of Hugging Face’s cache, and are there the second time', async () => {
  const told: number[] = []
  const pulled = await pull(entry(), { onProgress: ({ done, total }) => void told.push(done / total) })
  expect(pulled.folder).toBe(join(repository(), 'snapshots', COMMIT))
  expect(told.at(-1)).toBe(1)
  expect(blobs()).toEqual([sha256(large), gitSha1(small)].sort())
  for (const [path, { bytes }] of files) {
    expect([path, readFileSync(join(pulled.folder, path)).equals(bytes)]).toEqual([path, true])
    expect(lstatSync(join(pulled.folder, path)).isSymbolicLink()).toBe(true)
  }
  expect(readFileSync(join(repository(), 'refs', 'main'), 'utf8')).toBe(COMMIT)
  expect(stateOf(entry())).toMatchObject({ state: 'present', missing: [], bytes: large.length + small.length })
  hub.requests.length = 0
  const again = await pull()
  expect(again.files.map(({ isNew }) => isNew)).toEqual([false, false])
  expect(hub.requests.every(({ method }) => method === 'HEAD')).toBe(true)
  // the first answer names the commit, and the rest is asked for by it
  expect(hub.requests[1]!.path).toContain(COMMIT)
})

test('a connection that breaks off is taken up where it broke', async () => {
  let breaks = 2
  hub.behave = (request, response) => {
    if (!request.url!.startsWith('/large/') || breaks-- <= 0) return false
    const from = Number(/\d+/.exec(request.headers.range ?? '0')![0])
    const range = { 'content-range': `bytes ${from}-${large.length - 1}/${large.length}` }
    response.writeHead(from > 0 ? 206 : 200, {
      etag: `"${sha256(large)}"`,
      'content-length': large.length - from,
      ...(from > 0 && range),
    })
    response.write(large.subarray(from, from + 100_000), () => setTimeout(() => response.destroy(), 20))
    return true
  }
  const pulled = await pull()
  expect(readFileSync(join(pulled.folder, 'unet/weights.safetensors')).equals(large)).toBe(true)
  const ranges = hub.requests.filter(({ path }) => path.startsWith('/large/')).map(({ range }) => range)
  expect(ranges.length).toBe(3)
  expect(ranges[0]).toBeUndefined()
  expect(ranges.slice(1).every((range) => Number(/\d+/.exec(range ?? '0')![0]) > 0)).toBe(true)
})

test.each([
  ['other bytes of the right length', { 'content-length': 300_000 }, Buffer.alloc(300_000, 'x'), 'FILE_INVALID'],
  ['a length that is a lie', { 'content-length': 10 }, Buffer.alloc(10, 'x'), 'DOWNLOAD_FAILED'],
  ['more than it said', {}, Buffer.alloc(400_000, 'x'), 'DOWNLOAD_FAILED'],
])('a server that sends %s leaves nothing behind', async (_, headers, bytes, code) => {
  hub.behave = (request, response) => {
    if (!request.url!.startsWith('/large/')) return false
    response.writeHead(200, headers as Record<string, number>).end(bytes)
    return true
  }
  expect((await rejectionOf(pull())).code).toBe(code)
  expect(blobs().filter((name) => !name.includes('.part'))).toEqual([])
  expect(stateOf(entry()).missing).toEqual([...files.keys()])
})

test('a small file is held against git’s checksum', async () => {
  hub.behave = (request, response) => {
    if (request.method !== 'GET' || !request.url!.endsWith('config.json')) return false
    response.writeHead(200, { 'content-length': small.length }).end(Buffer.alloc(small.length, 'x'))
    return true
  }
  expect(await rejectionOf(pull())).toMatchObject({ code: 'FILE_INVALID', expected: `git's sha1 ${gitSha1(small)}` })
  expect(blobs()).toEqual([sha256(large)])
})

test('a hub that offers another file than the manifest names is refused before it is downloaded', async () => {
  const wrong = entry({ files: [{ path: 'unet/weights.safetensors', bytes: null, sha256: '0'.repeat(64) }] })
  expect((await rejectionOf(pull(wrong))).message).toMatch(
    /offers another unet\/weights\.safetensors.*expected sha256 0000/,
  )
  expect(hub.requests.map(({ method }) => method)).toEqual(['HEAD'])
})

const heldAgainst = async (...given: Parameters<typeof pull>) =>
  (await pull(...given)).files.map((file) => [file.heldAgainst, file.isVerified])

test('only the manifest’s checksums verify; what the host says of itself is told as that', async () => {
  expect(await heldAgainst()).toEqual([
    ['host', false],
    ['host', false],
  ])
  const sums = [...files].map(([path, { bytes }]) => ({ path, bytes: bytes.length, sha256: sha256(bytes) }))
  expect(await heldAgainst(entry({ files: sums }))).toEqual([
    ['manifest', true],
    ['manifest', true],
  ])
  expect(stateOf(entry({ files: sums })).checksums).toBe('manifest')
  const other = sums.map((file) => ({ ...file, sha256: file.path === 'config.json' ? '0'.repeat(64) : file.sha256 }))
  expect(await rejectionOf(pull(entry({ files: other })))).toMatchObject({
    code: 'FILE_INVALID',
    expected: `sha256 ${'0'.repeat(64)}`,
  })
})

test('a pull keeps the checksums of what it found, and later ones are held against them', async () => {
  await pull()
  expect(stateOf(entry()).checksums).toBe('earlier pull')
  hub.requests.length = 0
  expect(await heldAgainst()).toEqual([
    ['earlier pull', false],
    ['earlier pull', false],
  ])
  // not what the branch has become meanwhile
  expect(hub.requests[0]!.path).toContain(COMMIT)
  const changed = Buffer.alloc(large.length, 'x')
  const offer = (request: IncomingMessage, response: ServerResponse) => {
    if (!request.url!.endsWith('weights.safetensors')) return false
    response.writeHead(200, { 'x-repo-commit': COMMIT, etag: `"${sha256(changed)}"`, 'content-length': changed.length })
    response.end(request.method === 'HEAD' ? undefined : changed)
    return true
  }
  hub.behave = offer
  const error = await rejectionOf(pull())
  expect([error.code, error.message]).toEqual([
    'FILE_INVALID',
    expect.stringMatching(/offers another unet\/weights\.safetensors than the one that was pulled before/),
  ])
  rmSync(join(repository(), 'snapshots'), { recursive: true })
  expect((await pull(entry(), { revision: 'main' })).files[0]).toMatchObject({
    sha256: sha256(changed),
    heldAgainst: 'host',
  })
  expect((await heldAgainst())[0]).toEqual(['earlier pull', false])
})

test('what is there is compared with the checksums that are known', async () => {
  const { folder } = await pull()
  const file = join(folder, 'unet/weights.safetensors')
  expect(await wrongFiles(entry())).toEqual([])
  writeFileSync(file, Buffer.alloc(large.length, 'x'))
  expect([stateOf(entry()).state, await wrongFiles(entry())]).toEqual(['present', ['unet/weights.safetensors']])
  writeFileSync(file, 'short')
  expect(stateOf(entry())).toMatchObject({ state: 'partial', missing: ['unet/weights.safetensors'] })
})

test('files of other hosts are pinned too; pins of another source or damaged ones are not believed', async () => {
  const url = 'https://example.org/large/unet/weights.safetensors'
  const other = entry({ source: { kind: 'url' }, files: [{ path: 'net.pth', bytes: null, sha256: null, url }] })
  expect(await heldAgainst(other)).toEqual([['nothing', false]])
  expect(await heldAgainst(other)).toEqual([['earlier pull', false]])
  writeFileSync(join(stateOf(other).folder, 'net.pth'), Buffer.alloc(large.length, 'x'))
  expect((await rejectionOf(pull(other))).message).toMatch(/not the file that was published/)
  expect(await heldAgainst()).toEqual([
    ['host', false],
    ['host', false],
  ])
  writeFileSync(pinsFile(entry()), '{"format": 1, "source": "org/net", "files": {"config.json": 3}}')
  expect(errorOf(() => stateOf(entry())).message).toMatch(/pins\.json.*damaged at files\.config\.json/)
})

test('a revision is a plain name, of a repository', async () => {
  expect((await rejectionOf(pull(entry(), { revision: '../up' }))).code).toBe('INVALID_OPTION')
  expect((await rejectionOf(pull(entry({ source: { kind: 'url' } }), { revision: 'main' }))).code).toBe(
    'INVALID_OPTION',
  )
  expect((await pull(entry(), { revision: COMMIT })).folder).toContain(COMMIT)
  expect(stateOf(entry()).state).toBe('present')
})

test.each([
  [401, 'GatedRepo', /wants consent.*huggingface\.co\/org\/net.*HF_TOKEN/],
  [404, 'RepoNotFound', /no repository org\/net/],
  [404, 'EntryNotFound', /no such file/],
  [403, '', /HF_TOKEN/],
])('an answer of %s %s is told in words, with what to do by hand', async (status, code, message) => {
  hub.behave = (_, response) => {
    response.writeHead(status, { 'x-error-code': code }).end()
    return true
  }
  const error = await rejectionOf(pull())
  expect([error.code, error.message]).toEqual(['DOWNLOAD_FAILED', expect.stringMatching(message)])
  expect(error.message).toMatch(/by hand, put unet\/weights\.safetensors, config\.json from .* into .*models--org--net/)
})

test('HF_TOKEN goes to the hub of the environment, not to the host of large files nor to others without encryption', async () => {
  process.env.HF_TOKEN = 'hf_secret'
  const elsewhere = await HubServer.start(files)
  try {
    hub.large = elsewhere.url
    await pull()
    process.env.HF_ENDPOINT = elsewhere.url
    await pull(entry(), { revision: 'main', token: 'hf_other' })
    expect(hub.requests.map(({ token }) => token)).toEqual(hub.requests.map(() => undefined))
    process.env.HF_ENDPOINT = `${hub.url}/`
    hub.requests.length = 0
    rmSync(repository(), { recursive: true })
    await pull()
    expect(hub.requests.length).toBe(4)
    expect(hub.requests.every(({ token }) => token === 'Bearer hf_secret')).toBe(true)
    expect(elsewhere.requests.map(({ path, token }) => [path, token])).toEqual([
      ['/large/unet/weights.safetensors', undefined],
      ['/large/unet/weights.safetensors', undefined],
    ])
  } finally {
    await elsewhere.stop()
  }
})

test('without a network, and with HF_HUB_OFFLINE, it says so', async () => {
  const host = 'http://127.0.0.1:9'
  expect((await rejectionOf(pull(entry(), { host }))).message).toMatch(/127\.0\.0\.1:9 cannot be reached.*by hand/)
  process.env.HF_HUB_OFFLINE = '1'
  expect((await rejectionOf(pull())).message).toMatch(/HF_HUB_OFFLINE is set/)
})

test('files that were put there by hand are found', () => {
  const folder = join(repository(), 'snapshots', 'main')
  for (const [path, { bytes }] of files) {
    mkdirSync(join(folder, path, '..'), { recursive: true })
    writeFileSync(join(folder, path), bytes)
  }
  expect(stateOf(entry())).toMatchObject({ state: 'present', folder, checksums: 'none' })
})

test('what lies in the place of a file stays if it is that file, and is refused if it is another', async () => {
  const { folder } = await pull()
  const file = join(folder, 'config.json')
  rmSync(file)
  writeFileSync(file, small)
  await pull()
  expect(lstatSync(file).isFile()).toBe(true)
  writeFileSync(file, Buffer.alloc(small.length, 'x'))
  const error = await rejectionOf(pull())
  expect([error.code, error.message]).toEqual(['FILE_INVALID', expect.stringMatching(/config\.json: is there, but/)])
  expect(readFileSync(file, 'utf8')).toBe('x'.repeat(small.length))
  rmSync(file)
  const outside = join(cache, 'outside')
  symlinkSync(outside, file)
  await pull()
  expect([readFileSync(file).equals(small), existsSync(outside)]).toEqual([true, false])
})

test('a stopped download goes on later', async () => {
  const stop = new AbortController()
  hub.behave = (request, response) => {
    if (!request.url!.startsWith('/large/')) return false
    response.writeHead(200, { etag: `"${sha256(large)}"`, 'content-length': large.length })
    response.write(large.subarray(0, 150_000))
    return true
  }
  const onProgress = ({ done }: { done: number }) => void (done > 0 && stop.abort())
  expect((await rejectionOf(pull(entry(), { signal: stop.signal, onProgress }))).code).toBe('CANCELLED')
  expect(stateOf(entry()).state).toBe('partial')
  hub.behave = () => false
  expect((await pull()).files[0]).toMatchObject({ isNew: true, bytes: large.length })
})

test('files of other hosts go into eegtorch’s own cache, by the checksum that their name tells', async () => {
  const file = {
    path: 'net.pth',
    bytes: null,
    sha256: null,
    sha256Prefix: sha256(large).slice(0, 8),
    url: 'https://example.org/large/unet/weights.safetensors',
  }
  const other = entry({ source: { kind: 'url' }, files: [file] })
  const pulled = await pull(other)
  expect([pulled.folder, pulled.files]).toEqual([
    join(cache, 'own/eegtorch/weights/tiny'),
    [
      {
        ...{ path: 'net.pth', bytes: large.length, sha256: sha256(large), isNew: true },
        ...{ heldAgainst: 'manifest', isVerified: true },
      },
    ],
  ])
  const wrong = entry({ name: 'wrong', source: { kind: 'url' }, files: [{ ...file, sha256Prefix: 'deadbeef' }] })
  expect(await rejectionOf(pull(wrong))).toMatchObject({
    code: 'FILE_INVALID',
    expected: 'a sha256 that begins with deadbeef',
  })
  expect(existsSync(join(cache, 'own/eegtorch/weights/wrong/net.pth'))).toBe(false)
  const byHand = entry({ source: { kind: 'by hand', place: 'the authors' } })
  expect((await rejectionOf(pull(byHand))).message).toMatch(/cannot be brought by a program: see the authors/)
})

test('the manifest names each checkpoint once, and a wrong one is refused by its field', () => {
  const names = publishedCheckpoints().map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  expect(names).toEqual(
    expect.arrayContaining(['sd15', 'sd21', 'sd-vae-ft-mse', 'amused-512', 'tinyllama-1.1b-chat', 'clip-vit-l14']),
  )
  const wrong = { format: 1, checkpoints: [entry({ files: [{ path: '../up', bytes: null, sha256: null }] })] }
  expect(errorOf(() => parseManifest(JSON.stringify(wrong), 'm.json'))).toMatchObject({
    code: 'FILE_INVALID',
    message: expect.stringMatching(/checkpoints\.0\.files\.0\.path/),
  })
  expect(errorOf(() => parseManifest('[', 'm.json')).code).toBe('FILE_INVALID')
  expect(errorOf(() => findWeights('sd15'))).toMatchObject({
    code: 'FILE_NOT_FOUND',
    message: expect.stringMatching(/eegtorch weights pull sd15/),
  })
})

test('the command lists and pulls', async () => {
  const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
  const listed = await runNode([main, 'weights', 'list', '--json'])
  expect(JSON.parse(listed.stdout)[0]).toMatchObject({ name: 'sd15', state: 'missing' })
  const failed = await runNode([main, 'weights', 'pull', 'sd-vae-ft-mse', '--host', hub.url, '--retries', '0'])
  expect([failed.code, failed.stderr]).toEqual([1, expect.stringMatching(/DOWNLOAD_FAILED.*no such file or revision/)])
  hub.behave = (request, response) => {
    response.writeHead(200, { 'x-repo-commit': COMMIT, etag: `"${gitSha1(small)}"`, 'content-length': small.length })
    response.end(request.method === 'HEAD' ? undefined : small)
    return true
  }
  const brought = await runNode([main, 'weights', 'pull', 'cbramod', '--host', hub.url])
  expect(brought.stdout).toMatch(/1 of 1 held against what the host announced; the manifest names no checksum/)
  const state = stateOf(publishedCheckpoint('cbramod'))
  const file = join(
    state.folder,
    readdirSync(state.folder, { recursive: true })
      .find((path) => `${path}`.includes('.pth'))!
      .toString(),
  )
  writeFileSync(file, Buffer.alloc(small.length, 'x'))
  const checked = await runNode([main, 'weights', 'list', '--check'])
  expect([checked.code, checked.stdout]).toEqual([
    1,
    expect.stringMatching(/cbramod +present, pinned by the first pull, compared.*\n +WRONG CHECKSUM: /),
  ])
})
