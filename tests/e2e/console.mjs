// The console in Chromium against a real server with at least one reporting host. Prints TAP.
//
//   BASE_URL  USER  PASSWORD (one-time)   where and who; the password must not have been used yet
//   SHOTS     folder for screenshots (none when unset)
//   SYSCTL_TEST=1   may change vm.dirty_expire_centisecs of this machine for a moment
//
// Each step stands on what the ones before it left behind: it is one person's first visit.
import { execFileSync } from 'node:child_process';
import { BASE_URL, PASSWORD, SHOTS, USER, context, end, expect, foreign, newContext, open, page, query, screen as shot, test, text, until } from './browser.mjs';

const { SYSCTL_TEST } = process.env;
const NEW_PASSWORD = 'four plain words suffice';
const TUNABLE = 'vm.dirty_expire_centisecs';
await context.grantPermissions(['clipboard-read', 'clipboard-write']);
const here = () => new URL(page.url());

// ---- signing in ----

await test('the first page asks who you are', async () => {
  await open('/');
  return expect((await text('h1')) === 'Sign in', await text('h1'));
});

async function signIn(password) {
  await page.fill('input[name=user]', USER);
  await page.fill('input[name=password]', password);
  await page.click('button[type=submit]');
}

await test('a wrong password is refused in words', async () => {
  await signIn('wrong');
  const said = await until(() => text('.error'), 5000);
  return expect(said, said);
});

await test('the one-time password asks for a new one', async () => {
  await signIn(PASSWORD);
  await page.waitForSelector('input[name=again]', { timeout: 5000 });
  await page.fill('input[name=new]', NEW_PASSWORD);
  await page.fill('input[name=again]', 'something else');
  await page.click('button[type=submit]');
  const said = await text('.error');
  return expect(/differ/.test(said), said);
});

await test('a new password opens the fleet', async () => {
  await page.fill('input[name=again]', NEW_PASSWORD);
  await page.click('button[type=submit]');
  await page.waitForSelector('table.fleet [data-row]', { timeout: 10_000 });
  return expect((await text('h1')) === 'Fleet', await text('h1'));
});

await test('the one-time password works once', async () => {
  const again = await newContext();
  const answer = await again.request.post(new URL('/api/galen/v1/login', BASE_URL).href, {
    data: { user: USER, password: PASSWORD },
  });
  await again.close();
  return expect(answer.status() === 401, answer.status());
});

// ---- fleet ----

const host = await text('table.fleet .name a');

await test('first steps are there and tick themselves', async () => {
  const ticked = await until(async () => (await page.locator('.first-run li.done').count()) >= 3, 75_000);
  await shot('fleet-first-run');
  return expect(ticked, await text('.first-run'));
});

await test('the fleet shows CPU, memory, the fullest mount by name, pressure and age', async () => {
  const cell = label => text(`table.fleet [data-row] [data-label="${label}"]`);
  const filled = async () =>
    /\d\s?%/.test(await cell('CPU')) &&
    /\d\s?%/.test(await cell('Memory')) &&
    /\d\s?%\s+\//.test(await cell('Fullest mount')) &&
    /\d\s?%\s+(CPU|memory|disk)/.test(await cell('Pressure')) &&
    /\d\s?s/.test(await cell('Last seen'));
  return expect(await until(filled, 20_000), await text('table.fleet [data-row]'));
});

await test('the connection tells the age of the newest sample', async () => {
  const live = await until(async () => /live \d/.test(await text('.connection')), 15_000);
  return expect(live, await text('.connection'));
});

await test('memory agrees with /proc/meminfo', async () => {
  const { readFileSync } = await import('node:fs');
  const kib = name => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync('/proc/meminfo', 'utf8'))[1]);
  const near = async () => {
    const shown = parseFloat(await text('table.fleet [data-row] [data-label="Memory"]'));
    return Math.abs(shown - 100 * (1 - kib('MemAvailable') / kib('MemTotal'))) <= 2;
  };
  return expect(await until(near, 15_000), await text('table.fleet [data-row] [data-label="Memory"]'));
});

// ---- host ----

await test('a row opens its host; the address names it', async () => {
  await page.click('table.fleet [data-row] .name a');
  await page.waitForSelector('[data-chart=cpu]', { timeout: 10_000 });
  return expect(here().pathname.endsWith('/host') && query('host') === host, page.url());
});

