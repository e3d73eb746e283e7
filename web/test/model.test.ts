import { expect, test } from 'vitest';
import { HOST_CHARTS, fill, lineLabel, parameterChart, tellingLabels } from '../src/model/charts';
import { adviceWords, countKinds, figures, filterRows, fleetRows, kindOf } from '../src/model/fleet';
import { changes, liveChanges, matching, mergeMarks, parameterName, parameterRows } from '../src/model/parameters';
import { dayEnd, dayStart, filterOf, withEmptyDays } from '../src/model/results';
import type { Analysis, Finding, Host } from '../src/shapes';
import { headed, unbroken } from '../src/words';

const finding = (f: Partial<Finding>): Finding => ({
  id: null,
  subject: null,
  lines: null,
  set_by: null,
  rule: 'TC1',
  class: 'increase',
  kind: 'proof',
  title: "A listener's accept queue overflows",
  parameter: 'net.core.somaxconn',
  from: '4096',
  to: '8192',
  sentence: '',
  evidence: [],
  effect: null,
  line: null,
  file: null,
  command: null,
  undo: null,
  takes_effect: null,
  risk: null,
  check: null,
  source: null,
  confidence: 'high',
  since_ms: 0,
  ...f,
});
const analysis = (a: Partial<Analysis>): Analysis => ({
  id: '1',
  at_ms: 0,
  preliminary: false,
  predicted_class: 0,
  recommendation: 'No changes needed',
  uncertain: false,
  probabilities: null,
  summary: '',
  checks: 0,
  silent: 0,
  closest: [],
  findings: [],
  held_back: null,
  ...a,
});
const host = (h: Partial<Host>): Host => ({
  id: h.name ?? 'x',
  name: 'x',
  first_seen_ms: 0,
  last_seen_ms: 0,
  analysis: true,
  state: 'healthy',
  advice: analysis({}),
  ...h,
});

// ---- charts ----

test('host names are quoted in expressions, and cannot end the string', () => {
  const expr = fill('up{instance="$host"}[$w]', { host: 'a"b\\c\n$&', windowS: 20 });
  expect(expr).toBe('up{instance="a\\"b\\\\c\\n$&"}[20s]');
});

test('no host chart leaves a placeholder or names a line twice', () => {
  for (const c of HOST_CHARTS) {
    expect(new Set(c.series.map(s => s.label)).size).toBe(c.series.length);
    for (const s of c.series) {
      expect(fill(s.expr, { host: 'h', windowS: 5 })).not.toMatch(/\$/);
      expect(s.expr).toContain('instance="$host"');
      expect(s.colour).toBeGreaterThanOrEqual(1);
      expect(s.colour).toBeLessThanOrEqual(6);
    }
  }
  expect(new Set(HOST_CHARTS.map(c => c.id)).size).toBe(HOST_CHARTS.length);
});

test('labels fill names; only those that differ tell lines apart', () => {
  expect(lineLabel('{device} read', { device: 'sda' })).toBe('sda read');
  expect(lineLabel('{nothing} read', {})).toBe('read');
  const lines = [{ labels: { cpu: '0', job: 'node', __name__: 'x' } }, { labels: { cpu: '1', job: 'node', __name__: 'x' } }];
  expect(tellingLabels(lines)).toEqual(['cpu']);
  expect(lineLabel('{*}', lines[0]!.labels, tellingLabels(lines))).toBe('cpu=0');
  expect(tellingLabels([lines[0]!])).toEqual(['cpu', 'job']);
});

test('one parameter of several numbers is asked for by all its labels', () => {
  const chart = parameterChart('x', { __name__: 'galen_sysctl', instance: 'h', job: 'node', name: 'net.ipv4.tcp_rmem', field: 'max' });
  expect(chart.series[0]?.expr).toBe('galen_sysctl{instance="$host",name="net.ipv4.tcp_rmem",field="max"}');
});

// ---- kernel parameters ----

const sysctl = (name: string, field?: string) => ({ instance: 'h', job: 'node', name, ...(field ? { field } : {}) });

test('a step of a value is a change, a gap is not', () => {
  const found = [{ labels: sysctl('vm.swappiness'), points: [[0, 60], [10, 60], [60, 10], [70, 10]] as [number, number][] }];
  expect(changes(found)).toEqual([{ tS: 60, name: 'vm.swappiness', from: 60, to: 10 }]);
  expect(changes([])).toEqual([]);
});

test('live: the first sight of a value is no change', () => {
  const known = new Map<string, number>();
  const at = (t: number, v: number) => liveChanges(known, t, [{ labels: sysctl('a'), v }]);
  expect(at(1, 5)).toEqual([]);
  expect(at(2, 5)).toEqual([]);
  expect(at(3, 6)).toEqual([{ tS: 3, name: 'a', from: 5, to: 6 }]);
});

test('the same change from history and live is one mark', () => {
  const lived = [{ tS: 103, name: 'a', from: 1, to: 2 }];
  const past = [{ tS: 110, name: 'a', from: 1, to: 2 }, { tS: 20, name: 'a', from: 9, to: 1 }];
  expect(mergeMarks(past, lived, 10).map(m => m.tS)).toEqual([20, 103]);
});

