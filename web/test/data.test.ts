// The data page's arithmetic: what a clean-up takes, spans of an export, the order of tables.
import { expect, test } from 'vitest';
import { bytesPerSample, diskUse, exportSpan, going, isFault } from '../src/model/data';
import { clicked, orderOf, sorted } from '../src/model/sorting';
import type { Storage, StoredHost } from '../src/shapes_data';
import { dataCheck, storage } from '../src/shapes_data';

const DAY = 86_400_000;
const NOW = 100 * DAY;
const host = (name: string, firstDay: number, lastDay: number, samples: number): StoredHost => ({
  id: name,
  host: name,
  samples,
  series: 1,
  bytes: samples * 2,
  first_ms: NOW - firstDay * DAY,
  last_ms: NOW - lastDay * DAY,
});
const stored = (...hosts: StoredHost[]): Storage => ({
  totals: { samples: 1, series: 1, bytes: 1, log_bytes: 0, blocks: 0, first_ms: 0, last_ms: 0, damaged: 0, lost_records: 0 },
  retention: { time_ms: 0, bytes: 0 },
  disk: { bytes: 100, free_bytes: 25 },
  hosts,
});

test.each([
  ['nothing is that old', [host('a', 3, 0, 300)], 7, null, 0, 0],
  ['all of a host', [host('a', 20, 10, 300)], 7, 20, 1, 300],
  ['a share of a host', [host('a', 10, 0, 1000)], 7, 10, 1, 300],
  ['of two hosts', [host('a', 10, 0, 1000), host('b', 20, 10, 50), host('c', 1, 0, 9)], 7, 20, 2, 350],
  ['a host with one sample', [host('a', 9, 9, 1)], 7, 9, 1, 1],
])('a clean-up: %s', (_, hosts, days, fromDay, n, samples) => {
  const g = going(stored(...hosts), days, NOW);
  expect(g).toEqual({
    beforeMs: NOW - days * DAY,
    fromMs: fromDay === null ? null : NOW - fromDay * DAY,
    hosts: n,
    samples,
  });
});

test('shares of nothing are none', () => {
  expect(bytesPerSample(stored())).toBeNull();
  expect(bytesPerSample(stored(host('a', 1, 0, 4)))).toBe(2);
  expect(diskUse({ bytes: 0, free_bytes: 0 })).toBe(0);
  expect(diskUse({ bytes: 100, free_bytes: 25 })).toBe(0.75);
});

test('an export spans the last day, whole days, or nothing yet', () => {
  expect(exportSpan({}, NOW)).toEqual({ startS: (NOW - DAY) / 1000, endS: NOW / 1000 });
  expect(exportSpan({ span: 'nonsense' }, NOW)).toEqual(exportSpan({}, NOW));
  const days = exportSpan({ span: 'days', from: '2026-11-20', to: '2026-11-21' }, NOW);
  expect(days && days.endS - days.startS).toBe(2 * 86400);
  const none: Record<string, string>[] = [{}, { from: '2026-11-20' }, { from: '2026-11-21', to: '2026-11-20' }, { from: 'x', to: 'y' }];
  for (const p of none)
    expect(exportSpan({ span: 'days', ...p }, NOW)).toBeNull();
});

test.each([
  ['gap', false],
  ['orphan', false],
  ['checksum', true],
  ['something new', true],
])('%s as a fault: %s', (kind, want) => expect(isFault(kind)).toBe(want));

const KEYS = ['name', 'size'] as const;
const USUAL = { key: 'size', down: true } as const;

test.each([
  [undefined, USUAL],
  ['', USUAL],
  ['name', { key: 'name', down: false }],
  ['-name', { key: 'name', down: true }],
  ['other', USUAL],
  ['-', USUAL],
])('order "%s"', (given, want) => expect(orderOf(given, KEYS, USUAL)).toEqual(want));

test('a click sorts, a second one turns it, the usual order leaves the address', () => {
  expect(clicked('name', USUAL, USUAL, false)).toBe('name');
  expect(clicked('name', { key: 'name', down: false }, USUAL, false)).toBe('-name');
  expect(clicked('size', USUAL, USUAL, true)).toBe('size');
  expect(clicked('size', { key: 'size', down: false }, USUAL, true)).toBeUndefined();
});

test('numbers by size, text by letters, equal ones as they were', () => {
  const rows = [
    { name: 'b', size: 9 },
    { name: 'a', size: 10 },
    { name: 'c', size: 9 },
  ];
  expect(sorted(rows, { key: 'size', down: false }).map(r => r.name)).toEqual(['b', 'c', 'a']);
  expect(sorted(rows, { key: 'name', down: true }).map(r => r.name)).toEqual(['c', 'b', 'a']);
});

test('the answers of docs/API.md fit', () => {
  const s = storage(
    {
      totals: { samples: 19650, series: 30, series_active: 30, bytes: 143704, log_bytes: 344, blocks: 7, first_ms: 1, last_ms: 2, damaged: 0, lost_records: 0 },
      retention: { time_ms: 2592000000, bytes: 0 },
      disk: { bytes: 270553174016, free_bytes: 82001039360 },
      hosts: [{ host: 'web0', samples: 6550, series: 10, bytes: 841, first_ms: 1, last_ms: 2 }],
    },
    'answer',
  );
  expect(s.hosts[0]?.id).toBeNull();
  const c = dataCheck(
    {
      findings: [{ kind: 'gap', file: null, host: 'web0', from_ms: 1, to_ms: 2, text: 'no samples' }],
      blocks: 3, hosts: 2, series: 24, samples: 10218, bytes: 65536, unchecked_samples: 12, log_files: 0, log_records: 2, torn_bytes: 0,
      found: { checksum: 0, gap: 1 }, faults: 0, ok: true,
    },
    'answer',
  );
  expect(c.findings).toHaveLength(1);
  expect(() => storage({ totals: {} }, 'answer')).toThrow('answer.totals');
});