await test('advice or a reasoned "no change" stands first', async () => {
  const card = await until(() => page.locator('[data-rule], [data-verdict=none]').count(), 75_000);
  if (!card) return 'no card';
  const advice = await page.locator('[data-rule]').count();
  if (advice) {
    const words = await text('[data-rule]');
    return expect(/Effect/.test(words) && /Risk/.test(words), words);
  }
  const words = await text('[data-verdict=none]');
  return expect(/No changes needed/.test(words) && /\d+ checks done/.test(words) && /Closest to a limit/.test(words), words);
});

const readout = id => page.locator(`[data-chart="${id}"] .readout .value`).allInnerTexts();
const painted = id =>
  page.locator(`[data-chart="${id}"] canvas`).evaluate(canvas => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const seen = new Set();
    for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 200) seen.add(`${data[i]},${data[i + 1]},${data[i + 2]}`);
    return seen.size;
  });

await test('the CPU chart draws, and points arrive without a reload', async () => {
  const first = await until(async () => ((await readout('cpu')).some(v => /\d/.test(v)) ? readout('cpu') : null), 15_000);
  if (!first) return 'no values';
  const moved = await until(async () => (await readout('cpu')).join() !== first.join(), 20_000);
  if (!moved) return `values stay at ${first.join()}`;
  const colours = await painted('cpu');
  return expect(colours > 8, colours);
});

await test('every chart of the page has lines or says that it has none', async () => {
  const silent = [];
  for (const chart of await page.locator('.charts [data-chart]').all()) {
    await chart.scrollIntoViewIfNeeded();
    const said = async () =>
      (await chart.locator('.key').count()) > 0 || /No samples/.test(await chart.locator('.plot').innerText());
    if (!(await until(said, 8000))) silent.push(await chart.getAttribute('data-chart'));
  }
  await page.evaluate(() => scrollTo(0, 0));
  return expect(silent.length === 0, silent);
});

await test('kernel parameters are listed and one opens its time line', async () => {
  const n = await until(() => page.locator('[data-parameter]').count(), 10_000);
  if (!(n >= 10)) return `only ${n} parameters`;
  await page.click('[data-parameter="vm.swappiness"] a');
  await page.waitForSelector('[data-chart="parameter-vm.swappiness"] .key', { timeout: 10_000 });
  return expect(query('open') === 'vm.swappiness', page.url());
});

if (SYSCTL_TEST === '1')
  await test('a changed kernel parameter is marked on the charts within 10 s', async () => {
    const now = execFileSync('sysctl', ['-n', TUNABLE], { encoding: 'utf8' }).trim();
    try {
      await open(`/host?host=${encodeURIComponent(host)}`);
      await page.waitForSelector('[data-chart=cpu] .key', { timeout: 10_000 });
      await new Promise(r => setTimeout(r, 3000)); // the page has to know the value before
      execFileSync('sysctl', ['-w', `${TUNABLE}=${Number(now) + 100}`], { stdio: 'ignore' });
      const marked = await until(() => page.locator(`[data-chart=cpu] [data-mark="${TUNABLE}"]`).count(), 10_000);
      await shot('host-marked');
      return expect(marked && /→/.test(await text('.changes')), marked);
    } finally {
      execFileSync('sysctl', ['-w', `${TUNABLE}=${now}`], { stdio: 'ignore' });
    }
  });

/** Acts, then waits until the chart that it changes the range of is another drawing. */
async function redraws(id, act) {
  const plot = `[data-chart=${id}] .u-over`;
  await page.locator(plot).evaluate(over => (over.dataset.before = ''));
  await act();
  await page.waitForSelector(`${plot}:not([data-before])`, { timeout: 10_000 });
}

await test('the range lives in the address; Back restores it', async () => {
  await open(`/host?host=${encodeURIComponent(host)}`);
  await page.waitForSelector('[data-chart=pressure] .key', { timeout: 10_000 });
  await redraws('pressure', () => page.selectOption('.top .picker:not(.host) select', '1h'));
  const chosen = query('range');
  await redraws('pressure', () => page.goBack());
  const before = query('range');
  return expect(chosen === '1h' && before === null, [chosen, before]);
});

