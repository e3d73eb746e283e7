// The pure parts of the host's parts, Advice, changes and imports.
import { expect, test, vi } from 'vitest';
import { countStates, inFilter, inShort, shownOf, sorted, tally } from '../src/model/advice';
import { causeWords, judged, reasonOf, revertLine } from '../src/model/changes';
import { evidenceChart, evidenceFigure } from '../src/model/charts';
import { blocks, differences, grids, steps, valueText } from '../src/model/inventory';
import { causeWord, census, fromInput, momentOf, orderOf, ranked, toInput } from '../src/model/processes';
import { fits, importWords } from '../src/model/results';
import { draftOf, namesOf, presetOf, same, settingsOf, switches, toggled, withPreset } from '../src/model/settings';
import type { Finding } from '../src/shapes';
import type { Change, Imported, Kept } from '../src/shapes_advice';
import { audits, changes, imported, keptPage, model } from '../src/shapes_advice';
import type { Preset, Settings, Snapshot } from '../src/shapes_host';
import { agentSettings, inventory, presets, services, snapshot } from '../src/shapes_host';

// ---- settings ----

const settings = (s: Partial<Settings> = {}): Settings => ({
  preset: null,
  collect_s: 5,
  send_s: 1,
  display_s: 0.5,
  processes_top: 5,
  collectors_off: [],
  services: [],
  services_off: [],
  ...s,
});
const known: Preset[] = [
  { name: 'realtime', for: 'watching', settings: settings({ preset: 'realtime', collect_s: 1, display_s: 0.1 }) },
  { name: 'trend', for: 'long', settings: settings({ preset: 'trend', collect_s: 60, send_s: 120, display_s: 5 }) },
];

test('a form that nobody touched is the settings themselves', () => {
  const draft = draftOf(settings({ services: ['b', 'a'] }));
  expect(same(draft, draftOf(settings({ services: ['a', 'b'] })))).toBe(true);
  expect(settingsOf(draft, known)).toEqual({ settings: settings({ services: ['a', 'b'] }) });
});
test('a preset fills the numbers and leaves the lists; a number typed over ends it', () => {
  const draft = withPreset(draftOf(settings({ collectors_off: ['nic'] })), known[1]!);
  expect(presetOf(draft, known)).toBe('trend');
  expect(draft.collectors_off).toEqual(['nic']);
  expect(settingsOf(draft, known)).toMatchObject({ settings: { preset: 'trend', send_s: 120 } });
  expect(presetOf({ ...draft, send_s: '121' }, known)).toBeNull();
});
test.each(['', ' ', 'x', '1s', '1,2,3'])('"%s" is no number, and its field is told so', text => {
  expect(settingsOf({ ...draftOf(settings()), send_s: text }, known)).toEqual({ faults: { send_s: 'must be a number' } });
});
test('a decimal comma is understood; what is out of range goes to the server', () => {
  const d = { ...draftOf(settings()), collect_s: '0,5', send_s: '999' };
  expect(settingsOf(d, known)).toMatchObject({ settings: { collect_s: 0.5, send_s: 999 } });
});
test('switches: known ones and those that are off already, each once', () => {
  expect(switches(['stat', 'nic'], ['nic', 'old'])).toEqual(['nic', 'old', 'stat']);
  expect(toggled(['nic'], 'arp')).toEqual(['arp', 'nic']);
  expect(toggled(['arp', 'nic'], 'arp')).toEqual(['nic']);
  expect(namesOf(' nginx,my-app  nginx ')).toEqual(['my-app', 'nginx']);
});

// ---- processes ----

const snap = (top: Record<string, number[]>): Snapshot =>
  snapshot(
    {
      at_ms: 1000,
      cause: 'alert',
      processes: {
        count: 3,
        states: { S: 2, R: 1 },
        top,
        processes: [
          { pid: 1, name: 'init' },
          { pid: 9, name: 'nginx', cpu: 0.25, descriptors: 12 },
        ],
      },
    },
    'answer',
  );
