// The page Data: totals, sorting, export, clean-up, check, backups, deletion of a host. Run by
// console_pages.py against a server that holds a host "old-1" with samples from days ago.
import { readFileSync } from 'node:fs';
import { end, expect, open, page, query, signIn, test, text, told, until, walk } from './browser.mjs';

await signIn();
const row = host => page.locator(`table.storage [data-row="${host}"]`);
const part = name => page.locator(`[data-part="${name}"]`);

await test('Data is a page: totals and every host', async () => {
  await page.click('nav a[title=Data]');
  await row('old-1').waitFor({ timeout: 10_000 });
  const samples = Number(await page.getAttribute('[data-samples]', 'data-samples'));
  return expect(samples > 0 && (await row('myhost').count()) === 1, samples);
});

await test('a column head sorts, and the address holds it', async () => {
  const first = () => page.locator('table.storage [data-row]').first().getAttribute('data-row');
  await page.click('table.storage th:has-text("Host") button');
  const up = await first();
  await page.click('table.storage th:has-text("Host") button');
  await until(async () => (await first()) !== up, 2000);
  return expect(up === 'myhost' && (await first()) !== 'myhost' && query('sort') === '-host', [up, await first(), page.url()]);
});

await test('a wrong selector is refused in words', async () => {
  await part('export').locator('input[name=match]').fill('node_load1{');
  await part('export').locator('.error').waitFor({ timeout: 5000 });
  const said = await part('export').locator('.error').innerText();
  return expect(said.length > 10, said);
});

for (const [format, begin] of [
  ['csv', /^[^\n]*(time|name|,)/i],
  ['json', /^\{/],
  ['openmetrics', /^# TYPE /],
])
  await test(`a selector is exported as ${format}`, async () => {
    await open(`/data?match=galen_test_gauge&span=7d&format=${format}`);
    await part('export').locator('[data-series="1"]').waitFor({ timeout: 5000 });
    const [download] = await Promise.all([page.waitForEvent('download'), part('export').locator('a.button').click()]);
    const got = readFileSync(await download.path(), 'utf8');
    return expect(begin.test(got) && got.includes('galen_test_gauge'), got.slice(0, 200));
  });

await test('the check reads every block and says so', async () => {
  await part('check').locator('button').click();
  await part('check').locator('[data-ok]').waitFor({ timeout: 15_000 });
  const said = await part('check').innerText();
  return expect(/The data is whole/.test(said) && /\d samples in \d+ blocks/.test(said), said);
});

await test('a backup is made, listed, downloaded and deleted', async () => {
  await part('backups').locator('button:has-text("Make a backup")').click();
  await part('backups').locator('[data-backup]').waitFor({ timeout: 15_000 });
  const [download] = await Promise.all([page.waitForEvent('download'), part('backups').locator('a.button').click()]);
  const tar = readFileSync(await download.path());
  await part('backups').locator('button[title=Delete]').click();
  await page.click('dialog button.danger');
  const gone = await until(async () => (await part('backups').locator('[data-backup]').count()) === 0, 5000);
  return expect(tar.includes('server_analysis.db') && tar.includes('galen-backup.json') && gone, tar.length);
});

await test('a clean-up says what goes, and it goes', async () => {
  const samples = async () => Number((await row('old-1').locator('[data-label=Samples]').innerText()).replace(/,/g, ''));
  const before = await samples();
  const month = await part('clean-up').locator('button:has-text("a month")').isDisabled();
  await part('clean-up').locator('button:has-text("a day")').click();
  const said = await text('dialog p');
  await page.click('dialog button.danger');
  await told(/samples are gone/);
  const fewer = await until(async () => (await row('old-1').count()) === 0 || (await samples()) < before, 5000);
  return expect(month && /of 1 host go for good/.test(said) && fewer, [month, said, before]);
});

await test('a host goes with its data once its name is typed', async () => {
  await row('old-1').locator('button[title=Delete]').click();
  const yes = page.locator('dialog button.danger');
  const locked = await yes.isDisabled();
  await page.fill('dialog input[name=confirm]', 'old-');
  const still = await yes.isDisabled();
  await page.fill('dialog input[name=confirm]', 'old-1');
  await yes.click();
  await told(/old-1 and its data are deleted/);
  // samples of its alerts may follow; the host itself is gone
  const gone = await until(async () => (await row('old-1').locator('button[title=Delete]').count()) === 0, 5000);
  return expect(locked && still && gone, [locked, still, gone]);
});

await walk({ data: ['/data', 'table.storage [data-row]'] });
await end([/^401 .*\/session$/, /^400 \/api\/v1\/series$/]);
