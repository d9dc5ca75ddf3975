import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { listFiles, main, root } from './steps.mjs'

// Arrows only go down, as docs/architecture.md draws them. Reads the imports and includes; `node scripts/layers.mjs [FOLDER]`

/** What each part of cpp/ may include besides itself; registry.* sits on top and may include all. */
const CPP_MAY_INCLUDE = {
  core: [],
  kernels: ['core'],
  blocks: ['core', 'kernels'],
  augment: ['core'],
  losses: ['core'],
  store: ['core'],
  distributed: ['core'],
  training: ['core', 'kernels', 'blocks', 'losses', 'augment', 'distributed'],
  // Hybrids put an autoencoder in front of another family's network.
  variational: ['core', 'kernels', 'blocks', 'conv', 'recurrent'],
  // sgdm's UNet has the document's conditioning inside.
  diffusion: ['core', 'kernels', 'blocks', 'alignment'],
}
const FAMILY_MAY_INCLUDE = ['core', 'kernels', 'blocks']

/** Parts of lib/ that work without the addon: nothing that they import may load it. */
const WITHOUT_ADDON = ['errors', 'files', 'recordings', 'datasets', 'evaluation', 'setup', 'lmdb', 'store']
/** The one file by which they have something computed: it loads the addon by `import()`, when there is something to compute. */
const DOOR = 'lib/signal/compute-thread.ts'
/** Parts of lib/ that know only themselves and these. */
const LIB_MAY_IMPORT = { errors: [], files: ['errors'], setup: ['errors', 'files'] }
/** What makes up the tensor class together: one part. */
const TENSOR_PARTS = ['ops', 'print', 'indexing']

/** Everything that breaks a rule under a root folder, in words. */
export function findViolations(folder) {
  const lib = graphOf(folder, 'lib', [WITH_TYPES, LATER])
  const loaded = graphOf(folder, 'lib', [AT_ONCE, LATER])
  const ofLib = [...checkImports(lib), ...checkCircles(lib), ...checkAddonFree(behindDoor(folder, loaded))]
  return [...checkIncludes(folder), ...ofLib, ...checkPrivileges(folder), ...checkNamed(folder)]
}

/** Folders that the page on architecture must name: what a newcomer finds there. */
const NAMED_FOLDERS = ['cpp', 'lib', 'lib/generation']
const ARCHITECTURE = 'docs/architecture.md'

function checkNamed(folder) {
  if (!existsSync(join(folder, ARCHITECTURE))) return []
  const text = readFileSync(join(folder, ARCHITECTURE), 'utf8')
  return NAMED_FOLDERS.filter((parent) => existsSync(join(folder, parent))).flatMap((parent) =>
    readdirSync(join(folder, parent), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !text.includes(`${entry.name}/`))
      .map((entry) => `${parent}/${entry.name} is not named in ${ARCHITECTURE}`),
  )
}

function checkIncludes(folder) {
  return listFiles('cpp', folder)
    .filter((path) => /\.(h|cpp|cu|cuh)$/.test(path))
    .flatMap((path) => includesOf(join(folder, path)).flatMap((include) => explainInclude(folder, path, include)))
}

