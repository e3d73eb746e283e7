// The span of time a page shows: "the last 15 minutes", moving, or from-to, fixed. It is read from
// the address and written back to it.

import type { Params } from '../router';
import { clock, day } from '../units';

export type TimeRange = { kind: 'last'; seconds: number } | { kind: 'fixed'; fromS: number; toS: number };

export const CHOICES: readonly { id: string; seconds: number; text: string }[] = [
  { id: '5m', seconds: 300, text: 'Last 5 minutes' },
  { id: '15m', seconds: 900, text: 'Last 15 minutes' },
  { id: '1h', seconds: 3600, text: 'Last hour' },
  { id: '6h', seconds: 21600, text: 'Last 6 hours' },
  { id: '24h', seconds: 86400, text: 'Last 24 hours' },
  { id: '7d', seconds: 604800, text: 'Last 7 days' },
  { id: '30d', seconds: 2592000, text: 'Last 30 days' },
];
export const DEFAULT_RANGE = '15m';

export function parseRange(p: Params): TimeRange {
  const fromS = Number(p['from'] || NaN) / 1000;
  const toS = Number(p['to'] || NaN) / 1000;
  if (fromS < toS) return { kind: 'fixed', fromS, toS };
  const named = CHOICES.find(c => c.id === p['range']) ?? CHOICES.find(c => c.id === DEFAULT_RANGE)!;
  return { kind: 'last', seconds: named.seconds };
}

export const lastRange = (id: string): Record<string, string | undefined> => ({
  range: id === DEFAULT_RANGE ? undefined : id,
  from: undefined,
  to: undefined,
});

export const fixedRange = (fromS: number, toS: number): Record<string, string> => ({
  from: String(Math.round(fromS * 1000)),
  to: String(Math.round(toS * 1000)),
});

export const span = (r: TimeRange): number => (r.kind === 'last' ? r.seconds : r.toS - r.fromS);

export function rangeText(r: TimeRange): string {
  if (r.kind === 'last') return CHOICES.find(c => c.seconds === r.seconds)?.text ?? '';
  const from = r.fromS * 1000;
  const to = r.toS * 1000;
  const fine = r.toS - r.fromS < 600;
  return `${day(from)} ${clock(from, fine)} to ${day(from) === day(to) ? '' : day(to) + ' '}${clock(to, fine)}`;
}

/** The range moved by a fraction of its width (keys , and .). */
export function shifted(r: TimeRange, by: number, nowS: number): Record<string, string> {
  const width = span(r);
  const to = (r.kind === 'last' ? nowS : r.toS) + by * width;
  return fixedRange(to - width, to);
}

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];
const POINTS = 300;

/** Seconds between two points: about as many as a chart has pixels to show, and never finer than
 *  the host reports. */
export function stepFor(widthS: number, intervalS: number): number {
  const least = Math.max(widthS / POINTS, intervalS);
  return STEPS.find(s => s >= least) ?? 86400;
}

/** The window of rate(): four readings make a rate that survives a lost one. */
export const rateWindow = (stepS: number, intervalS: number): number =>
  Math.max(5, Math.ceil(Math.max(stepS, 4 * intervalS)));
