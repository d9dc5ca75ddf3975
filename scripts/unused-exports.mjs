import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { listFiles, main, root } from './steps.mjs'

const DECLARATION = /^export (?:async )?(?:abstract )?(?:function\*?|const|let|class) (\w+)/gm

/**
 * Functions, constants and classes that a file of lib/ exports though no other file names them: what is used inside alone needs no
 * `export`, and what is used nowhere needs not be. `node scripts/unused-exports.mjs [FOLDER]`
 */
export function findUnusedExports(folder) {
  const texts = new Map(
    ['lib', 'test', 'scripts', 'examples']
      .flatMap((part) => listFiles(part, folder))
      .filter((path) => /\.(ts|mjs)$/.test(path))
      .map((path) => [path, readFileSync(join(folder, path), 'utf8')]),
  )
  const isNamedElsewhere = (name, own) =>
    [...texts].some(([path, text]) => path !== own && new RegExp(`\\b${name}\\b`).test(text))
  return [...texts]
    .filter(([path]) => path.startsWith('lib/') && !path.includes('.generated.'))
    .flatMap(([path, text]) =>
      [...text.matchAll(DECLARATION)]
        .filter(([, name]) => !isNamedElsewhere(name, path))
        .map(([, name]) => `${path} exports ${name}, which no other file names`),
    )
}

if (process.argv[1] === import.meta.filename) {
  await main(() => {
    const unused = findUnusedExports(resolve(process.argv[2] ?? root))
    for (const line of unused) console.log(line)
    return unused.length === 0 ? 0 : 1
  })
}