function includesOf(path) {
  return [...readFileSync(path, 'utf8').matchAll(/^\s*#\s*include\s*[<"]([^>"]+)[>"]/gm)].map((match) => match[1])
}

function explainInclude(folder, path, include) {
  if (/(^|\/)(napi|node_api|js_native_api|node|v8|uv)(-inl)?\.h$/.test(include) || include.includes('binding/')) {
    return [`${path} includes ${include}: cpp/ knows nothing of Node`]
  }
  const [, part] = path.split('/')
  const [target, file] = include.split('/')
  const isOurs = file !== undefined && listFiles(join('cpp', include), folder).length > 0
  if (!isOurs || part === target || part.startsWith('registry')) return []
  const allowed = CPP_MAY_INCLUDE[part] ?? FAMILY_MAY_INCLUDE
  return allowed.includes(target)
    ? []
    : [`${path} includes ${include}: ${part} may include ${allowed.join(', ') || 'LibTorch'} only`]
}

/** Imports of each file, by path from the root. */
function graphOf(folder, part, patterns) {
  const files = listFiles(part, folder).filter((path) => path.endsWith('.ts'))
  return new Map(files.map((path) => [path, importsOf(folder, path, patterns)]))
}

const WITH_TYPES = /^\s*(?:import|export)\s+(?:[^'";]*?\sfrom\s+)?['"](\.[^'"]+)['"]/gm
/** Imports of types alone load nothing: they are arrows, but bring no addon. */
const AT_ONCE = /^\s*(?:import|export)\s+(?!type\b)(?:[^'";]*?\sfrom\s+)?['"](\.[^'"]+)['"]/gm
const LATER = /import\(\s*['"](\.[^'"]+)['"]\s*\)/g

function importsOf(folder, path, patterns) {
  const text = readFileSync(join(folder, path), 'utf8')
  return patterns.flatMap((pattern) =>
    [...text.matchAll(pattern)].map((match) => relative(folder, resolve(folder, dirname(path), match[1]))),
  )
}

/** The imports while the door is closed. */
function behindDoor(folder, graph) {
  return graph.has(DOOR) ? new Map([...graph, [DOOR, importsOf(folder, DOOR, [AT_ONCE])]]) : graph
}

/** `lib/report/html.ts` belongs to `report`, `lib/errors.ts` to `errors`. */
function partOf(path) {
  return path.split('/')[1]?.replace(/(\.generated)?\.ts$/, '') ?? path
}

function checkImports(graph) {
  return [...graph].flatMap(([path, imports]) =>
    imports.flatMap((target) => {
      const [from, to] = [partOf(path), partOf(target)]
      if (!target.startsWith('lib/')) return [`${path} imports ${target}, which is outside lib/`]
      if (to === 'cli' && from !== 'cli') return [`${path} imports ${target}: the command line is on top`]
      const allowed = LIB_MAY_IMPORT[from]
      if (allowed === undefined || from === to || allowed.includes(to)) return []
      return [`${path} imports ${target}: ${from} may import ${allowed.join(', ') || 'nothing'}`]
    }),
  )
}

/** Parts that import one another, directly or through others: the shortest way round for each. */
function checkCircles(graph) {
  const parts = new Map()
  for (const [path, imports] of graph) {
    const from = tensorOr(partOf(path))
    const targets = imports.map((target) => tensorOr(partOf(target))).filter((to) => to !== from)
    parts.set(from, new Set([...(parts.get(from) ?? []), ...targets]))
  }
  const seen = new Set()
  return [...parts.keys()].flatMap((part) => {
    const circle = wayBack(parts, part)
    const name = circle?.toSorted().join()
    if (circle === undefined || seen.has(name)) return []
    seen.add(name)
    return [`lib: ${[...circle, part].join(' -> ')} is a circle`]
  })
}

const tensorOr = (part) => (TENSOR_PARTS.includes(part) ? 'tensor' : part)

/** The parts of the shortest way from a part back to itself. */
function wayBack(parts, start) {
  const ways = [[start]]
  const seen = new Set()
  for (const way of ways) {
    for (const next of parts.get(way.at(-1)) ?? []) {
      if (next === start) return way
      if (seen.has(next)) continue
      seen.add(next)
      ways.push([...way, next])
    }
  }
  return undefined
}

function checkAddonFree(graph) {
  return [...graph.keys()]
    .filter((path) => WITHOUT_ADDON.includes(partOf(path)))
    .flatMap((path) => {
      const chain = chainTo(graph, path, 'lib/native.ts')
      return chain === undefined ? [] : [`${chain.join(' -> ')}: ${partOf(path)} works without the addon`]
    })
}

function chainTo(graph, path, target, seen = new Set()) {
  if (path === target) return [path]
  if (seen.has(path)) return undefined
  seen.add(path)
  for (const next of graph.get(path) ?? []) {
    const rest = chainTo(graph, next, target, seen)
    if (rest !== undefined) return [path, ...rest]
  }
  return undefined
}

/** What one place alone may do. */
function checkPrivileges(folder) {
  const rules = [
    {
      pattern: /process\.dlopen|['"]node-gyp-build['"]/,
      allowed: /^lib\/native\.ts$/,
      what: 'loads the addon: only lib/native.ts may',
    },
    {
      pattern: /\bconsole\.|process\.argv/,
      allowed: /^lib\/cli\//,
      what: 'prints or reads the command line: only lib/cli may',
    },
    {
      // `tensor.print()` and lines of progress are what a program asks for by name.
      pattern: /(?<![\w.#])process\.(stdout|stderr)/,
      allowed: /^lib\/(cli\/|progress\/live-line\.ts$|tensor\.ts$)/,
      what: 'writes to the terminal: only lib/cli, tensor.ts and progress/live-line.ts may',
    },
    {
      pattern: /^\s*(import|export)\b[^'"]*['"][^'"]*\/scripts\//m,
      allowed: /^test\//,
      what: 'imports scripts/: only their tests may',
    },
  ]
  const files = ['lib', 'test', 'examples']
    .flatMap((part) => listFiles(part, folder))
    .filter((path) => /\.(ts|mjs)$/.test(path))
  return files.flatMap((path) => {
    const code = withoutComments(readFileSync(join(folder, path), 'utf8'))
    const relevant = path.startsWith('lib/') ? rules : rules.slice(-1)
    return relevant
      .filter(({ pattern, allowed }) => !allowed.test(path) && pattern.test(code))
      .map(({ what }) => `${path} ${what}`)
  })
}

function withoutComments(text) {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '')
}

if (process.argv[1] === import.meta.filename) {
  await main(() => {
    const violations = findViolations(resolve(process.argv[2] ?? root))
    for (const violation of violations) console.log(violation)
    return violations.length === 0 ? 0 : 1
  })
}