await test('dragging zooms every chart, a double click resets', async () => {
  const over = page.locator('[data-chart=pressure] .u-over');
  const box = await over.boundingBox();
  await redraws('pressure', async () => {
    await page.mouse.move(box.x + box.width * 0.6, box.y + 40);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.9, box.y + 40, { steps: 5 });
    await page.mouse.up();
  });
  const zoomed = Number(query('to')) - Number(query('from'));
  await redraws('pressure', () => over.dblclick({ position: { x: 60, y: 40 } }));
  return expect(zoomed > 0 && zoomed < 900_000 && query('from') === null, [zoomed, page.url()]);
});

await test('a chart can be read as a table', async () => {
  await page.hover('[data-chart=memory]');
  await page.waitForSelector('[data-chart=memory] .key', { timeout: 10_000 });
  await page.click('[data-chart=memory] button[title="As table"]');
  const rows = await page.locator('dialog tbody tr').count();
  await page.keyboard.press('Escape');
  const closed = await until(async () => (await page.locator('dialog').count()) === 0, 3000);
  return expect(rows > 0 && closed, [rows, closed]);
});

// ---- results ----

await test('results are counted, over time and by recommendation', async () => {
  await page.click('nav a[title=Results]');
  await page.waitForSelector('[data-total]', { timeout: 10_000 });
  const total = Number(await page.getAttribute('[data-total]', 'data-total'));
  const bars = (await page.locator('.barlist .num').allInnerTexts()).map(n => Number(n.replace(/,/g, '')));
  const columns = await page.locator('.columns li').count();
  const rows = await page.locator('table.results [data-row]').count();
  const sum = bars.reduce((a, b) => a + b, 0);
  return expect(total > 0 && sum === total && columns > 0 && rows > 0, { total, bars, columns, rows });
});

await test('a filter without results says which to drop', async () => {
  await page.fill('.filters input[type=search]', 'no result has this text');
  await page.waitForSelector('text=Drop the filters', { timeout: 5000 });
  await page.click('text=Drop the filters');
  await page.waitForSelector('table.results [data-row]', { timeout: 5000 });
  return expect(query('q') === null, page.url());
});

await test('a result is deleted after a question', async () => {
  const id = await page.locator('table.results [data-row]').last().getAttribute('data-row');
  await page.locator('table.results [data-row]').last().locator('button[title=Delete]').click();
  await page.click('dialog button.danger');
  const gone = await until(async () => (await page.locator(`table.results [data-row="${id}"]`).count()) === 0, 5000);
  return expect(gone, id);
});

// ---- explore ----

await test('Explore answers a query with a table and a chart, and the address holds it', async () => {
  await page.click('nav a[title=Explore]');
  await page.fill('textarea', 'count by (instance) (node_load1)');
  await page.keyboard.press('Enter');
  await page.waitForSelector('tbody [data-row] .num', { timeout: 10_000 });
  await page.waitForSelector('.chart .key', { timeout: 10_000 });
  const value = await text('tbody [data-row] .num');
  return expect(value === '1' && query('expr')?.startsWith('count'), [value, page.url()]);
});

await test('a wrong query fails in words', async () => {
  await page.fill('textarea', 'sum(node_load1');
  await page.click('text=Run');
  await page.waitForSelector('.face.failed', { timeout: 5000 });
  const said = await text('.face.failed');
  return expect(said.length > 20, said);
});

// ---- settings, theme, keys ----

await test('Settings makes the line for the next host', async () => {
  await page.click('nav a[title=Settings]');
  await page.click('text=Make the line for the next host');
  await page.waitForSelector('.lines pre', { timeout: 5000 });
  const line = await text('.lines pre');
  await page.click('.lines button');
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  return expect(/galen-agent --server/.test(line) && copied === line, [line, copied]);
});

const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);

await test('the theme follows the system, and the switch wins', async () => {
  const light = await ground();
  await page.emulateMedia({ colorScheme: 'dark' });
  await until(async () => (await ground()) !== light, 3000);
  const dark = await ground();
  await page.click('label:has-text("Light")');
  const switched = await ground();
  await page.reload();
  await page.waitForSelector('h1');
  const kept = await ground();
  await page.click('label:has-text("As the system")');
  await page.emulateMedia({ colorScheme: 'light' });
  return expect(
    light === 'rgb(245, 246, 248)' && dark === 'rgb(15, 18, 22)' && switched === light && kept === light,
    [light, dark, switched, kept],
  );
});

