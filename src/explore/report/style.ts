/** The page's style sheet: light and dark, phone to desktop, screen and paper. */

const COLOURS = `
:root {
  color-scheme: light dark;
  --paper: #faf9f7; --card: #ffffff; --ink: #1f1b24; --soft: #5d5766; --line: #e2dde4; --wash: #f1eef3;
  --accent: #5b3c8f; --positive: #b3316c; --negative: #4a7891;
  --good: #17653f; --good-wash: #e2f2e9; --bad: #9c1f1f; --bad-wash: #fbe7e5; --warn: #7a4b00; --warn-wash: #fbf0d9;
  --red: #c23b31; --green: #2b8448; --blue: #2d5fb3; --heat: 179 49 108;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15131a; --card: #1d1a23; --ink: #ece8f0; --soft: #aaa3b5; --line: #35303e; --wash: #25212c;
    --accent: #b79df0; --positive: #f078ab; --negative: #8ab8d1;
    --good: #7fd6a8; --good-wash: #17301f; --bad: #ff9f97; --bad-wash: #3c1a1a; --warn: #f0c274; --warn-wash: #372a12;
    --red: #ff7a70; --green: #6fce8a; --blue: #86b0ff; --heat: 240 120 171;
  }
}`;

const TEXT = `
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-padding-top: 1rem; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", "Liberation Sans", Arial, sans-serif; }
h1, h2, h3, h4 { font-family: Charter, "Bitstream Charter", "Iowan Old Style", "Palatino Linotype", Georgia, serif; font-weight: 600; line-height: 1.2; text-wrap: balance; margin: 0; }
h1 { font-size: clamp(2rem, 1.4rem + 2.6vw, 3.1rem); letter-spacing: -.015em; }
h2 { font-size: clamp(1.4rem, 1.2rem + .9vw, 1.8rem); letter-spacing: -.01em; }
h3 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; }
h4 { font-size: 1rem; margin: 1.3rem 0 .5rem; }
p { margin: .6rem 0; max-width: 68ch; text-wrap: pretty; }
a { color: var(--accent); text-underline-offset: .15em; }
a:focus-visible, summary:focus-visible, [tabindex]:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
code, pre, .digest { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; font-size: .86em; }
.soft { color: var(--soft); }
.small { font-size: .86rem; }
.num { font-variant-numeric: tabular-nums; }
.skip { position: absolute; left: -999rem; }
.skip:focus { left: 1rem; top: 1rem; background: var(--card); padding: .5rem 1rem; z-index: 2; }`;

const LAYOUT = `
.page { max-width: 82rem; margin: 0 auto; padding: 0 clamp(1rem, 4vw, 3rem); }
.top { padding: clamp(2rem, 6vw, 4.5rem) 0 0; }
.kicker { text-transform: uppercase; letter-spacing: .12em; font-size: .76rem; font-weight: 600; color: var(--accent); margin: 0 0 .6rem; }
.lede { font-size: 1.12rem; color: var(--soft); max-width: 60ch; }
.verdict { display: inline-flex; gap: .55em; align-items: center; border-radius: 999px; padding: .3rem .95rem .3rem .75rem; font-weight: 600; margin: .6rem 0 0; background: var(--good-wash); color: var(--good); }
.verdict.bad { background: var(--bad-wash); color: var(--bad); }
.verdict.part { background: var(--warn-wash); color: var(--warn); }
.verdict svg { width: 1.05em; height: 1.05em; flex: none; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); margin: 2.2rem 0 0; padding: 0; border-top: 1px solid var(--line); border-bottom: 1px solid var(--line); }
.figures div { padding: 1rem 1rem 1rem 0; }
.figures dt { font-size: .82rem; color: var(--soft); }
.figures dd { margin: .1rem 0 0; font-size: 1.55rem; font-weight: 600; letter-spacing: -.02em; line-height: 1.2; font-variant-numeric: tabular-nums; }
.figures .note { display: block; font-size: .82rem; font-weight: 400; letter-spacing: 0; color: var(--soft); }
nav ol { list-style: none; margin: 0; padding: 0; }
nav a { display: flex; gap: .6em; padding: .28rem 0; color: var(--soft); text-decoration: none; font-size: .9rem; }
nav a:hover { color: var(--accent); text-decoration: underline; }
nav h2 { font-family: inherit; font-size: .76rem; font-weight: 600; line-height: 1.4; text-transform: uppercase; letter-spacing: .12em; color: var(--soft); margin-bottom: .4rem; }
section { padding: clamp(2.2rem, 5vw, 3.6rem) 0 0; }
section > h2 { display: flex; gap: .6em; align-items: baseline; padding-bottom: .5rem; border-bottom: 1px solid var(--line); }
section > h2 span { font-size: .62em; color: var(--accent); font-variant-numeric: tabular-nums; }
footer { margin-top: 4rem; padding: 1.5rem 0 3rem; border-top: 1px solid var(--line); color: var(--soft); font-size: .86rem; }
@media (min-width: 72rem) {
  .columns { display: grid; grid-template-columns: 11rem minmax(0, 1fr); gap: 4rem; }
  .columns nav { position: sticky; top: 1.5rem; align-self: start; padding-top: clamp(2.2rem, 5vw, 3.6rem); }
}
@media (max-width: 71.99rem) {
  nav { padding-top: 1.6rem; }
  nav ol { columns: 2 9rem; }
}`;

