import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkFiles, type DownloadProgress, downloadFiles, type RemoteFile } from 'eegtorch'
import { thisProcess } from '../../lib/files/lock.ts'
import { rejectionOf } from '../thrown.ts'
import { refuse, serve, UnreliableServer } from './unreliable-server.ts'

const content = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919) >> 3))
const other = Buffer.from(content.map((byte) => byte ^ 255))
const sha256 = createHash('sha256').update(content).digest('hex')
const md5 = createHash('md5').update(content).digest('hex')

let server: UnreliableServer
let folder: string
beforeAll(async () => {
  server = await UnreliableServer.start()
})
afterAll(() => server.stop())
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'download-'))
})

const target = () => join(folder, 'a/file.bin')
const file = (more: Partial<RemoteFile> = {}): RemoteFile => ({ path: 'a/file.bin', urls: [server.url], ...more })
const heard = ({ done }: DownloadProgress) => {
  UnreliableServer.arrived = done
}
const get = (more: Partial<RemoteFile> = {}, options = {}) =>
  downloadFiles([file(more)], { folder, pause: 1, retries: 3, timeout: 2000, onProgress: heard, ...options })
const isWhole = () => expect(readFileSync(target()).equals(content)).toBe(true)
/** Nothing but what is named; no lock is left. */
const leaves = (...names: string[]) => expect(readdirSync(join(folder, 'a')).sort()).toEqual(names.sort())

test('a file comes whole, is checked, and is not downloaded twice', async () => {
  server.answers(serve(content))
  const told: DownloadProgress[] = []
  const [result] = await get({ sha256 }, { onProgress: (progress: DownloadProgress) => told.push(progress) })
  expect(result).toEqual({ path: 'a/file.bin', bytes: content.length, isNew: true, isVerified: true })
  isWhole()
  leaves('file.bin')
  expect(told.at(-1)).toEqual({ file: 'a/file.bin', done: content.length, total: content.length })
  expect(told.every(({ done }, i) => i === 0 || done >= told[i - 1]!.done)).toBe(true)
  expect((await get({ md5 }))[0]).toMatchObject({ isNew: false, isVerified: true })
  expect((await get())[0]).toMatchObject({ isNew: false, isVerified: false })
  expect(server.requests.length).toBe(1)
})

test('a connection that breaks off is taken up where it broke', async () => {
  server.answers(serve(content, { breakAfter: 100_000 }), serve(content, { breakAfter: 50_000 }), serve(content))
  await get()
  isWhole()
  expect(server.requests[0]).toEqual({ range: undefined, ifRange: undefined })
  const starts = server.requests.slice(1).map(({ range }) => Number(/\d+/.exec(range!)![0]))
  expect(starts[0]).toBeGreaterThan(0)
  expect(starts[1]).toBeGreaterThan(starts[0]!)
  expect(server.requests[1]!.ifRange).toBe('"one"')
})

test('a later call goes on where an earlier one gave up', async () => {
  server.answers(serve(content, { breakAfter: 100_000 }), refuse(404))
  const error = await rejectionOf(get())
  expect([error.code, error.file]).toEqual(['DOWNLOAD_FAILED', target()])
  expect(error.message).toContain('404')
  leaves('file.bin.part', 'file.bin.part.json')
  const size = readFileSync(`${target()}.part`).length
  server.answers(serve(content))
  await get()
  isWhole()
  expect(server.requests).toEqual([{ range: `bytes=${size}-`, ifRange: '"one"' }])
  leaves('file.bin')
})

test('a file that changes between two requests starts again, whether or not the server heeds If-Range', async () => {
  for (const ignoresIfRange of [false, true]) {
    folder = mkdtempSync(join(tmpdir(), 'download-'))
    server.answers(serve(other, { breakAfter: 100_000 }), serve(content, { etag: '"two"', ignoresIfRange }))
    await get()
    isWhole()
  }
})

test('a changed file that passes for the same is found by its checksum, and by its length', async () => {
  server.answers(serve(other, { breakAfter: 100_000 }), serve(content))
  await get({ sha256 })
  isWhole()
  folder = mkdtempSync(join(tmpdir(), 'download-'))
  server.answers(serve(other.subarray(0, 200_000), { breakAfter: 100_000 }), serve(content, { ignoresIfRange: true }))
  await get()
  isWhole()
})

