// What somebody sees who may only look: each page, without an act that is not his, and a sentence
// that says whose it is; what the API refuses is said in words. Run by console_pages.py.
import { end, expect, open, page, signIn, test, text, walk } from './browser.mjs';

await signIn();

const PAGES = {
  'viewer-fleet': ['/', 'table.fleet [data-row]'],
  'viewer-advice': ['/advice', '.face, tr[data-state]'],
  'viewer-alerts': ['/alerts', '.forbidden'],
  'viewer-rules': ['/alerts?tab=rules', '[data-rule]'],
  'viewer-channels': ['/alerts?tab=channels', '.forbidden'],
  'viewer-routes': ['/alerts?tab=routes', '[data-route]'],
  'viewer-silences': ['/alerts?tab=silences', '.forbidden'],
  'viewer-data': ['/data', '.forbidden'],
  'viewer-settings': ['/settings', 'h1'],
};
// Words of acts that change something for others.
const ACTS = /^(Acknowledge|Silence\b.*|Resolve|Change|Edit|Add\b.*|Delete.*|End|Send a test|Import metrics|Make\b.*|Reload rules|Take one now|Dismiss.*|Stop analysis|Start analysis)$/;

for (const [name, [path, sign]] of Object.entries(PAGES))
  await test(`${name}: no act that is not his`, async () => {
    await open(path);
    await page.waitForSelector(sign, { timeout: 10_000 });
    await new Promise(r => setTimeout(r, 300));
    const words = await page.locator('#page button:visible, #page a.button:visible').allInnerTexts();
    const acts = words.map(w => w.trim()).filter(w => ACTS.test(w));
    return expect(acts.length === 0, acts);
  });

await test('the page says whose act it is', async () => {
  await open('/alerts');
  const said = await text('.forbidden');
  return expect(/Only operators may acknowledge, silence or resolve alerts/.test(said), said);
});

await test('the API refuses it as well, with a sentence', async () => {
  const asked = [
    ['POST', 'silences', { matchers: ['a="b"'], ends_ms: 1 }],
    ['PUT', 'routes', {}],
    ['PUT', 'alert-rules/DiskSpaceLow', { value: 1 }],
    ['POST', 'rule-files', { name: 'a', text: 'groups: []' }],
    ['GET', 'channels', null],
    ['POST', 'join-tokens', {}],
    ['POST', 'rules/reload', {}],
  ];
  const got = await page.evaluate(
    list =>
      Promise.all(
        list.map(async ([method, path, body]) => {
          const a = await fetch('api/galen/v1/' + path, {
            method,
            headers: { 'Content-Type': 'application/json' },
            body: body && JSON.stringify(body),
          });
          return [path, a.status, (await a.json()).detail];
        }),
      ),
    asked,
  );
  return expect(got.every(([, status, detail]) => status === 403 && / may|role|admin|operator/.test(detail)), got);
});

await walk(PAGES, [['dark', 360]]);
await end([/^401 .*\/session$/, /^403 /]);
