// embed.mjs DIST OUT.c: writes the built console as a C file that takes the bytes in by .incbin
// and lists them in the table of src/api/console_files.h. Beside OUT.c the files are copied, so
// that the next build of DIST does not change what this one compiles.
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { extname, join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';

const BUDGET_BYTES = 100_000; // all files together, gzipped: the first visit over a slow line
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

const [dist, out] = process.argv.slice(2);
const copies = resolve(out) + '.d';
rmSync(copies, { recursive: true, force: true });
mkdirSync(copies, { recursive: true });
cpSync(dist, copies, { recursive: true });

let gzipped = 0;
const files = readdirSync(copies)
  .sort()
  .map((name, i) => {
    const bytes = readFileSync(join(copies, name));
    const type = TYPES[extname(name)];
    if (!type) throw new Error(`${name}: no content type is known for this ending`);
    gzipped += gzipSync(bytes).length;
    const etag = createHash('sha256').update(bytes).digest('hex').slice(0, 32);
    return { name, type, etag, len: bytes.length, symbol: `console_file_${i}` };
  });
if (gzipped > BUDGET_BYTES) throw new Error(`the console is ${gzipped} bytes gzipped, more than ${BUDGET_BYTES}`);

const text = JSON.stringify; // a C string literal, for the plain ASCII used here
const blob = f => `__asm__(".section .rodata\\n"
        ".balign 16\\n"
        ".global ${f.symbol}\\n"
        "${f.symbol}:\\n"
        ".incbin " ${text(text(join(copies, f.name)))} "\\n"
        ".previous\\n");
extern const unsigned char ${f.symbol}[];
`;
const row = f =>
  `    {${text('/' + f.name)}, ${text(f.type)}, ${f.symbol}, ${f.len}, ${text(`"${f.etag}"`)}},\n`;
writeFileSync(
  out,
  `/* Written by web/embed.mjs. */
#include "api/console_files.h"

${files.map(blob).join('')}
const struct console_file console_files[] = {
${files.map(row).join('')}};
const size_t console_files_n = ${files.length};
`,
);