test('rows: advised ones first, then by name; search ignores case', () => {
  const h = host({ advice: analysis({ findings: [finding({})] }) });
  const values = ['vm.swappiness', 'net.core.somaxconn', 'fs.file-max'].map(n => ({ labels: sysctl(n), t: 0, v: 1 }));
  const rows = parameterRows(values, [{ tS: 9, name: 'fs.file-max', from: 0, to: 1 }], h);
  expect(rows.map(r => r.name)).toEqual(['net.core.somaxconn', 'fs.file-max', 'vm.swappiness']);
  expect(rows.map(r => r.advice)).toEqual(['8192', null, null]);
  expect(rows[1]?.sinceS).toBe(9);
  expect(matching(rows, ' SWAP ').length).toBe(1);
  expect(parameterName(sysctl('net.ipv4.tcp_mem', 'high'))).toBe('net.ipv4.tcp_mem high');
});

// ---- fleet ----

test('kinds: silence outranks advice, no analysis is a first look', () => {
  expect(kindOf(host({ state: 'silent' }))).toBe('silent');
  expect(kindOf(host({ advice: null }))).toBe('new');
  expect([0, 1, 2, 3].map(c => kindOf(host({ advice: analysis({ predicted_class: c as 0 }) })))).toEqual([
    'none',
    'increase',
    'decrease',
    'upgrade',
  ]);
});

test('the most urgent host is the first row', () => {
  const all = [host({ name: 'b' }), host({ name: 'a' }), host({ name: 'n', state: 'new' }), host({ name: 's', state: 'silent' }), host({ name: 'x', state: 'attention' })];
  const rows = fleetRows(all, new Map(), 1000);
  expect(rows.map(r => r.host.name)).toEqual(['x', 's', 'n', 'a', 'b']);
  expect(countKinds(rows)).toMatchObject({ none: 4, silent: 1 });
  expect(filterRows(rows, 'silent', '').map(r => r.host.name)).toEqual(['s']);
  expect(filterRows(rows, undefined, 'A').map(r => r.host.name)).toEqual(['a']);
});

test('figures: the fullest mount by name, the worst pressure by what waits', () => {
  const v = (x: number, labels = {}) => ({ labels: { instance: 'h', ...labels }, v: x });
  const byHost = figures(
    {
      cpu: [v(-0.1)],
      memory: [v(30)],
      mount: [v(10, { mountpoint: '/' }), v(97, { mountpoint: '/var' })],
      cpuPressure: [v(2)],
      memoryPressure: [],
      diskPressure: [v(8)],
    },
    [{ labels: { instance: 'h' }, points: [[60, 5]] }],
    { startS: 0, stepS: 60, n: 3 },
  );
  expect(byHost.get('h')).toEqual({
    cpu: 0,
    memory: 30,
    mount: { path: '/var', used: 97 },
    pressure: { of: 'disk', share: 8 },
    spark: [null, 5, null],
  });
});

test('advice in a few words', () => {
  const of = (...findings: Finding[]) => adviceWords(host({ advice: analysis({ predicted_class: 1, findings }) }));
  expect(of(finding({}))).toBe('Raise net.core.somaxconn to 8192');
  expect(of(finding({ class: 'none' }), finding({ class: 'decrease', parameter: 'vm.swappiness', to: '10' }))).toBe('Lower vm.swappiness to 10');
  expect(of(finding({ class: 'upgrade', parameter: null, to: null, title: 'Memory is short' }))).toBe('Memory is short');
  expect(adviceWords(host({}))).toBe('No change');
  expect(adviceWords(host({ advice: null }))).toBe('First look under way');
  expect(adviceWords(host({ advice: null, analysis: false }))).toBe('Analysis is off');
});

test('the first sentence is the heading', () => {
  expect(headed('Raise net.core.somaxconn from 4096 to 8192. Port 1414 refused 14.1 connections a second.')).toEqual([
    'Raise net.core.somaxconn from 4096 to 8192',
    'Port 1414 refused 14.1 connections a second.',
  ]);
  expect(headed('Add 1.5 GB of memory.')).toEqual(['Add 1.5 GB of memory', '']);
  expect(headed('')).toEqual(['', '']);
});

test('a number keeps its sign on its line', () => {
  expect(unbroken('at 70 % of 16 GB, for 5 mins')).toBe('at 70\u00a0% of 16\u00a0GB, for 5 mins');
});

// ---- results ----

test('a date field is a whole local day', () => {
  const start = Number(dayStart('2026-11-21'));
  expect(new Date(start).getHours()).toBe(0);
  expect(Number(dayEnd('2026-11-21')) - start).toBe(86_400_000 - 1);
  expect(dayStart('yesterday')).toBe(undefined);
  expect(dayEnd('2026-13-45')).toBe(undefined);
});

test('filters pass what is chosen and nothing else', () => {
  expect(filterOf({})).toEqual({});
  expect(filterOf({ class: '2', server: 'a', q: 'x', from: '', theme: 'y' })).toEqual({ class: '2', server_id: 'a', q: 'x' });
});

test('days without an analysis are shown as zero', () => {
  const days = [{ day: '2026-03-01', count: 2 }, { day: '2026-02-27', count: 1 }];
  expect(withEmptyDays(days).map(d => d.count)).toEqual([1, 0, 2]);
  expect(withEmptyDays([])).toEqual([]);
  expect(withEmptyDays([{ day: '2020-01-01', count: 1 }, { day: '2026-01-01', count: 1 }]).length).toBe(60);
});