test('a server that ignores ranges, or names nothing to know the file by, sends it from the start', async () => {
  server.answers(serve(content, { breakAfter: 100_000 }), serve(content, { ignoresRange: true }))
  await get()
  isWhole()
  folder = mkdtempSync(join(tmpdir(), 'download-'))
  server.answers(serve(content, { etag: '', breakAfter: 100_000 }), serve(content, { etag: '' }))
  await get()
  isWhole()
  expect(server.requests[1]!.range).toBeUndefined()
  folder = mkdtempSync(join(tmpdir(), 'download-'))
  const dated = { etag: 'W/"weak"', modified: 'Sat, 21 Nov 2026 10:00:00 GMT' }
  server.answers(serve(content, { ...dated, breakAfter: 100_000 }), serve(content, dated))
  await get()
  isWhole()
  expect(server.requests[1]!.ifRange).toBe(dated.modified)
})

test('a server that sends another part than was asked for is not believed', async () => {
  const shifted = (_: unknown, response: ServerResponse) =>
    response
      .writeHead(206, { 'content-range': `bytes 5-${content.length - 1}/${content.length}`, etag: '"one"' })
      .end(content.subarray(5))
  server.answers(serve(content, { breakAfter: 100_000 }), shifted, serve(content))
  await get()
  isWhole()
})

test('wrong bytes are thrown away, after a second chance, and never get the name', async () => {
  server.answers(serve(other))
  const error = await rejectionOf(get({ sha256 }))
  expect([error.code, error.expected]).toEqual(['FILE_INVALID', `sha256 ${sha256}`])
  expect(existsSync(target())).toBe(false)
  leaves()
  server.answers(serve(other))
  expect((await rejectionOf(get({ md5 }))).code).toBe('FILE_INVALID')
})

test('a length that is a lie is an error, in either direction', async () => {
  server.answers(serve(content, { claims: content.length + 10, breakAfter: content.length }))
  expect((await rejectionOf(get({}, { retries: 1 }))).code).toBe('DOWNLOAD_FAILED')
  folder = mkdtempSync(join(tmpdir(), 'download-'))
  server.answers(serve(content.subarray(0, 1000)))
  const short = await rejectionOf(get({ bytes: content.length }))
  expect(short.message).toContain(`offers 1000 bytes, and the file has ${content.length}`)
  folder = mkdtempSync(join(tmpdir(), 'download-'))
  const chunked = (_: unknown, response: ServerResponse) => {
    response.write(content)
    response.end(content)
  }
  server.answers(chunked)
  expect((await rejectionOf(get({ bytes: content.length }))).message).toContain('sends more than')
  server.answers(chunked)
  expect((await get())[0]!.bytes).toBe(2 * content.length)
})

test('an answer without an end that could be told from a broken connection is refused, unless a checksum tells', async () => {
  const endless = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n')
      socket.end(content)
    })
  })
  await new Promise<void>((resolve) => {
    endless.listen(0, '127.0.0.1', resolve)
  })
  const urls = [`http://127.0.0.1:${(endless.address() as { port: number }).port}/`]
  expect((await rejectionOf(get({ urls }))).message).toContain('does not say how long')
  await get({ urls, sha256 })
  isWhole()
  endless.close()
})

test('a server that falls silent counts as broken', async () => {
  server.answers(serve(content, { stallAfter: 100_000 }), serve(content))
  await get({}, { timeout: 200 })
  isWhole()
  folder = mkdtempSync(join(tmpdir(), 'download-'))
  server.answers(() => undefined)
  const error = await rejectionOf(get({}, { timeout: 100, retries: 1 }))
  expect(error.message).toContain('nothing came for 0.1 s (2 attempts)')
})

