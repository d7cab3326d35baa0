/** The style of the page: calm colours in light and dark, and on paper. Its hash stands in the page's policy. */

const COLOURS = `
:root {
  color-scheme: light dark;
  --paper: #fcfbf8; --card: #ffffff; --ink: #1d2a33; --soft: #54626d; --line: #dedad0; --link: #17596b;
  --met: #1f6b4f; --met-back: #e4f1ea; --broken: #a32a20; --broken-back: #fae7e3;
  --unknown: #4f5b66; --unknown-back: #eceef0; --partly: #7a5200; --partly-back: #f8eed5;
  --day-0: #eceae4; --day-1: #bfdcd6; --day-2: #7fb8b0; --day-3: #3f8e88; --day-4: #17595c;
  --area: #7fb8b0; --bar: #2f7d79; --limit: #dfe6e2; --accent: #17595c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #12181c; --card: #182025; --ink: #e6ebee; --soft: #a3b1bb; --line: #2c3840; --link: #8accdc;
    --met: #86d1ac; --met-back: #17352a; --broken: #f4a79d; --broken-back: #42201c;
    --unknown: #b4c0c9; --unknown-back: #27323a; --partly: #e8c677; --partly-back: #3a2f14;
    --day-0: #232e35; --day-1: #1f4a49; --day-2: #2c6f6c; --day-3: #4a9c96; --day-4: #8fd6cd;
    --area: #2c6f6c; --bar: #58aaa4; --limit: #27343b; --accent: #8fd6cd;
  }
}`;

const TEXT = `
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif; }
.page { max-width: 66rem; margin: 0 auto; padding: 3rem 1.5rem 4rem; }
h1, h2, h3 { font-family: Charter, "Bitstream Charter", "Iowan Old Style", "Palatino Linotype", "Sitka Text", Cambria, Georgia, serif;
  font-weight: 600; line-height: 1.2; letter-spacing: -0.01em; text-wrap: balance; }
h1 { font-size: clamp(2rem, 4.5vw, 2.9rem); margin: 0 0 0.75rem; }
h2 { font-size: 1.6rem; margin: 3.5rem 0 0.5rem; padding-top: 1.25rem; border-top: 1px solid var(--line); }
h3 { font-size: 1.25rem; margin: 0; min-width: 0; overflow-wrap: anywhere; }
p { margin: 0.4rem 0 0.9rem; max-width: 46rem; text-wrap: pretty; }
a { color: var(--link); text-underline-offset: 0.18em; text-decoration-thickness: 1px; }
a:focus-visible, summary:focus-visible, .wide:focus-visible { outline: 2px solid var(--link); outline-offset: 3px; border-radius: 3px; }
code { font: 0.86em/1.4 ui-monospace, "Cascadia Mono", "Source Code Pro", Menlo, Consolas, "Liberation Mono", monospace; overflow-wrap: anywhere; }
.kicker { margin: 0 0 0.6rem; color: var(--soft); font-size: 0.82rem; letter-spacing: 0.09em; text-transform: uppercase; }
.lede { font-size: 1.08rem; color: var(--soft); }
.soft { color: var(--soft); }
.small { font-size: 0.86rem; }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; top: 1rem; background: var(--card); padding: 0.5rem 1rem; }`;

