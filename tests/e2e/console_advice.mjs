// What the console says of a host and does about it: the parts of a host's page, findings and what
// becomes of them, audits, About, imports. Run by console_advice.py.
import { readFileSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { context, end, expect, open, page, query, signIn, test, text, told, until, walk } from './browser.mjs';

const { RULE_FILE, REDIS } = process.env;
await context.grantPermissions(['clipboard-read', 'clipboard-write']);
await signIn();
const tab = (host, name) => open(`/host?host=${host}&tab=${name}`);
const seen = selector => page.locator(selector).first().waitFor({ timeout: 10_000 });
const n = selector => page.locator(selector).count();
const api = (method, path, body) =>
  page.evaluate(
    async ([m, p, b]) => {
      const headers = { 'Content-Type': 'application/json' };
      const answer = await fetch('api/galen/v1/' + p, { method: m, headers, ...(b ? { body: JSON.stringify(b) } : {}) });
      return answer.status === 204 ? null : answer.json();
    },
    [method, path, body],
  );

// ---- the agent ----

await test('the agent tells what it has applied', async () => {
  await tab('myhost', 'agent');
  await seen('[data-link=applied]');
  await seen('[data-field=collectors_off] label:has-text("stat")');
  return expect(/defaults/.test(await text('.applied')), await text('.applied'));
});

await test('a preset fills the form, and the agent applies it', async () => {
  await page.click('[data-preset=realtime]');
  const filled = await page.inputValue('input[name=collect_s]');
  await page.click('text=Save and apply');
  await seen('[data-link=applied][data-applied="1"]');
  const { link } = await api('GET', `hosts/${(await api('GET', 'hosts')).hosts.find(h => h.name === 'myhost').id}/settings`);
  return expect(filled === '1' && link.effective.collect_s === 1 && link.effective.display_s === 0.1, link.effective);
});

await test('a value out of range is refused at its field, nothing else is lost', async () => {
  await page.fill('input[name=collect_s]', '999');
  await page.fill('input[name=processes_top]', '7');
  await page.click('text=Save and apply');
  await seen('[data-field=collect_s] .error');
  const said = await text('[data-field=collect_s] .error');
  const kept = await page.inputValue('input[name=processes_top]');
  await page.fill('input[name=collect_s]', 'x');
  await page.click('text=Save and apply');
  const typed = await text('[data-field=collect_s] .error');
  await page.click('text=Drop the changes');
  return expect(/0.5 to 300/.test(said) && kept === '7' && typed === 'must be a number', [said, kept, typed]);
});

await test('who was slower is told that somebody changed them, and loads them again', async () => {
  const id = (await api('GET', 'hosts')).hosts.find(h => h.name === 'myhost').id;
  await page.fill('input[name=processes_top]', '9');
  await api('PUT', `hosts/${id}/settings`, { collect_s: 2, collectors_off: ['nic'] });
  await seen('.notice');
  const said = await text('.notice');
  await page.click('text=Load them again');
  const now = [await page.inputValue('input[name=collect_s]'), await page.inputValue('input[name=processes_top]')];
  const off = await page.isChecked('[data-field=collectors_off] label:has-text("nic") input');
  await seen('[data-link=applied][data-applied="2"]');
  return expect(/admin.* changed these settings/.test(said) && now.join() === '2,5' && !off, [said, now, off]);
});

await test('a collector is switched on again', async () => {
  await page.click('[data-field=collectors_off] label:has-text("nic")');
  await page.click('text=Save and apply');
  await seen('[data-link=applied][data-applied="3"]');
});

await test('what the agent cannot do is shown as refused, with the reason', async () => {
  const id = (await api('GET', 'hosts')).hosts.find(h => h.name === 'myhost').id;
  await api('PUT', `hosts/${id}/settings`, { collectors_off: ['nonsense'] });
  await seen('[data-link=refused]');
  const said = await text('.applied');
  await api('PUT', `hosts/${id}/settings`, {});
  return expect(/nonsense/.test(said), said);
});

await test('what the host itself fixes cannot be chosen', async () => {
  await tab('mq-01', 'agent');
  await seen('[data-field=collect_s] .chip');
  const held = await page.isDisabled('input[name=collect_s]');
  const free = await page.isDisabled('input[name=display_s]');
  return expect(held && !free && (await page.inputValue('input[name=collect_s]')) === '1', [held, free]);
});

await test('a viewer sees the settings and cannot change them', async () => {
  const asViewer = async r => {
    const answer = await r.fetch();
    await r.fulfill({ response: answer, json: { ...(await answer.json()), role: 'viewer' } });
  };
  await page.route('**/api/galen/v1/session', asViewer);
  await tab('myhost', 'agent');
  await seen('form.agent');
  const words = await text('form.agent');
  const buttons = await n('form.agent button[type=submit]');
  await page.unroute('**/api/galen/v1/session', asViewer);
  return expect(/Only operators/.test(words) && buttons === 0, [buttons, words]);
});

// ---- the machine ----

await test('processes: largest by CPU, memory, I/O and descriptors', async () => {
  await tab('myhost', 'processes');
  await page.click('text=Take one now');
  await seen('table.processes [data-row]');
  const orders = {};
  for (const order of ['CPU', 'Memory', 'I/O', 'Descriptors']) {
    await page.click(`.segments label:has-text("${order}")`);
    // rates of I/O need two looks: before the second this order says so
    orders[query('by') ?? 'cpu'] = (await n('table.processes [data-row]')) || (await n('.face:has-text("needs two looks")'));
  }
  return expect(Object.values(orders).length === 4 && Object.values(orders).every(r => r > 0), orders);
});

await test('processes at a moment of the past: a click on the chart, or a minute earlier', async () => {
  await page.waitForSelector('[data-chart=cpu-live] .key', { timeout: 10_000 });
  const over = page.locator('[data-chart=cpu-live] .u-over');
  const { width } = await over.boundingBox();
  await over.click({ position: { x: width - 2, y: 40 } });
  await until(() => query('at'), 3000);
  const picked = Number(query('at'));
  await until(async () => (await n('[data-snapshot]')) || (await n('.face')), 5000);
  const shown = (await n('[data-snapshot]')) ? Number(await page.getAttribute('[data-snapshot]', 'data-snapshot')) : 0;
  await open(`/host?host=myhost&tab=processes&at=1000`);
  await seen('.face:has-text("No snapshot from")');
  return expect(Math.abs(picked - Date.now()) < 60_000 && shown <= picked, [picked, shown]);
});

await test('services have a state with its reason', async () => {
  await tab('myhost', 'services');
  if (!REDIS) return expect(await until(async () => (await n('.face')) || (await n('[data-service]')), 5000), 'nothing');
  await seen('[data-service=redis][data-health=healthy]');
  await page.click('.chips button:has-text("Healthy")');
  return expect(query('health') === 'healthy' && /running/.test(await text('[data-service=redis]')), await text('[data-service=redis]'));
});

await test('the inventory names kernel, memory and file systems', async () => {
  await tab('myhost', 'inventory');
  await seen('.inventory');
  const words = await text('.inventory');
  return expect(words.includes(release()) && /Memory/.test(words) && /File systems/.test(words), words.slice(0, 500));
});

if (REDIS)
  await test('a profile judges what runs here, on the screen and on paper', async () => {
    await tab('myhost', 'profiles');
    await seen('[data-profile=redis] tr[data-result]');
    const results = await page.locator('[data-profile=redis] tr[data-result]').evaluateAll(all => all.map(r => r.dataset.result));
    await page.emulateMedia({ media: 'print' });
    const paper = [await page.isVisible('nav'), await page.isVisible('[data-profile=redis]')];
    await page.emulateMedia({ media: 'screen' });
    await open('/advice?view=audits');
    await seen('tr[data-row=myhost] .tallies li');
    return expect(results.length > 1 && !paper[0] && paper[1], [results, paper]);
  });

// ---- findings ----

await test('the card shows the evidence with its threshold, and what to copy', async () => {
  await open('/host?host=mq-01');
  await seen('[data-rule=TC1] [data-acts]');
  const words = await text('[data-rule=TC1]');
  await page.click('[data-rule=TC1] [data-copy=Command]');
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  return expect(/threshold 1/.test(words) && /^sysctl -w net.core.somaxconn=/.test(copied), [copied, words]);
});

await test('a finding is judged useful, and that is kept', async () => {
  await page.click('[data-rule=TC1] button:has-text("Useful")');
  await seen('[data-rule=TC1] button[aria-pressed=true]:has-text("Useful")');
});

await test('Advice lists every finding by state; filters live in the address', async () => {
  await page.click('nav a[title=Advice]');
  await seen('tr[data-finding=TC1]');
  await page.selectOption('.filters label:has-text("Host") select', 'mq-01');
  await until(async () => (await n('table.findings [data-row]')) === 1, 3000);
  const mine = await text('table.findings [data-row]');
  await page.selectOption('.filters label:has-text("Recommendation") select', 'upgrade');
  await seen('table.findings ~ .face');
  await page.goBack();
  return expect(/mq-01/.test(mine) && /useful/.test(mine) && query('host') === 'mq-01' && query('class') === null, [mine, page.url()]);
});

await test('a row opens its card; dismissing asks first, and can be taken back', async () => {
  await page.click('tr[data-finding=TC1] a.fold');
  await seen('.opened [data-rule=TC1] .chart .key');
  await page.click('.opened button:has-text("Dismiss")');
  await page.click('dialog button:has-text("Keep")');
  const still = await n('tr[data-state=open]');
  await page.click('.opened button:has-text("Dismiss")');
  await page.click('dialog button.danger');
  await told('Dismissed');
  await page.click('[data-count=dismissed]');
  await seen('tr[data-state=dismissed]');
  await page.click('tr[data-state=dismissed] a.fold');
  await page.click('.opened button:has-text("Let it speak again")');
  await told('speak again');
  return expect(still === 1, still);
});

// ---- what came of changes ----

await test('a change that did harm is loud on the charts, and the line back is there', async () => {
  await open('/host?host=harmed-1');
  await page.waitForSelector('[data-chart=cpu] .mark[data-verdict], .changes li[data-verdict]', { timeout: 60_000 });
  await page.waitForSelector('[data-harm="net.core.somaxconn"]', { timeout: 90_000 });
  const line = await text('[data-harm] figure:has([data-copy=Command]) pre');
  await page.locator('[data-chart=pressure]').scrollIntoViewIfNeeded(); // nothing off screen is drawn
  // Harm must show in two windows: the chart has the verdict when it reads the changes again.
  await page.waitForSelector('[data-chart=pressure] .mark[data-verdict=harmed]', { timeout: 60_000 });
  const why = await text('[data-harm]');
  return expect(line === 'sysctl -w net.core.somaxconn=128' && /Since it was changed|somebody waits/.test(why), [line, why]);
});

await test('changes are a table with their verdict and why', async () => {
  await tab('helped-1', 'changes');
  await page.waitForSelector('tr[data-verdict=helped]', { timeout: 30_000 });
  const row = await text('tr[data-verdict=helped]');
  await page.click('tr[data-verdict=helped] a');
  await seen('tr[data-state=helped] + .opened, .opened [data-rule]');
  return expect(/128/.test(row) && /256/.test(row) && /before/i.test(row), row);
});

// ---- About, imports ----

await test('About names versions, the model with its checksum, and the rules', async () => {
  await open('/settings');
  await seen('[data-about=Server]');
  const words = await text('.about');
  return expect(/\d+\.\d+/.test(words) && /sha256 [0-9a-f]{64}|none is loaded/.test(words) && /Rules\s+1 in 1 file/.test(words), words);
});

await test('rules are read again; a fault is named by file and line, and the old ones stay', async () => {
  const good = readFileSync(RULE_FILE, 'utf8');
  writeFileSync(RULE_FILE, good + '- id: BAD\n  klass: increase\n');
  await page.click('text=Reload rules');
  await seen('[data-refused]');
  const said = await text('[data-refused]');
  writeFileSync(RULE_FILE, good);
  await page.click('text=Reload rules');
  await told('1 rules are loaded');
  return expect(/test\.yaml:\d+/.test(said) && /stay/.test(said) && (await n('[data-refused]')) === 0, said);
});

await test('a file is looked at before it is imported, and its bad lines are named', async () => {
  await open('/results');
  await page.click('text=Import metrics');
  const now = Date.now();
  const csv = `timestamp,metric,instance,value\n${now - 2000},shop_orders,shop-1,3\n${now - 1000},shop_orders,shop-1,x\n${now},shop_orders,shop-1,5\n`;
  await page.setInputFiles('dialog input[type=file]', { name: 'orders.csv', mimeType: 'text/csv', buffer: Buffer.from(csv) });
  await page.click('text=Look at the file');
  await seen('[data-bad="1"] tbody tr');
  const bad = await text('[data-bad] tbody tr');
  const before = await page.evaluate(async () => (await fetch('api/v1/query?query=shop_orders')).json());
  await page.click('dialog button.primary');
  await seen('[data-import=done]');
  const done = await text('[data-import=done]');
  const after = await page.evaluate(async () => (await fetch('api/v1/query?query=shop_orders')).json());
  await page.click('dialog footer >> text=Close');
  return expect(
    /^3\s/.test(bad) && before.data.result.length === 0 && /2 samples imported/.test(done) && after.data.result[0].value[1] === '5',
    [bad, before.data, done, after.data],
  );
});

await test('on paper and on the screen no page of a host is without its tab', async () => {
  await open('/host?host=myhost&range=1h');
  await seen('.tabs');
  await page.click('.tabs [data-tab=inventory]');
  await seen('.inventory');
  const kept = [query('tab'), query('range')];
  await page.goBack();
  await seen('[data-chart=cpu]');
  return expect(kept.join() === 'inventory,1h' && query('tab') === null, kept);
});

const PAGES = {
  'host-processes': ['/host?host=myhost&tab=processes', 'table.processes [data-row]'],
  'host-services': ['/host?host=myhost&tab=services', '[data-service], .face'],
  'host-changes': ['/host?host=harmed-1&tab=changes', 'tr[data-verdict]'],
  'host-inventory': ['/host?host=myhost&tab=inventory', '.inventory'],
  'host-profiles': ['/host?host=myhost&tab=profiles', '.audit, .face'],
  'host-agent': ['/host?host=myhost&tab=agent', '[data-field=collectors_off] label'],
  'host-advice': ['/host?host=mq-01', '[data-acts]'],
  'host-harmed': ['/host?host=harmed-1', '[data-harm]'],
  advice: ['/advice?state=all', 'tr[data-state]'],
  audits: ['/advice?view=audits', 'tr[data-row]'],
  about: ['/settings', '[data-about=Server]'],
};
await walk(PAGES, [['light', 360], ['dark', 1280]]);
await end([
  /^401 .*\/session$/,
  /^422 .*\/settings$/, // out of range
  /^400 .*\/rules\/reload$/, // the fault
  /^404 .*\/(processes|services|inventory)$/, // not told yet; none from 1970
]);