test('processes are in the order of the agent; one that is in none is left out', () => {
  expect(ranked(snap({ cpu: [9, 1, 77] }), 'cpu').map(p => p.name)).toEqual(['nginx', 'init']);
  expect(ranked(snap({}), 'io')).toEqual([]);
  expect(ranked(snap({ cpu: [1] }), 'cpu')[0]!.cpu).toBeNull();
});
test('a snapshot in words', () => {
  expect(census(snap({}))).toBe('3 processes: 1 running, 2 sleeping');
  expect(causeWord('alert')).toBe('taken when an alert fired');
  expect(causeWord('else')).toBe('else');
});
test.each([
  ['cpu', 'cpu'],
  ['descriptors', 'descriptors'],
  ['x', 'cpu'],
  [undefined, 'cpu'],
])('order %s is %s', (text, want) => expect(orderOf(text)).toBe(want));
test.each([
  ['1763717400000', 1763717400000],
  ['0', undefined],
  ['-1', undefined],
  ['x', undefined],
  [undefined, undefined],
])('moment %s is %s', (text, want) => expect(momentOf(text)).toBe(want));
test('a moment goes to the form and back; an empty field is no moment', () => {
  expect(fromInput(toInput(1763717401000))).toBe(1763717401000);
  expect(fromInput('')).toBeUndefined();
});

// ---- inventory ----

const facts = {
  hostname: 'web1',
  kernel: { release: '6.1' },
  memory: { total_bytes: 2 ** 30, swap_bytes: 0 },
  cpu: { model: 'X', max_hz: 3.2e9, caches: [{ level: 1, type: 'Data', size_bytes: 32768 }] },
  disks: [{ name: 'sda', size_bytes: 2 ** 40, rotational: false }],
  interfaces: [{ name: 'eth0', speed_bits: 1e9 }],
  mounts: [],
  novelty: { colour: 'red' },
};
test('an inventory as blocks and lists, with units; what is unknown here is shown, too', () => {
  expect(blocks(facts).map(b => b.title)).toEqual(['Machine', 'Processors', 'Memory', 'Kernel', 'Novelty']);
  const memory = blocks(facts).find(b => b.title === 'Memory')!;
  expect(memory.rows[0]).toEqual({ name: 'Total', value: '1\u202fGiB' });
  const disks = grids(facts).find(g => g.title === 'Disks')!;
  expect(disks).toEqual({ title: 'Disks', columns: ['Name', 'Size', 'Rotational'], rows: [['sda', '1\u202fTiB', 'no']] });
  expect(grids(facts).map(g => g.title)).toEqual(['Disks', 'Network interfaces']);
  expect(valueText('speed_bits', 1e9)).toBe('1,000 Mbit/s');
  expect(valueText('max_hz', 3.2e9)).toBe('3.2 GHz');
  expect(valueText('caches', facts.cpu.caches)).toBe('1 Data size 32\u202fKiB');
});
test('what differs between two versions has its place as a name', () => {
  const now = { ...facts, memory: { total_bytes: 2 ** 31, swap_bytes: 0 }, disks: [...facts.disks, { name: 'sdb', size_bytes: 1024 }] };
  expect(differences(facts, now)).toEqual([
    { name: 'Memory total', from: '1\u202fGiB', to: '2\u202fGiB' },
    { name: 'Disks sdb name', from: '', to: 'sdb' },
    { name: 'Disks sdb size', from: '', to: '1\u202fKiB' },
  ]);
  const all = inventory(
    { version: 2, from_ms: 50, inventory: { facts: now }, history: [{ version: 1, from_ms: 10, until_ms: 50, inventory: { facts } }] },
    'answer',
  );
  expect(steps(all).map(s => [s.version, s.atMs, s.differences.length])).toEqual([[2, 50, 3]]);
  expect(steps({ ...all, history: [] })).toEqual([]);
});

// ---- changes ----

const change = (c: Partial<Change> = {}): Change => ({
  id: 3,
  at_ms: 100_000,
  host: '1',
  host_name: 'web1',
  parameter: 'net.core.somaxconn',
  from: '128',
  to: '512',
  cause: 'advice',
  finding: 12,
  rule: 'TC1',
  verdict: 'helped',
  outcome: null,
  judged_ms: null,
  ...c,
});
const mark = { tS: 105, name: 'net.core.somaxconn', from: 128, to: 512 };
test('a mark gets the verdict of its change; another value or time is another change', () => {
  expect(judged([mark], [change()], 15)).toEqual([{ ...mark, tS: 100, change: change() }]);
  expect(judged([mark], [change({ to: '1024' })], 15)).toHaveLength(2);
  expect(judged([mark], [change({ at_ms: 10_000 })], 15)).toHaveLength(2);
});
test('a parameter of several numbers is one change', () => {
  const rmem = { tS: 100, name: 'net.ipv4.tcp_rmem max', from: 1, to: 2 };
  const c = change({ parameter: 'net.ipv4.tcp_rmem', from: '4 8 1', to: '4 8 2' });
  expect(judged([rmem], [c], 15)).toEqual([{ ...rmem, change: c }]);
});
test('what only the server knows is a mark, in its place', () => {
  const ram = change({ id: 4, parameter: 'RAM', from: '8 GiB', to: '16 GiB', at_ms: 50_000, cause: 'resource' });
  expect(judged([mark], [change(), ram], 15).map(m => m.name)).toEqual(['RAM', 'net.core.somaxconn']);
});
test('the line that goes back', () => {
  expect(revertLine(change())).toBe('sysctl -w net.core.somaxconn=128');
  expect(revertLine(change({ parameter: 'net.ipv4.tcp_rmem', from: '4 8 1' }))).toBe('sysctl -w net.ipv4.tcp_rmem="4 8 1"');
  expect(revertLine(change({ parameter: 'RAM' }))).toBeNull();
  expect(revertLine(change({ parameter: 'disk /' }))).toBeNull();
});
test('why: the figures, else what the verdict means', () => {
  expect(reasonOf(change({ outcome: '14.2 before, 0 after' }))).toBe('14.2 before, 0 after.');
  expect(reasonOf(change({ outcome: 'it fell.' }))).toBe('It fell.');
  expect(reasonOf(change({ verdict: 'pending' }))).toMatch(/comparable load/);
  expect(causeWords('hand')).toBe('by hand');
});

