// The page Alerts: a rule changed in the form fires, is acknowledged, silenced, resolved; rule
// files, channels with a test to a receiver, routes. Run by console_pages.py.
//
//   RECEIVER   address of a webhook that takes everything
import { context, end, expect, open, page, query, shot, signIn, test, text, told, until, walk } from './browser.mjs';

const { RECEIVER } = process.env;
const RULE = 'MemoryUsageHigh';
await signIn();
const rule = page.locator(`[data-rule="${RULE}"]`);
const alert = page.locator(`[data-alert="${RULE}"]`);
const submit = () => page.click('dialog button[type=submit]');
const closed = () => until(async () => (await page.locator('dialog').count()) === 0, 5000);

await test('Alerts is a page; nothing asks for notifications by itself', async () => {
  await page.click('nav a[title=Alerts]');
  await page.waitForSelector('.subnav', { timeout: 5000 });
  const asked = await page.evaluate(() => Notification.permission);
  return expect(asked !== 'granted' && query('tab') === null, asked);
});

await test('a channel is added; its secret is not shown again', async () => {
  await page.click('.subnav a:has-text("Channels")');
  await page.click('text=Add a channel');
  await page.selectOption('dialog select[name=kind]', 'webhook');
  await page.fill('dialog input[name=name]', 'ops');
  await page.fill('dialog input[name=url]', RECEIVER + '/secret-path');
  await page.fill('dialog input[name=secret]', 'very secret');
  await submit();
  await page.waitForSelector('[data-channel=ops]', { timeout: 5000 });
  await closed();
  await page.click('[data-channel=ops] button:has-text("Edit")');
  const shown = await page.locator('dialog').evaluate(d => [...d.querySelectorAll('input')].map(i => i.value).join(' ') + d.textContent);
  await page.fill('dialog input[name=name]', 'ops-team');
  await submit();
  await page.waitForSelector('[data-channel=ops-team]', { timeout: 5000 });
  await closed();
  return expect(!/secret-path|very secret/.test(shown), shown);
});

await test('a test goes to the receiver', async () => {
  await page.click('[data-channel=ops-team] button:has-text("Send a test")');
  await page.waitForSelector('[data-sent]', { timeout: 15_000 });
  const got = await (await fetch(RECEIVER + '/received')).json();
  return expect((await page.getAttribute('[data-sent]', 'data-sent')) === 'true' && got.length === 1 && got[0].path === '/secret-path', [
    await text('[data-sent]'), got,
  ]);
});

await test('a channel that is off says so', async () => {
  await page.click('[data-channel=ops-team] button:has-text("Switch off")');
  await page.waitForSelector('[data-channel=ops-team][data-enabled=false]', { timeout: 5000 });
  await page.click('[data-channel=ops-team] button:has-text("Switch on")');
  await page.waitForSelector('[data-channel=ops-team][data-enabled=true]', { timeout: 5000 });
});

await test('a channel with a wrong address is refused in words', async () => {
  await page.click('text=Add a channel');
  await page.selectOption('dialog select[name=kind]', 'slack');
  await page.fill('dialog input[name=name]', 'wrong');
  await page.fill('dialog input[name=url]', 'no address');
  await submit();
  const said = await until(() => text('dialog .error'), 5000);
  await page.click('dialog button:has-text("Cancel")');
  return expect(said.length > 10 && (await closed()), said);
});

await test('routes: one with office hours is added; a daily summary is set', async () => {
  await page.click('.subnav a:has-text("Routes")');
  await page.click('text=Add a route');
  await page.fill('dialog input[name=name]', 'office');
  await page.fill('dialog textarea[name=matchers]', 'severity="info"');
  await page.fill('dialog input[name=channels]', 'ops-team');
  await page.check('dialog input[name=office]');
  await submit();
  await page.waitForSelector('[data-route=office]', { timeout: 5000 });
  await closed();
  const said = await text('[data-route=office]');
  await page.check('[data-part=summary] input[name=summary]');
  await page.fill('[data-part=summary] input[name=at]', '07:30');
  await page.click('[data-part=summary] button[type=submit]');
  await told(/Routes saved/);
  await page.reload();
  await page.waitForSelector('[data-part=summary] input[name=at]', { timeout: 5000 });
  const at = await page.inputValue('[data-part=summary] input[name=at]');
  return expect(/mon, tue.*08:00 to 18:00/.test(said) && at === '07:30', [said, at]);
});

