import { element, type Markup, text } from '../svg.ts'
import { STYLE } from './style.ts'

/** A page that stands alone: nothing is loaded, no script runs, and the page's own policy forbids both. */
export function page(title: string, ...content: Markup[]): string {
  const body = element('body', {}, element('main', {}, ...content))
  return `<!doctype html>\n${element('html', { lang: 'en' }, head(title, body.includes('<img ')), body)}\n`
}

/** Says that signals come from a program, where they do. */
export function simulatedBanner(simulated: boolean): Markup {
  if (!simulated) return text('')
  return element(
    'p',
    { class: 'banner', role: 'note' },
    element('strong', {}, text('SIMULATED DATA. ')),
    text('These signals were made by a program, not recorded from a person. The scores say nothing about real EEG.'),
  )
}

/** What the cards of data sets say beside every score. */
export function warningBanner(warnings: readonly string[]): Markup {
  if (warnings.length === 0) return text('')
  const lines = warnings.map((warning) => element('p', {}, text(warning)))
  return element('div', { class: 'banner', role: 'note' }, ...lines)
}

function head(title: string, hasPictures: boolean): Markup {
  const pictures = hasPictures ? ' img-src data:;' : ''
  return element(
    'head',
    {},
    '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">' as Markup,
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none';${pictures} style-src 'unsafe-inline'">` as Markup,
    element('title', {}, text(title)),
    element('style', {}, STYLE as Markup),
  )
}