// ---- findings ----

const finding = (f: Partial<Finding>): Finding => ({ class: 'increase', title: 'T', parameter: null, subject: null, to: null, ...f }) as Finding;
const kept = (k: Partial<Kept>): Kept => ({
  id: 1,
  host: 'h1',
  host_name: 'web1',
  state: 'open',
  opened_ms: 1,
  seen_ms: null,
  decided_ms: null,
  verdict: null,
  verdict_by: null,
  outcome: null,
  finding: finding({}),
  ...k,
});
test('findings are counted by state, and the most urgent comes first', () => {
  const all = [kept({ id: 1, state: 'helped' }), kept({ id: 2 }), kept({ id: 3, opened_ms: 5 }), kept({ id: 4, state: 'harmed' })];
  expect(sorted(all).map(k => k.id)).toEqual([4, 3, 2, 1]);
  expect(countStates(all)).toMatchObject({ open: 2, helped: 1, harmed: 1, applied: 0 });
});
test.each([
  [undefined, 'open'],
  ['all', 'all'],
  ['harmed', 'harmed'],
  ['x', 'open'],
])('the address %s shows %s', (text, want) => expect(shownOf(text)).toBe(want));
test('filters: host by name or id, class', () => {
  expect(inFilter(kept({}), { host: 'web1', class: undefined })).toBe(true);
  expect(inFilter(kept({}), { host: 'h1', class: 'increase' })).toBe(true);
  expect(inFilter(kept({}), { host: 'web2', class: undefined })).toBe(false);
  expect(inFilter(kept({}), { host: undefined, class: 'upgrade' })).toBe(false);
});
test('a finding in a few words', () => {
  expect(inShort(kept({ finding: finding({ parameter: 'a.b', from: '1', to: '2' }) }))).toBe('Raise a.b from 1 to 2');
  expect(inShort(kept({ finding: finding({ class: 'decrease', parameter: 'a.b', from: '2', to: '1' }) }))).toBe('Lower a.b from 2 to 1');
  expect(inShort(kept({ finding: finding({ title: 'Full', subject: '/var' }) }))).toBe('Full: /var');
  expect(inShort(kept({ finding: null }))).toBe('Finding 1');
});
test('an audit is counted, the worst first', () => {
  const check = (result: string) => ({ name: result, result });
  const { profiles } = audits(
    { profiles: [{ profile: 'p', title: 'P', result: 'FAIL', checks: ['PASS', 'FAIL', 'PASS', '?'].map(check) }] },
    'answer',
  );
  expect(tally(profiles[0]!)).toBe('1 FAIL, 1 unknown, 2 PASS');
});

// ---- evidence ----

test('evidence has its threshold on the chart, in the unit of the axis', () => {
  const e = { expr: 'a / b', text: 'use', value: 0.86, threshold: 0.75, unit: 'ratio', window_s: 300 };
  expect(evidenceChart(e)).toMatchObject({ unit: 'percent', threshold: 75, series: [{ expr: '100 * (a / b)' }] });
  expect(evidenceFigure(e)).toBe('86\u202f%, threshold 75\u202f%, over 5\u202fmin');
  expect(evidenceFigure({ ...e, threshold: null })).toBe('');
  expect(evidenceChart({ ...e, unit: null, threshold: null })).not.toHaveProperty('threshold');
  expect(evidenceFigure({ ...e, unit: '1/s', value: 14.2, threshold: 1, window_s: null })).toBe('14.2/s, threshold 1/s');
});