// What a browser was asked to show, over reloads: a headless one shows nothing itself.
await page.addInitScript(() => {
  const shown = JSON.parse(sessionStorage.getItem('shown') ?? '[]');
  const Real = globalThis.Notification;
  globalThis.Notification = class extends Real {
    constructor(title, options) {
      super(title, options);
      shown.push([title, options.body]);
      sessionStorage.setItem('shown', JSON.stringify(shown));
    }
  };
});

await test('a person allows this browser to show notifications, and a channel leads here', async () => {
  await context.grantPermissions(['notifications']);
  await open('/alerts?tab=channels');
  await page.click('text=Add a channel');
  await page.selectOption('dialog select[name=kind]', 'browser');
  await page.fill('dialog input[name=name]', 'here');
  await submit();
  await page.waitForSelector('[data-channel=here]', { timeout: 5000 });
  await closed();
  await page.click('[data-part=this-browser] button');
  const said = await until(async () => /shows notifications/.test(await text('[data-part=this-browser]')), 3000);
  // at once, not after 30 s
  const put = await page.evaluate(async () => {
    const { routes } = await (await fetch('api/galen/v1/routes')).json();
    const quick = { ...routes, group_wait: '1s', group_interval: '2s', channels: ['here'] };
    return (await fetch('api/galen/v1/routes', { method: 'PUT', body: JSON.stringify(quick) })).status;
  });
  return expect(said && put === 200, [said, put]);
});

await test('a rule shows its PromQL', async () => {
  await page.click('.subnav a:has-text("Rules")');
  await rule.waitFor({ timeout: 5000 });
  await rule.locator('.fold').click();
  const said = await rule.locator('pre').innerText();
  return expect(/node_memory_MemAvailable_bytes/.test(said) && query('open') === RULE, said);
});

await test('a threshold is lowered in the form, for one host', async () => {
  await rule.locator('[data-level=critical] button').click();
  await page.selectOption('dialog select[name=instance]', 'myhost');
  await page.fill('dialog input[name=value]', '1');
  await page.fill('dialog input[name=clear]', '0.5');
  await page.fill('dialog input[name=for]', '0s');
  await submit();
  await rule.locator('[data-override=myhost]').waitFor({ timeout: 5000 });
  await closed();
  const said = await rule.locator('[data-override=myhost]').innerText();
  return expect(/critical, myhost: fires at 1/.test(said), said);
});

await test('its alert fires: on the page, in the navigation, on the host and its row', async () => {
  await page.click('nav a[title=Alerts]');
  await until(async () => (await alert.count()) > 0 && (await alert.first().getAttribute('data-state')) === 'firing', 30_000);
  const badge = await until(() => page.locator('nav [data-firing]').count(), 3000);
  await open('/host?host=myhost');
  await page.waitForSelector('[data-alerts]', { timeout: 20_000 });
  await open('/');
  await page.waitForSelector('table.fleet [data-alerts]', { timeout: 20_000 });
  await shot('fleet-with-alerts');
  await page.click('table.fleet [data-alerts]');
  await alert.first().waitFor({ timeout: 5000 });
  return expect(badge && query('host') === 'myhost', [badge, page.url()]);
});

await test('filters of state and severity stand in the address', async () => {
  await page.selectOption('select[name=severity]', 'critical');
  const shown = () => page.locator('[data-alert]').count();
  const critical = () => page.locator('[data-alert] .badge', { hasText: 'Critical' }).count();
  const others = await until(async () => (await shown()) === (await critical()), 3000);
  const held = query('severity');
  await page.goBack();
  await open('/alerts?host=nobody');
  await page.click('text=Drop the filters');
  await alert.first().waitFor({ timeout: 3000 });
  return expect(others && held === 'critical' && query('host') === null, [others, held, page.url()]);
});

await test('the browser shows that it fires', async () => {
  const shown = async () => JSON.parse((await page.evaluate(() => sessionStorage.getItem('shown'))) ?? '[]');
  const mine = await until(async () => (await shown()).find(([title]) => title.includes(RULE)), 20_000);
  return expect(mine && /Firing/.test(mine[0]) && /myhost/.test(mine[1]), await shown());
});

