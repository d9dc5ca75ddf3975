import { type Finding, isAtLeast, outputOf } from './finding.ts'

const COMPILERS = [
  { command: 'g++', minimum: '11' },
  { command: 'clang++', minimum: '14' },
]
const CMAKE_MINIMUM = '3.22'
const INSTALL = 'only a build from source needs it (Debian, Ubuntu: apt install cmake g++)'

/** The compiler that a build from source would use; it is asked to compile C++20, not only for its version. */
export async function checkCompiler(): Promise<Finding> {
  const tooOld: string[] = []
  for (const { command, minimum } of COMPILERS) {
    const version = (await outputOf(command, ['-dumpfullversion', '-dumpversion']))?.trim()
    if (version === undefined) continue
    const compiles = isAtLeast(version, minimum) && (await compilesCpp20(command))
    if (compiles) {
      return { name: 'compiler', state: 'ok', text: `${command} ${version}, C++20`, details: { command, version } }
    }
    tooOld.push(`${command} ${version} does not compile C++20 (${minimum} or newer does)`)
  }
  return { name: 'compiler', state: 'missing', text: tooOld[0] ?? 'no g++ or clang++', advice: INSTALL }
}

async function compilesCpp20(command: string): Promise<boolean> {
  const program = '#include <concepts>\n#include <span>\nstatic_assert(std::integral<int>);\n'
  return (await outputOf(command, ['-std=c++20', '-fsyntax-only', '-x', 'c++', '-'], program)) !== undefined
}

export async function checkCMake(): Promise<Finding> {
  const version = (await outputOf('cmake', ['--version']))?.match(/version (\d+(\.\d+)+)/)?.[1]
  if (version === undefined) return { name: 'cmake', state: 'missing', text: 'no CMake', advice: INSTALL }
  if (isAtLeast(version, CMAKE_MINIMUM))
    return { name: 'cmake', state: 'ok', text: `CMake ${version}`, details: { version } }
  const text = `CMake ${version} is older than ${CMAKE_MINIMUM}`
  return { name: 'cmake', state: 'missing', text, advice: INSTALL, details: { version } }
}