const PARTS = `
.figures { display: grid; grid-template-columns: repeat(9, 1fr); gap: 1px; margin: 2rem 0 1rem; padding: 0;
  background: var(--line); border: 1px solid var(--line); border-radius: 10px; overflow: hidden; }
.figures div { background: var(--card); padding: 0.9rem 0.85rem 0.8rem; display: flex; flex-direction: column-reverse; justify-content: flex-end; }
.figures dt { color: var(--soft); font-size: 0.84rem; }
.figures dd { margin: 0; font-size: 1.4rem; line-height: 1.2; font-variant-numeric: tabular-nums; letter-spacing: -0.02em; white-space: nowrap; }
.figures .broken dd { color: var(--broken); } .figures .met dd { color: var(--met); }
nav ul { display: flex; flex-wrap: wrap; gap: 0.35rem 1.4rem; list-style: none; margin: 1.2rem 0 0; padding: 0; font-size: 0.93rem; }
.mark { display: inline-block; white-space: nowrap; font-size: 0.8rem; font-weight: 600; line-height: 1; padding: 0.34em 0.7em 0.38em;
  border-radius: 99px; color: var(--unknown); background: var(--unknown-back); }
.mark.met { color: var(--met); background: var(--met-back); }
.mark.broken { color: var(--broken); background: var(--broken-back); }
.mark.partly { color: var(--partly); background: var(--partly-back); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.92rem; margin: 0.8rem 0 1.2rem; }
caption { text-align: left; color: var(--soft); font-size: 0.86rem; padding-bottom: 0.4rem; }
th, td { text-align: left; vertical-align: top; padding: 0.55rem 0.9rem 0.55rem 0; border-bottom: 1px solid var(--line); }
th:last-child, td:last-child { padding-right: 0; }
thead th { font-size: 0.78rem; font-weight: 600; color: var(--soft); vertical-align: bottom; }
tbody th { font-weight: 600; min-width: 7rem; overflow-wrap: anywhere; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
th.number, .snapshots :is(th, td):nth-child(n+2):nth-child(-n+4) { text-align: right; font-variant-numeric: tabular-nums; }
.snapshots :is(th, td) { padding-top: 0.22rem; padding-bottom: 0.22rem; }
time { font-variant-numeric: tabular-nums; white-space: nowrap; }
.promise p { margin: 0.15rem 0 0.25rem; }
details { margin: 0.3rem 0; }
summary { cursor: pointer; color: var(--link); font-size: 0.88rem; width: fit-content; max-width: 100%; overflow-wrap: anywhere; }
.findings { list-style: none; margin: 0.5rem 0 0; padding: 0; font-size: 0.88rem; }
.findings li { padding: 0.28rem 0; display: grid; grid-template-columns: 7.6rem 1fr; gap: 0.8rem; align-items: baseline; overflow-wrap: anywhere; }
.set { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 1.3rem 1.5rem 1.1rem; margin: 1.2rem 0; }
.set > header { display: flex; flex-wrap: wrap; gap: 0.3rem 0.9rem; align-items: baseline; }
.set > p { margin: 0.3rem 0 0.9rem; color: var(--soft); font-size: 0.92rem; max-width: none; }
.charts { display: grid; grid-template-columns: minmax(15rem, 5fr) minmax(17rem, 7fr); gap: 0.6rem 2.2rem; align-items: start; }
.charts.even { grid-template-columns: 1fr 1fr; }
figure { margin: 0; min-width: 0; }
th .soft { font-weight: 400; }
.charts > div > figure + figure { margin-top: 0.7rem; }
.charts + .charts { margin-top: 1rem; }
figcaption { font-size: 0.84rem; color: var(--soft); margin-bottom: 0.3rem; }
.plot { display: block; height: auto; max-width: 100%; font: 10px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif; }
.plot text, .plot tspan { white-space: pre; font-variant-numeric: tabular-nums; }
.key { display: flex; flex-wrap: wrap; gap: 0.2rem 1rem; list-style: none; margin: 0.3rem 0 0; padding: 0; font-size: 0.78rem; color: var(--soft); }
.key svg { width: 0.8em; height: 0.8em; margin-right: 0.4em; vertical-align: -0.05em; }
footer { margin-top: 3.5rem; padding-top: 1.2rem; border-top: 1px solid var(--line); color: var(--soft); font-size: 0.86rem; }
@media (max-width: 62rem) { .figures { grid-template-columns: repeat(3, 1fr); } }
@media (max-width: 46rem) { .charts, .charts.even { grid-template-columns: 1fr; } .findings li { grid-template-columns: 1fr; gap: 0.2rem; } .page { padding: 2rem 1rem; } .figures { grid-template-columns: repeat(3, 1fr); } }`;

const PAPER = `
@media print {
  :root { color-scheme: light; --paper: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #bbb; --link: #000;
    --met: #1f6b4f; --met-back: #fff; --broken: #a32a20; --broken-back: #fff; --unknown: #444; --unknown-back: #fff; --partly: #7a5200; --partly-back: #fff;
    --day-0: #eceae4; --day-1: #bfdcd6; --day-2: #7fb8b0; --day-3: #3f8e88; --day-4: #17595c; --area: #7fb8b0; --bar: #2f7d79; --limit: #dfe6e2; --accent: #17595c; }
  @page { size: A4; margin: 16mm 14mm 18mm; }
  html { font-size: 9pt; }
  body { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .page { max-width: none; padding: 0; }
  nav, .skip, details:not([open]) { display: none; }
  .mark { border: 1px solid currentcolor; padding: 0.2em 0.6em 0.25em; }
  h2 { margin-top: 1.6rem; break-after: avoid; }
  h3, thead { break-after: avoid; }
  .set, tr, figure, .figures { break-inside: avoid; }
  .wide { overflow: visible; }
  .figures { grid-template-columns: repeat(9, 1fr); }
  .charts { grid-template-columns: 5fr 7fr; }
}`;

export const STYLE = `${COLOURS}${TEXT}${PARTS}${PAPER}\n`;
