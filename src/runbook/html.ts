/** The runbook as one HTML file that prints well: no script, nothing from elsewhere (a strict content security policy). */
import { hash } from 'node:crypto';
import { Marked } from 'marked';

/**
 * Makes the page.
 * @param markdown - as `runbookMarkdown` writes it
 */
export function runbookHtml(markdown: string): string {
  // HTML in a name or a path is text.
  const renderer = new Marked({ renderer: { html: ({ text }) => escaped(text) } });
  const body = renderer.parse(markdown, { async: false, gfm: true });
  const policy = `default-src 'none'; style-src 'sha256-${hash('sha256', STYLE, 'base64')}'`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>Runbook: getting the data back</title>
<style>${STYLE}</style>
</head>
<body><main>
${body}</main></body>
</html>
`;
}

const STYLE = `
:root { color-scheme: light dark; }
body { font: 11pt/1.45 system-ui, sans-serif; margin: 0; }
main { max-width: 48rem; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.6em; line-height: 1.2; margin: 0 0 .5em; }
h2 { font-size: 1.15em; margin: 1.6em 0 .4em; border-bottom: 1px solid; padding-bottom: .15em; }
pre { font: .85em/1.4 ui-monospace, monospace; border: 1px solid; border-radius: .3em; padding: .6em .8em; white-space: pre-wrap; overflow-wrap: anywhere; }
code { font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; font-size: .9em; }
th, td { text-align: left; vertical-align: top; border: 1px solid; padding: .3em .5em; }
@page { margin: 15mm; }
@media print {
  body { font-size: 9.5pt; }
  main { max-width: none; padding: 0; }
  h2 { break-after: avoid; }
  pre, table, li { break-inside: avoid; }
}
`;

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
