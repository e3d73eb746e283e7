// The results page's pure parts: filters from the address to the API, days without a hole.

import type { ResultFilter } from '../api';
import type { Params } from '../router';
import type { Summary } from '../shapes';
import type { Imported } from '../shapes_advice';

/** A date field's "2026-11-21" is a whole local day. */
export function dayStart(date: string | undefined): string | undefined {
  if (!date || !/^\d{4}-\d{2}-\d{2}$/.test(date)) return undefined;
  const ms = new Date(`${date}T00:00:00`).getTime();
  return Number.isNaN(ms) ? undefined : String(ms);
}

export function dayEnd(date: string | undefined): string | undefined {
  const start = dayStart(date);
  if (start === undefined) return undefined;
  const d = new Date(Number(start));
  d.setDate(d.getDate() + 1);
  return String(d.getTime() - 1);
}

export function filterOf(p: Params): ResultFilter {
  const f: ResultFilter = {};
  const from = dayStart(p['from']);
  const to = dayEnd(p['to']);
  if (from) f.from = from;
  if (to) f.to = to;
  if (p['server']) f.server_id = p['server'];
  if (p['class']) f.class = p['class'];
  if (p['q']) f.q = p['q'];
  return f;
}

const DAYS_MOST = 60;

/** Every day between the first and the last, also those on which nothing was counted. */
export function withEmptyDays(days: Summary['by_day']): Summary['by_day'] {
  const sorted = [...days].sort((a, b) => a.day.localeCompare(b.day));
  const last = sorted.at(-1)?.day;
  const count = new Map(sorted.map(d => [d.day, d.count]));
  const all: Summary['by_day'] = [];
  let day = sorted[0]?.day;
  while (day !== undefined && last !== undefined && day <= last) {
    all.push({ day, count: count.get(day) ?? 0 });
    const next = new Date(day + 'T00:00:00Z');
    if (Number.isNaN(next.getTime())) return sorted;
    next.setUTCDate(next.getUTCDate() + 1);
    day = next.toISOString().slice(0, 10);
  }
  return all.slice(-DAYS_MOST);
}

// ---- imports ----

const IMPORT_MAX_BYTES = 64 * 1024 ** 3; // the server's ceiling
export const fits = (bytes: number): boolean => bytes <= IMPORT_MAX_BYTES;

const count = (n: number, one: string, more = one + 's'): string => `${n.toLocaleString('en')} ${n === 1 ? one : more}`;

/** What a file holds, or what became of it, in one sentence. */
export function importWords(i: Imported): string {
  const bad = i.bad > 0 ? `${count(i.bad, 'line')} cannot be used` : '';
  if (i.dry_run)
    return [`${i.format}: ${count(i.lines, 'line')}, ${count(i.samples, 'sample')}`, bad || 'every line is good'].join('; ') + '.';
  const parts = [`${count(i.imported, 'sample')} imported, ${count(i.new_series, 'new series', 'new series')}`];
  if (i.duplicates > 0) parts.push(`${count(i.duplicates, 'was', 'were')} there already`);
  if (i.refused > 0) parts.push(`${i.refused.toLocaleString('en')} refused${i.refused_why ? `: ${i.refused_why}` : ''}`);
  if (bad) parts.push(`${count(i.bad, 'line')} left out`);
  return parts.join('; ') + '.';
}
