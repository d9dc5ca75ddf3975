import { Option } from 'commander'
import { decodingSchema } from '../language/decoding.ts'

const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** A flag for each option of decoding, or for some of them: `--top-k <n>`. */
export function decodingFlags(
  names: readonly (keyof typeof decodingSchema.shape)[] = decodingSchema.keyof().options,
): Option[] {
  return names.map((name) => {
    const { description = '' } = decodingSchema.shape[name]
    if (name === 'sample') return new Option('--sample', description)
    return new Option(`--${kebab(name)} <number>`, description).argParser(Number)
  })
}