await test('the processes of the moment it fired are one click away', async () => {
  await open('/alerts?host=myhost');
  await alert.first().locator('[data-then]').click();
  await page.waitForSelector('[data-snapshot], .face', { timeout: 10_000 });
  const asked = await until(async () => {
    await page.reload();
    await page.waitForSelector('[data-snapshot], .face', { timeout: 10_000 });
    return /an alert/.test(await text('#page'));
  }, 30_000);
  const rows = await page.locator('table.processes [data-row]').count();
  const then = Number(query('at'));
  const snapshot = Number(await page.getAttribute('[data-snapshot]', 'data-snapshot'));
  await shot('alert-processes');
  await open('/alerts?host=myhost');
  return expect(asked && rows > 3 && Math.abs(then - snapshot) < 60_000, [asked, rows, then, snapshot]);
});

await test('it is acknowledged with a note', async () => {
  await alert.first().locator('button:has-text("Acknowledge")').click();
  await page.fill('dialog input[name=note]', 'mine');
  await submit();
  await alert.first().locator('text=acknowledged by admin').waitFor({ timeout: 5000 });
  const said = await alert.first().innerText();
  return expect(/note: mine/.test(said) && (await alert.first().locator('button:has-text("Acknowledge")').count()) === 0, said);
});

await test('it is silenced, and says so', async () => {
  await alert.first().locator('button:has-text("Silence")').click();
  const matchers = await page.inputValue('dialog textarea');
  await page.fill('dialog input[name=comment]', 'new memory comes');
  await submit();
  await alert.first().locator('.chip', { hasText: 'silenced' }).waitFor({ timeout: 5000 });
  await shot('alerts-active');
  return expect(/alertname="MemoryUsageHigh"/.test(matchers) && /instance="myhost"/.test(matchers), matchers);
});

await test('a silence that recurs is listed; a silence is ended after a question', async () => {
  await page.click('.subnav a:has-text("Silences")');
  await page.click('text=Silence something');
  await page.fill('dialog textarea', 'instance="myhost"');
  await page.selectOption('dialog select[name=span]', '0');
  await submit();
  await page.waitForSelector('text=mon, tue, wed, thu, fri 08:00 to 18:00', { timeout: 5000 });
  await closed();
  await page.locator('[data-silence] button[title=End]').first().click();
  await page.click('dialog button.danger');
  const one = await until(async () => (await page.locator('[data-silence]').count()) === 1, 5000);
  return expect(one && /new memory comes/.test(await text('[data-silence]')), await page.locator('[data-silence]').allInnerTexts());
});

await test('a person resolves it; the history has who did what', async () => {
  await open('/alerts?host=myhost');
  await alert.first().locator('button:has-text("Resolve")').click();
  await submit();
  await told(/Resolved/);
  await page.click('.subnav a:has-text("History")');
  await page.waitForSelector('table.history [data-what]', { timeout: 5000 });
  const all = await page.locator('table.history tbody').innerText();
  return expect(/acknowledged\s+admin\s+mine/.test(all) && /firing\s+rules/.test(all) && /resolved\s+admin/.test(all), all);
});

await test('an override goes back to the rule', async () => {
  await open(`/alerts?tab=rules&q=${RULE}`);
  await rule.locator('[data-override] button').click();
  await told(/is as its rule says/);
  const gone = await until(async () => (await rule.locator('[data-override]').count()) === 0, 5000);
  return expect(gone, gone);
});

await test('rules of one’s own: a fault is named with its line, then they hold', async () => {
  await page.click('text=Add rules');
  await page.fill('dialog input[name=name]', 'mine');
  const good = await page.inputValue('dialog textarea');
  await page.fill('dialog textarea', good.replace('app_queue_length > 1000', 'sum(app_queue_length'));
  await submit();
  const said = await until(() => text('dialog .error'), 5000);
  await page.fill('dialog textarea', good);
  await submit();
  await page.waitForSelector('[data-file=mine]', { timeout: 5000 });
  await closed();
  await page.fill('input[type=search]', 'QueueLong');
  const there = await until(() => page.locator('[data-rule=QueueLong]').count(), 10_000);
  return expect(/mine:\d+/.test(said) && there, [said, there]);
});

await walk({
  'alerts-rules': ['/alerts?tab=rules', '[data-rule]'],
  'alerts-channels': ['/alerts?tab=channels', '[data-channel]'],
  'alerts-routes': ['/alerts?tab=routes', '[data-route]'],
  'alerts-history': ['/alerts?tab=history', '[data-what]'],
  'alerts-silences': ['/alerts?tab=silences', '[data-silence]'],
  'alerts-none': ['/alerts', '.face, [data-alert]'],
});
await end([/^401 .*\/session$/, /^4\d\d .*\/(channels|rule-files)$/]);
