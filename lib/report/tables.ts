import { element, join, type Markup, text } from '../svg.ts'

/** A part of the page under its heading, with a sentence that says how to read it. */
export function section(heading: string, words: string, ...content: Markup[]): Markup {
  const sentence = words === '' ? text('') : element('p', { class: 'muted' }, text(words))
  return element('section', {}, element('h2', {}, text(heading)), sentence, ...content)
}

/** A table of figures, the first column holding names. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): Markup {
  return wide(element('table', {}, headRow(heading), element('tbody', {}, ...rows.map(bodyRow))))
}

/** Names and what they stand for. */
export function wordTable(rows: readonly (readonly [string, string])[]): Markup {
  return wide(element('table', { class: 'words' }, element('tbody', {}, ...rows.map(bodyRow))))
}

function headRow(cells: readonly string[]): Markup {
  return element('thead', {}, element('tr', {}, ...cells.map((cell) => element('th', { scope: 'col' }, text(cell)))))
}

function bodyRow(cells: readonly string[]): Markup {
  return element('tr', {}, join(cells.map((cell) => element('td', {}, text(cell)))))
}

/** Scrolls on its own where the page is narrow. */
function wide(content: Markup): Markup {
  return element('div', { class: 'wide' }, content)
}
