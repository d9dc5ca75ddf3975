/** `label_smoothing` becomes `labelSmoothing`. */
export function camelCase(name: string): string {
  return name.replace(/(?<=[a-z0-9])_([a-z0-9*])/g, (_, letter: string) => letter.toUpperCase())
}

/** `labelSmoothing` becomes `label_smoothing`. */
export function snakeCase(name: string): string {
  return name.replaceAll(/(?<=[a-z0-9])[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
