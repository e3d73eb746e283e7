// What the browser tests share: TAP, Chromium and everything it complains about, signing in.
//
//   BASE_URL  USER  PASSWORD   where and who
//   SHOTS                      folder for screenshots (none when unset)
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(new URL('../../web/package.json', import.meta.url));
const { chromium } = require('playwright-core');

export const { BASE_URL, USER, PASSWORD, SHOTS } = process.env;
if (!BASE_URL || !USER || !PASSWORD) {
  console.log('1..0 # SKIP BASE_URL, USER and PASSWORD are not set');
  process.exit(77);
}
if (SHOTS) mkdirSync(SHOTS, { recursive: true });

const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync',
  '--disable-background-networking', '--disable-component-update',
];
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: FLAGS });
export const context = await browser.newContext({
  viewport: { width: 1280, height: 800 },
  colorScheme: 'light',
  acceptDownloads: true,
});
export const page = await context.newPage();

const errors = [];
export const foreign = []; // requests to anyone but the server
const origin = new URL(BASE_URL).origin;
page.on('request', r => {
  if (!r.url().startsWith(origin) && !r.url().startsWith('data:')) foreign.push(r.url());
});
const refused = []; // answers of 4xx and 5xx, as "401 /api/galen/v1/session"
page.on('console', m => {
  if (m.type() === 'error' && !/^Failed to load resource/.test(m.text())) errors.push(m.text());
});
page.on('pageerror', e => errors.push(e.message));
page.on('response', r => {
  if (r.status() >= 400) refused.push(`${r.status()} ${new URL(r.url()).pathname}`);
});
await page.addInitScript(() => {
  addEventListener('securitypolicyviolation', e => console.error(`CSP: ${e.violatedDirective} ${e.blockedURI}`));
});

/** Another visitor, without our cookies. */
export const newContext = () => browser.newContext();

/** What is in the window. */
export const screen = name => SHOTS && page.screenshot({ path: join(SHOTS, name + '.png') });
/** The whole page. */
export const shot = async name => {
  if (!SHOTS) return;
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  const { width, height: seen } = page.viewportSize();
  await page.setViewportSize({ width, height: Math.min(3000, Math.max(seen, height)) });
  await page.screenshot({ path: join(SHOTS, name + '.png') });
  await page.setViewportSize({ width, height: seen });
};

let count = 0;
let failures = 0;
export async function test(name, fn) {
  let why = '';
  try {
    why = (await fn()) ?? '';
  } catch (e) {
    why = (e instanceof Error ? e.message : String(e)).split('\n').slice(0, 6).join('\n#   ');
  }
  console.log(`${why ? 'not ok' : 'ok'} ${++count} - ${name}`);
  if (why) {
    failures++;
    console.log(`#   ${why}`);
    await shot(`failed-${name.replace(/\W+/g, '-')}`);
  }
}
/** Nothing when it holds, else the sentence that says what was found instead. */
export const expect = (holds, found) => (holds ? '' : `found ${JSON.stringify(found)}`);

export async function until(fn, ms, every = 100) {
  const end = Date.now() + ms;
  for (;;) {
    const v = await fn();
    if (v || Date.now() > end) return v;
    await new Promise(r => setTimeout(r, every));
  }
}

export const open = path => page.goto(new URL(path, BASE_URL).href);
export const text = selector => page.locator(selector).first().innerText();
export const query = name => new URL(page.url()).searchParams.get(name);
/** The message at the edge that fits, within 5 s. */
export const told = words => page.locator('.toast', { hasText: words }).first().waitFor({ timeout: 5000 });

export async function signIn() {
  await open('/');
  await page.fill('input[name=user]', USER);
  await page.fill('input[name=password]', PASSWORD);
  await page.click('button[type=submit]');
  await page.waitForSelector('nav', { timeout: 10_000 });
}

const LOOKS = ['light', 'dark'].flatMap(scheme => [360, 1280].map(width => [scheme, width]));

/** Both themes, 360 and 1280 px, or the looks that are named: nothing scrolls sideways. */
export async function walk(pages, looks = LOOKS) {
  for (const [scheme, width] of looks)
    await test(`${Object.keys(pages).join(', ')}: no sideways scroll at ${width} px, ${scheme}`, async () => {
      await page.emulateMedia({ colorScheme: scheme });
      await page.setViewportSize({ width, height: 800 });
      const wide = [];
      for (const [name, [path, sign]] of Object.entries(pages)) {
        await open(path);
        await page.waitForSelector(sign, { timeout: 10_000 });
        await new Promise(r => setTimeout(r, 300));
        const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        if (over > 0) wide.push(`${name} by ${over} px`);
        await shot(`${name}-${width}-${scheme}`);
      }
      return expect(wide.length === 0, wide);
    });
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: 1280, height: 800 });
}

/** The last tests: what the browser complained about. due: patterns of refusals that belong here. */
export async function end(due) {
  await test('no error in the console, no breach of the content security policy', async () => expect(errors.length === 0, errors));
  await test('nothing was refused but what had to be', async () => {
    const undue = refused.filter(r => !due.some(d => d.test(r)));
    return expect(undue.length === 0, undue);
  });
  await browser.close();
  console.log(`1..${count}`);
  process.exit(failures ? 1 : 0);
}