const TABLES = `
.scroll { overflow-x: auto; margin: 1rem 0; }
.data { margin: 1rem 0; }
table { border-collapse: collapse; width: 100%; font-size: .93rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-size: .86rem; color: var(--soft); padding-bottom: .5rem; }
th, td { padding: .5rem 1.6rem .5rem 0; text-align: left; vertical-align: baseline; border-bottom: 1px solid var(--line); }
th:last-child, td:last-child { padding-right: 0; }
thead th { font-weight: 600; font-size: .8rem; color: var(--soft); vertical-align: bottom; border-bottom-color: var(--soft); }
tbody th { font-weight: 600; }
tfoot th, tfoot td { border-bottom: 0; border-top: 1px solid var(--soft); font-weight: 600; }
td.n, th.n { text-align: right; }
.digest { overflow-wrap: anywhere; color: var(--soft); }
.state { white-space: nowrap; font-weight: 600; color: var(--good); }
.state.bad { color: var(--bad); } .state.part { color: var(--warn); }
.meter { display: inline-block; vertical-align: middle; width: 5.5rem; height: .5rem; border-radius: 2px; background: var(--negative); overflow: hidden; }
.meter i { display: block; height: 100%; background: var(--positive); border-right: 1px solid var(--card); }
.meter.plain { background: var(--wash); } .meter.plain i { background: var(--accent); }
.matrix { width: auto; min-width: min(100%, 22rem); border-collapse: separate; border-spacing: 2px; }
.matrix td, .matrix th { padding: .65rem 1rem; text-align: right; border: 0; background: var(--card); }
.matrix thead th, .matrix tbody th, .matrix thead td { background: none; color: var(--soft); font-size: .86rem; }
.matrix .own { color: var(--soft); background: var(--wash); }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: 0 3rem; }
@media (max-width: 40rem) {
  th, td { padding-right: 1rem; }
  .meter { display: none; }
  .data thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
  .data tr { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: .35rem 1rem; padding: .7rem 0; border-bottom: 1px solid var(--line); }
  .data tfoot tr { border-top: 1px solid var(--soft); border-bottom: 0; }
  .data th, .data td, .data tfoot th, .data tfoot td { border: 0; padding: 0; text-align: left; }
  .data th { grid-column: 1 / -1; }
  .data td::before { content: attr(data-title); display: block; font-size: .76rem; font-weight: 400; color: var(--soft); }
  .data td:empty { display: none; }
  .files thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
  .files tr { display: grid; grid-template-columns: minmax(0, 1fr) auto; border-bottom: 1px solid var(--line); padding: .6rem 0; }
  .files th, .files td { border: 0; padding: 0; }
  .files th { grid-column: 1; } .files .state { grid-column: 2; grid-row: 1; }
  .files .bytes { grid-column: 1 / -1; text-align: left; color: var(--soft); font-size: .86rem; }
  .files .digest { grid-column: 1 / -1; }
}`;

