/** An element: its name, its text and what is inside it. Attributes are left out. */
export interface XmlNode {
  readonly name: string
  readonly children: XmlNode[]
  text: string
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
const DEEPEST = 64

/** Reads the small XML documents of an XDF file; undefined for what is none. Nothing outside the text is ever loaded. */
export function parseXml(text: string): XmlNode | undefined {
  const root: XmlNode = { name: '', children: [], text: '' }
  const open = [root]
  for (const [, closing, name, selfClosing, plain] of text.matchAll(/<(\/?)([\w:.-]+)[^<>]*?(\/?)>|([^<]+)/g)) {
    const current = open.at(-1)!
    if (plain !== undefined) current.text += plain
    else if (closing) {
      if (open.length < 2 || current.name !== name) return undefined
      open.pop()
    } else {
      const node: XmlNode = { name: name!, children: [], text: '' }
      current.children.push(node)
      if (!selfClosing) open.push(node)
      if (open.length > DEEPEST) return undefined
    }
  }
  return open.length === 1 ? root.children[0] : undefined
}

/** Children of a name along a path. */
export function findAll(node: XmlNode | undefined, ...path: string[]): XmlNode[] {
  return path.reduce<XmlNode[]>(
    (nodes, name) => nodes.flatMap(({ children }) => children.filter((child) => child.name === name)),
    node === undefined ? [] : [node],
  )
}

/** Text of the first element of a path. */
export function textOf(node: XmlNode | undefined, ...path: string[]): string | undefined {
  const text = findAll(node, ...path)[0]?.text.trim()
  return text?.replaceAll(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi, (all, decimal, hex, named) => {
    const code = decimal !== undefined ? Number(decimal) : Number.parseInt(hex ?? '', 16)
    if (named !== undefined) return ENTITIES[named] ?? all
    return code <= 0x10ffff ? String.fromCodePoint(code) : all
  })
}
