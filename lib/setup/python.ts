import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { delimiter, dirname, join, resolve } from 'node:path'

/** A folder in which a Python interpreter would look for packages, and how we came to it. */
export interface SitePackages {
  /** The environment as the user knows it, for example `VIRTUAL_ENV /home/me/venv`. */
  place: string
  folders: string[]
}

/**
 * Folders that hold the packages of the Python environment at hand, in the order in which a user would expect them to
 * count: an activated environment, `.venv` in the working folder, the first `python3` on the PATH. Python itself is not started: that alone
 * would cost more than everything else that loading the addon does.
 */
export function findSitePackages(
  environment: NodeJS.ProcessEnv = process.env,
  cwd: string = process.cwd(),
): SitePackages[] {
  const found: SitePackages[] = []
  const add = (place: string, prefix: string | undefined) => {
    if (prefix === undefined || found.some(({ folders }) => folders[0]?.startsWith(`${prefix}/`))) return
    const folders = packageFolders(prefix)
    if (folders.length > 0) found.push({ place, folders })
  }
  const { VIRTUAL_ENV, CONDA_PREFIX } = environment
  if (VIRTUAL_ENV) add(`VIRTUAL_ENV ${VIRTUAL_ENV}`, resolve(VIRTUAL_ENV))
  if (CONDA_PREFIX) add(`CONDA_PREFIX ${CONDA_PREFIX}`, resolve(CONDA_PREFIX))
  add('Python environment .venv', join(cwd, '.venv'))
  const python = firstPython(environment)
  if (python !== undefined) add(`python3 on the PATH (${python})`, pythonPrefix(python, environment, cwd))
  const home = environment.HOME
  if (home) add('packages of the user (pip install --user)', join(home, '.local'))
  return found
}

function firstPython(environment: NodeJS.ProcessEnv): string | undefined {
  const candidates = (environment.PATH ?? '').split(delimiter).map((folder) => join(folder, 'python3'))
  return candidates.find((path) => path.startsWith('/') && existsSync(path))
}

/** The installation prefix of an interpreter; pyenv's shims stand for the version that pyenv selects. */
function pythonPrefix(python: string, environment: NodeJS.ProcessEnv, cwd: string): string | undefined {
  const bin = dirname(python)
  if (!bin.endsWith('/shims')) return dirname(bin)
  const root = environment.PYENV_ROOT ?? dirname(bin)
  const version = environment.PYENV_VERSION ?? readPyenvVersion(root, cwd)
  return version === undefined ? undefined : join(root, 'versions', version.split(':')[0]!.trim())
}

function readPyenvVersion(root: string, cwd: string): string | undefined {
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const version = firstLine(join(folder, '.python-version'))
    if (version !== undefined) return version
    if (folder === dirname(folder)) return firstLine(join(root, 'version'))
  }
}

function firstLine(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').split('\n')[0]?.trim() || undefined
  } catch {
    return undefined
  }
}

/** `lib/python3.x/site-packages` and Debian's `dist-packages` under a prefix, the newest Python first. */
function packageFolders(prefix: string): string[] {
  const libraries = prefix === '/usr' ? ['/usr/local/lib', '/usr/lib'] : [join(prefix, 'lib'), join(prefix, 'lib64')]
  const minor = (name: string) => Number(name.split('.')[1] ?? 0)
  return libraries.flatMap((library) =>
    listFolder(library)
      .filter((name) => /^python3(\.\d+)?$/.test(name))
      .sort((a, b) => minor(b) - minor(a))
      .flatMap((name) => [join(library, name, 'site-packages'), join(library, name, 'dist-packages')])
      .filter((folder) => existsSync(folder)),
  )
}

function listFolder(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}