test('a busy server is asked again, after the time that it names; a missing file is not', async () => {
  server.answers(refuse(503, { 'retry-after': '0' }), refuse(429), serve(content))
  await get()
  isWhole()
  expect(server.requests.length).toBe(3)
  folder = mkdtempSync(join(tmpdir(), 'download-'))
  server.answers(refuse(404))
  await rejectionOf(get())
  expect(server.requests.length).toBe(1)
  server.answers((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>log in</h1>'))
  expect((await rejectionOf(get())).message).toContain('a web page')
})

test('mirrors are tried in order, and one may finish what another began where a checksum tells', async () => {
  const mirror = await UnreliableServer.start()
  mirror.answers(serve(content, { etag: '"mirror"' }))
  server.answers(serve(content, { breakAfter: 100_000 }), refuse(404))
  await get({ urls: [await UnreliableServer.nowhere(), server.url, mirror.url], sha256 }, { retries: 0 })
  isWhole()
  expect(mirror.requests[0]!.range).toMatch(/^bytes=[1-9]/)
  folder = mkdtempSync(join(tmpdir(), 'download-'))
  server.answers(serve(content, { breakAfter: 100_000 }), refuse(404))
  mirror.answers(serve(content, { etag: '"mirror"' }))
  await get({ urls: [server.url, mirror.url] }, { retries: 0 })
  isWhole()
  expect(mirror.requests[0]!.range).toBeUndefined()
  folder = mkdtempSync(join(tmpdir(), 'download-'))
  server.answers(serve(other))
  await get({ urls: [server.url, mirror.url], sha256 })
  isWhole()
  await mirror.stop()
})

test('an unreachable host, a wrong address and a redirection without end are one clear error each', async () => {
  expect((await rejectionOf(get({ urls: [await UnreliableServer.nowhere()] }, { retries: 0 }))).message).toContain(
    'ECONNREFUSED',
  )
  expect((await rejectionOf(get({ urls: ['no address'] }))).code).toBe('DOWNLOAD_FAILED')
  expect((await rejectionOf(get({ urls: [] }))).message).toContain('there is no address')
  server.answers(refuse(302, { location: '/again' }))
  expect((await rejectionOf(get({}, { retries: 0 }))).code).toBe('DOWNLOAD_FAILED')
})

test('a signal stops it, also while it waits; what came stays', async () => {
  server.answers(serve(content, { stallAfter: 100_000 }))
  const stop = new AbortController()
  const stopped = rejectionOf(get({}, { signal: stop.signal, timeout: 60_000 }))
  const part = `${target()}.part`
  while (!existsSync(part) || readFileSync(part).length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
  stop.abort()
  expect((await stopped).code).toBe('CANCELLED')
  expect(readFileSync(part).length).toBeGreaterThan(0)
  server.answers(refuse(503))
  const later = new AbortController()
  setTimeout(() => later.abort(), 50)
  expect((await rejectionOf(get({}, { signal: later.signal, pause: 60_000 }))).code).toBe('CANCELLED')
  expect((await rejectionOf(get({}, { signal: AbortSignal.abort() }))).code).toBe('CANCELLED')
  leaves('file.bin.part', 'file.bin.part.json')
})

test('files of other people stay as they are', async () => {
  server.answers(serve(content))
  await get()
  writeFileSync(target(), 'mine')
  const error = await rejectionOf(get({ sha256 }))
  expect(error.message).toContain('is not overwritten')
  expect(readFileSync(target(), 'utf8')).toBe('mine')
  const states = await checkFiles([file({ sha256 }), { path: 'b', urls: [] }, file({ bytes: 4 })], { folder })
  expect(states.map(({ state }) => state)).toEqual(['wrong', 'missing', 'right'])
})

test('bytes of unknown origin, and a lock of the dead, are no hindrance; the living are not disturbed', async () => {
  server.answers(serve(content))
  await get()
  for (const origin of ['', '{"url": 3}', 'not json']) {
    folder = mkdtempSync(join(tmpdir(), 'download-'))
    await rejectionOf(get({ urls: [] }))
    writeFileSync(`${target()}.part`, other.subarray(0, 5000))
    writeFileSync(`${target()}.part.json`, origin)
    writeFileSync(`${target()}.part.lock`, JSON.stringify({ ...(await thisProcess()), pid: 99999999 }))
    await get()
    isWhole()
  }
  folder = mkdtempSync(join(tmpdir(), 'download-'))
  await rejectionOf(get({ urls: [] }))
  const lock = JSON.stringify(await thisProcess())
  writeFileSync(`${target()}.part.lock`, lock)
  expect((await rejectionOf(get())).message).toContain('another process')
  expect(readFileSync(`${target()}.part.lock`, 'utf8')).toBe(lock)
})

test('paths outside of the folder, and more than the disk holds, are refused before anything is asked', async () => {
  server.answers(serve(content))
  for (const path of ['../x', '/etc/x', 'a/../../x', 'a\\b', '', 'c:x', 'a//b', '.']) {
    expect((await rejectionOf(get({ path }))).code).toBe('FILE_UNSAFE')
  }
  const error = await rejectionOf(get({ bytes: 1e18 }))
  expect([error.code, error.expected]).toEqual(['FILE_WRITE_FAILED', '1000000000.0 GB'])
  expect(server.requests.length).toBe(0)
})

test('the total of several files is what they have together', async () => {
  server.answers(serve(content))
  const told: DownloadProgress[] = []
  const bytes = content.length
  const files = ['x', 'y'].map((path) => ({ path, urls: [server.url], bytes }))
  await downloadFiles(files, { folder, onProgress: (progress) => told.push(progress) })
  expect(told.at(-1)).toEqual({ file: 'y', done: 2 * bytes, total: 2 * bytes })
  expect(told.every(({ total }) => total === 2 * bytes)).toBe(true)
})