await test('keys: pages, rows, help', async () => {
  await page.evaluate(() => document.activeElement?.blur());
  await page.keyboard.press('g');
  await page.keyboard.press('f');
  await page.waitForSelector('table.fleet [data-row]', { timeout: 5000 });
  await page.keyboard.press('?');
  await page.waitForSelector('dialog .keys', { timeout: 3000 });
  await page.keyboard.press('Escape');
  await until(async () => (await page.locator('dialog').count()) === 0, 3000);
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-chart=cpu]', { timeout: 5000 });
  await page.keyboard.press('Escape');
  return expect(await until(() => /\/$/.test(here().pathname), 3000), page.url());
});

await test('focus is visible wherever Tab leads', async () => {
  const hidden = [];
  for (let i = 0; i < 16; i++) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate(() => {
      const e = document.activeElement;
      const s = getComputedStyle(e);
      return { what: e.outerHTML.slice(0, 60), seen: e === document.body || (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2) };
    });
    if (!at.seen) hidden.push(at.what);
  }
  return expect(hidden.length === 0, hidden);
});

// ---- every page, both themes, three widths ----

const PAGES = {
  fleet: ['/', 'table.fleet [data-row]'],
  host: [`/host?host=${encodeURIComponent(host)}`, '[data-verdict], [data-rule]'],
  results: ['/results', '[data-total]'],
  explore: ['/explore?expr=rate(node_context_switches_total%5B1m%5D)', '.chart .key'],
  settings: ['/settings', 'h1'],
};

for (const scheme of ['light', 'dark'])
  for (const width of [360, 1280, 1920])
    await test(`no page scrolls sideways: ${width} px, ${scheme}`, async () => {
      await page.emulateMedia({ colorScheme: scheme });
      await page.setViewportSize({ width, height: width < 640 ? 780 : width < 1900 ? 800 : 1080 });
      const wide = [];
      for (const [name, [path, sign]] of Object.entries(PAGES)) {
        await open(path);
        await page.waitForSelector(sign, { timeout: 10_000 });
        await new Promise(r => setTimeout(r, 400));
        const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        if (over > 0) wide.push(`${name} by ${over} px`);
        await shot(`${name}-${width}-${scheme}`);
      }
      return expect(wide.length === 0, wide);
    });

await test('the bar of a small screen has five places with words; More leads to the rest', async () => {
  await page.setViewportSize({ width: 360, height: 780 });
  await open('/');
  const words = (await page.locator('nav > ul > li:visible').allInnerTexts()).map(t => t.trim().split(/\s/)[0]);
  await page.click('nav summary');
  const rest = (await page.locator('nav .more li:visible').allInnerTexts()).map(t => t.trim());
  await shot('more-360');
  await page.click('nav .more a[title=Data]');
  await page.waitForSelector('nav .more summary[data-current=true]', { timeout: 5000 });
  const closed = (await page.locator('nav .more li:visible').count()) === 0;
  return expect(
    words.join() === 'Fleet,Advice,Results,Alerts,More' && rest.join() === 'Explore,Data,Settings' && closed && /\/data$/.test(here().pathname),
    [words, rest, closed, page.url()],
  );
});

if (SHOTS) {
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: 1280, height: 800 });
  await open(PAGES.host[0] + '&range=5m');
  await page.waitForSelector(PAGES.host[1]);
  await new Promise(r => setTimeout(r, 6000));
  await shot('console');
}

await test('signing out ends the session', async () => {
  await open('/settings');
  await page.click('text=Sign out');
  await page.waitForSelector('input[name=password]', { timeout: 5000 });
  await open('/');
  await page.waitForSelector('input[name=password]', { timeout: 5000 });
  return expect((await text('h1')) === 'Sign in', await text('h1'));
});

await test('no request to anyone else', async () => expect(foreign.length === 0, foreign));
await end([/^401 .*\/(login|session)$/, /^4\d\d .*\/api\/v1\/query$/]);
