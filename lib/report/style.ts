/** The look of a report: one column of text width, quiet rules, figures that line up, light and dark. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fdfcfa; --raised: #ffffff; --ink: #1d2126; --muted: #6d7278; --rule: #e4e1db; --grid: #efede8;
  --train: #8d949d; --validation: #1d5f9e; --level: #b5541c; --cell: #1d5f9e; --on-shade: #ffffff;
  --warn-ground: #fff3df; --warn-ink: #7a4a06; --warn-rule: #e9b65f;
  --class-0: #1d5f9e; --class-1: #c2611a; --class-2: #25856a; --class-3: #84539f;
  --class-4: #a8892b; --class-5: #b23a57; --class-6: #4c8fb3; --class-7: #6b7280;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15181b; --raised: #1b1f23; --ink: #e6e5e1; --muted: #989da3; --rule: #2d3237; --grid: #252a2e;
    --train: #868d96; --validation: #6db0ea; --level: #e58a4f; --cell: #3f87c6; --on-shade: #ffffff;
    --warn-ground: #3a2c12; --warn-ink: #f6d79a; --warn-rule: #8a6420;
    --class-0: #6db0ea; --class-1: #ec9455; --class-2: #5cc0a2; --class-3: #bd90d8;
    --class-4: #d6b95a; --class-5: #e6788f; --class-6: #8cc6e2; --class-7: #a3a9b1;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.55 "Source Sans 3", "Inter", system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums lining-nums; -webkit-text-size-adjust: 100%;
}
main { max-width: 1088px; margin: 0 auto; padding: 56px 24px 80px; }
h1, h2, h3 { line-height: 1.25; font-weight: 600; letter-spacing: -0.01em; overflow-wrap: anywhere; }
h1 { font-size: 31px; margin: 4px 0 8px; }
h2 { font-size: 20px; margin: 44px 0 2px; padding-top: 16px; border-top: 1px solid var(--rule); }
h3 { font-size: 14px; margin: 24px 0 6px; }
p { margin: 6px 0; max-width: 74ch; }
.kicker, .muted { color: var(--muted); }
.kicker { font-size: 13px; margin: 0; }
.banner {
  margin: 20px 0; padding: 12px 16px; max-width: none; border: 1px solid var(--warn-rule); border-radius: 6px;
  background: var(--warn-ground); color: var(--warn-ink);
}
.score { display: grid; grid-template-columns: minmax(220px, 1fr) 2fr; gap: 24px 40px; align-items: center; margin: 28px 0 8px; }
.score .number { font-size: 60px; font-weight: 600; line-height: 1; letter-spacing: -0.03em; white-space: nowrap; }
.score .number small { font-size: 24px; font-weight: 400; letter-spacing: 0; color: var(--muted); }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 16px 40px; align-items: start; }
.triple { display: grid; grid-template-columns: repeat(3, 1fr); gap: 16px; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; margin: 8px 0; }
th, td { padding: 5px 14px 5px 0; text-align: right; vertical-align: baseline; border-bottom: 1px solid var(--grid); }
th { font-weight: 500; color: var(--muted); font-size: 13px; border-bottom-color: var(--rule); white-space: nowrap; }
th:first-child, td:first-child, .words td, .words th { text-align: left; }
table:not(.words) td { white-space: nowrap; }
td:last-child, th:last-child { padding-right: 0; }
.words td:first-child { color: var(--muted); width: 34%; }
.words td { overflow-wrap: anywhere; }
code, pre { font: 13px/1.5 ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, monospace; }
pre { margin: 8px 0; padding: 10px 14px; background: var(--raised); border: 1px solid var(--rule); border-radius: 6px; overflow-x: auto; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 20px; margin: 8px 0; padding: 0; list-style: none; font-size: 13px; color: var(--muted); }
.legend i { display: inline-block; width: 18px; height: 0; margin-right: 7px; vertical-align: middle; border-top: 2.5px solid currentColor; }
.legend .train i { color: var(--train); } .legend .validation i { color: var(--validation); }
figure { margin: 8px 0; }
footer { margin-top: 64px; padding-top: 12px; border-top: 1px solid var(--rule); font-size: 13px; color: var(--muted); }
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg text { fill: var(--ink); font-size: 11.5px; }
svg .muted { fill: var(--muted); } svg .middle { text-anchor: middle; } svg .end { text-anchor: end; }
svg .on-shade { fill: var(--on-shade); }
.grid { stroke: var(--grid); } .axis { stroke: var(--muted); fill: none; } .level { stroke: var(--level); stroke-dasharray: 4 3; }
.line { fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.line.faint { stroke-width: 0.8; opacity: 0.32; } .line.trace { stroke-width: 1; }
.interval { stroke: currentColor; stroke-width: 2.5; } .point { fill: currentColor; } .dot { fill: currentColor; opacity: 0.45; }
.cell { fill: var(--cell); } .cell-ground { fill: var(--grid); }
.train { color: var(--train); } .validation { color: var(--validation); }
${Array.from({ length: 8 }, (_, i) => `.class-${i} { color: var(--class-${i}); }`).join(' ')}
.legend li { color: var(--muted); } .legend b { font-weight: 400; color: var(--muted); }
@media (max-width: 760px) { .pair, .triple, .score { grid-template-columns: 1fr; } main { padding: 28px 16px 48px; } }
@media print { main { padding: 0; } h2 { break-after: avoid; } figure, table { break-inside: avoid; } }
`