const PICTURES = `
figure { margin: 0; }
img, svg { display: block; max-width: 100%; height: auto; }
.sheet { display: grid; grid-template-columns: repeat(auto-fill, minmax(96px, 1fr)); gap: 1.1rem .7rem; margin: 1.2rem 0 0; padding: 0; list-style: none; }
.patch { position: relative; }
.patch img { width: 100%; aspect-ratio: 1; border-radius: 2px; background: var(--wash); }
.patch.positive .frame::after { content: ""; position: absolute; inset: 32.292%; border: 1.5px solid #0f0; }
.frame { position: relative; display: block; }
figcaption { font-size: .78rem; line-height: 1.35; color: var(--soft); padding-top: .35rem; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
figcaption b { color: var(--ink); font-weight: 600; }
.times { position: absolute; top: .3rem; right: .3rem; background: rgb(20 16 28 / .82); color: #fff; font-size: .8rem; font-weight: 600; padding: .05rem .4rem; border-radius: 3px; font-variant-numeric: tabular-nums; }
.maps { display: grid; grid-template-columns: repeat(auto-fill, minmax(6.3rem, 1fr)); gap: .8rem .6rem; list-style: none; margin: 1rem 0; padding: 0; }
.maps .map { background: var(--card); border: 1px solid var(--line); border-radius: 3px; height: 6.4rem; display: flex; align-items: center; justify-content: center; }
.maps img { max-height: 100%; }
.chart { margin: 1.2rem 0 0; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: 0 3rem; }
.charts .wide { grid-column: 1 / -1; }
.charts .chart { margin: 0; } .three h3 { font-size: 1rem; margin: 1rem 0 .6rem; }
.plot { padding: .5rem 0 0 3.2rem; }
.bars { position: relative; height: 11rem; border-bottom: 1px solid var(--soft); }
.bars svg, .marks { position: absolute; inset: 0; width: 100%; height: 100%; }
.marks { position: static; height: .4rem; margin-top: 3px; }
.bars .grid { stroke: var(--line); vector-effect: non-scaling-stroke; }
.tick { position: absolute; right: calc(100% + .6rem); transform: translateY(-50%); font-size: .74rem; line-height: 1; color: var(--soft); font-variant-numeric: tabular-nums; }
.three svg { width: 100%; font: 11px system-ui, -apple-system, "Liberation Sans", Arial, sans-serif; }
.chart .grid { stroke: var(--line); } .chart .axis { stroke: var(--soft); } .chart text { fill: var(--soft); }
.chart .positive { fill: var(--positive); } .chart .negative { fill: var(--negative); } .chart .mark { fill: var(--warn); }
.c0 { stroke: var(--red); fill: var(--red); } .c1 { stroke: var(--green); fill: var(--green); } .c2 { stroke: var(--blue); fill: var(--blue); }
.chart .line { fill: none; stroke-width: 1.3; } .chart .area { stroke: none; fill-opacity: .13; }
.three { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 17rem), 1fr)); gap: 1.2rem 2rem; }
.keys { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; margin: .8rem 0 0; padding: 0; list-style: none; font-size: .86rem; color: var(--soft); }
.keys i { display: inline-block; width: .75em; height: .75em; border-radius: 2px; margin-right: .45em; background: currentColor; }
.k-positive { color: var(--positive); } .k-negative { color: var(--negative); } .k-mark { color: var(--warn); }
.k0 { color: var(--red); } .k1 { color: var(--green); } .k2 { color: var(--blue); }
.keys span { color: var(--soft); }
.means { display: flex; flex-wrap: wrap; gap: 1rem; margin-top: 1rem; }
.means figure { width: min(12rem, 41vw); }
.means img { width: 100%; image-rendering: pixelated; border-radius: 2px; }
.note { color: var(--soft); }
.empty { border: 1px dashed var(--line); border-radius: 6px; padding: 1rem 1.2rem; color: var(--soft); margin: 1.2rem 0 0; max-width: 68ch; }
.findings { list-style: none; margin: .8rem 0 0; padding: 0; max-width: 75ch; }
.findings li { padding: .1rem 0 .1rem .9rem; border-left: 3px solid var(--line); margin-bottom: .55rem; font-size: .94rem; overflow-wrap: anywhere; }
.findings .warning { border-color: var(--warn); } .findings .error { border-color: var(--bad); } .findings .info { border-color: var(--accent); }
pre code { font-size: .84em; }
pre { background: var(--wash); border-radius: 6px; padding: .9rem 1.1rem; overflow-x: auto; line-height: 1.5; margin: .6rem 0; }
details { margin: .6rem 0 0; font-size: .9rem; } summary { cursor: pointer; color: var(--accent); padding: .3rem 0; width: fit-content; }
.loading { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 27rem), 1fr)); gap: 0 2.5rem; }
.loading > * { min-width: 0; } .loading pre { font-size: .92em; }`;

const PAPER = `
@media print {
  :root { --paper: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #ccc; --wash: #f4f4f4; --accent: #46307a; --positive: #a82a63; --negative: #44708a; --good: #17653f; --good-wash: #fff; --bad: #9c1f1f; --bad-wash: #fff; --warn: #7a4b00; --warn-wash: #fff; --red: #b5332a; --green: #27753f; --blue: #2a58a6; color-scheme: light; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { font-size: 10pt; }
  @page { margin: 16mm 14mm; }
  nav, .skip, details { display: none; }
  details.print { display: block; } details.print::details-content { content-visibility: visible; } details.print summary { list-style: none; color: inherit; }
  .page { max-width: none; padding: 0; }
  .top { padding-top: 0; }
  h2, h3, caption { break-after: avoid; }
  figure, tr, pre, .figures, .findings li, .maps li, .sheet li { break-inside: avoid; }
  .scroll { overflow: visible; }
  pre { white-space: pre-wrap; border: 1px solid var(--line); }
  .sheet { grid-template-columns: repeat(8, 1fr); }
  .maps { grid-template-columns: repeat(7, 1fr); }
  .loading { display: block; }
}`;

export const STYLE = [COLOURS, TEXT, LAYOUT, TABLES, PICTURES, PAPER]
  .join('\n')
  .replace(/\n\s*/g, '\n')
  .trim();
