/**
 * Parses JSON as Python's `json` writes it: `NaN`, `Infinity` and `-Infinity` may stand for numbers. NaN becomes null.
 *
 * @throws SyntaxError as `JSON.parse`
 */
export function parsePythonJson(text: string): unknown {
  const plain = text.replaceAll(/"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g, (token) => {
    if (token.startsWith('"')) return token
    if (token === 'NaN') return 'null'
    return token.startsWith('-') ? '-1e999' : '1e999' // too large for a number, so infinite
  })
  return JSON.parse(plain)
}