// ---- imports ----

const seen = (i: Partial<Imported>): Imported => ({
  bad_lines: [],
  format: 'csv',
  dry_run: true,
  lines: 5,
  samples: 4,
  bad: 0,
  imported: 0,
  duplicates: 0,
  refused: 0,
  refused_why: null,
  new_series: 0,
  ...i,
});
test('an import in a sentence', () => {
  expect(importWords(seen({}))).toBe('csv: 5 lines, 4 samples; every line is good.');
  expect(importWords(seen({ bad: 1 }))).toBe('csv: 5 lines, 4 samples; 1 line cannot be used.');
  expect(importWords(seen({ dry_run: false, imported: 3, new_series: 1, duplicates: 1, refused: 2, refused_why: 'too old', bad: 1 }))).toBe(
    '3 samples imported, 1 new series; 1 was there already; 2 refused: too old; 1 line left out.',
  );
});
test('64 MiB is the most', () => {
  expect(fits(64 * 1024 ** 3)).toBe(true);
  expect(fits(64 * 1024 ** 3 + 1)).toBe(false);
});

// ---- answers ----

const link = { connected: false, state: 'offline', applied_version: 0, detail: null, effective: null, fixed: null, agent_version: '', connected_ms: 0 };
test.each([
  ['settings', () => agentSettings({ version: 0, settings: settings(), changed_ms: 0, changed_by: '', link }, 'a')],
  ['presets', () => presets({ presets: known }, 'a')],
  ['services', () => services({ at_ms: 1, services: [{ name: 'x', state: 'running', health: 'healthy', checks: [{ name: 'tcp', target: ':80' }] }] }, 'a')],
  ['findings', () => keptPage({ findings: [kept({ finding: null })], next: null }, 'a')],
  ['changes', () => changes({ changes: [change()], next: '3' }, 'a')],
  ['no model', () => model({ loaded: false }, 'a')],
  ['import', () => imported(seen({ bad_lines: [{ line: 1, why: 'x' }] }), 'a')],
])('%s as documented are taken', (_, check) => expect(check).not.toThrow());
test.each([
  ['a link in no known state', () => agentSettings({ version: 0, settings: settings(), changed_ms: 0, changed_by: '', link: { ...link, state: 'x' } }, 'a')],
  ['a service without health', () => services({ at_ms: 1, services: [{ name: 'x', state: 'running', checks: [] }] }, 'a')],
  ['a finding in no known state', () => keptPage({ findings: [{ ...kept({}), state: 'x' }], next: null }, 'a')],
  ['a verdict of another kind', () => changes({ changes: [{ ...change(), verdict: 'x' }], next: null }, 'a')],
])('%s is refused', (_, check) => expect(check).toThrow(/expected/));

// ---- requests ----

test('saving names the version that was read, and a refusal names its fields', async () => {
  vi.stubGlobal('document', { baseURI: 'http://h/host' });
  const { saveSettings } = await import('../src/api_host');
  const { ApiError } = await import('../src/api');
  const body = { title: 'Unprocessable Content', detail: 'collect_s must be', errors: [{ field: 'collect_s', detail: 'must be a number from 0.5' }] };
  const fetched = vi.fn(async () => new Response(JSON.stringify(body), { status: 422 }));
  vi.stubGlobal('fetch', fetched);
  const failed = await saveSettings('a/b', 7, settings()).catch((e: unknown) => e);
  expect(failed).toBeInstanceOf(ApiError);
  expect((failed as InstanceType<typeof ApiError>).fields).toEqual({ collect_s: 'must be a number from 0.5' });
  expect(fetched).toHaveBeenCalledWith(
    'http://h/api/galen/v1/hosts/a%2Fb/settings',
    expect.objectContaining({ method: 'PUT', headers: expect.objectContaining({ 'If-Match': '"7"' }) }),
  );
  vi.unstubAllGlobals();
});
test('a file is sent as it is', async () => {
  vi.stubGlobal('document', { baseURI: 'http://h/results' });
  const { importFile } = await import('../src/api_advice');
  const fetched = vi.fn(async () => new Response(JSON.stringify(seen({}))));
  vi.stubGlobal('fetch', fetched);
  const file = new Blob(['x']);
  await importFile(file, { dryRun: true, host: 'web 1' });
  expect(fetched).toHaveBeenCalledWith(
    'http://h/api/galen/v1/import?skip_bad=1&dry_run=1&label=instance%3Dweb+1',
    expect.objectContaining({ method: 'POST', body: file }),
  );
  vi.unstubAllGlobals();
});
