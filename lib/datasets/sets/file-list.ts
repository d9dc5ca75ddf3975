import { EegTorchError } from '../../errors.ts'

/**
 * The list of files that a host publishes as JSON. A host that is out of order, or a network that asks for a login, sends a page in its place.
 *
 * @throws EegTorchError `DOWNLOAD_FAILED`
 */
export function parseFileList<T extends object>(text: string, url: string, isList: (value: object) => boolean): T {
  const expected = 'a list of files as JSON'
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    const received = text.trimStart().startsWith('<') ? 'a web page' : 'text that is not JSON'
    throw new EegTorchError('DOWNLOAD_FAILED', `${url} gives no list of files`, { expected, received, cause })
  }
  if (typeof value === 'object' && value !== null && isList(value)) return value as T
  throw new EegTorchError('DOWNLOAD_FAILED', `${url} gives no list of files`, { expected, received: 'other JSON' })
}
