// The data page's pure parts: what a clean-up takes, how full the disk is, what an export spans.

import type { Params } from '../router';
import type { Storage, StoredHost } from '../shapes_data';

export const CLEAN_UPS: readonly { id: string; days: number; text: string }[] = [
  { id: '1d', days: 1, text: 'a day' },
  { id: '7d', days: 7, text: 'a week' },
  { id: '30d', days: 30, text: 'a month' },
];
const DAY_MS = 86_400_000;

export interface Going {
  beforeMs: number;
  /** The oldest sample that goes; null when none is that old. */
  fromMs: number | null;
  hosts: number;
  /** As if samples came evenly: the server counts when it is done. */
  samples: number;
}

const shareBefore = (h: StoredHost, ms: number): number => {
  if (h.first_ms >= ms) return 0;
  return h.last_ms < ms ? 1 : (ms - h.first_ms) / Math.max(1, h.last_ms - h.first_ms);
};

export function going(s: Storage, days: number, nowMs: number): Going {
  const beforeMs = nowMs - days * DAY_MS;
  const old = s.hosts.filter(h => h.first_ms < beforeMs);
  return {
    beforeMs,
    fromMs: old.length ? Math.min(...old.map(h => h.first_ms)) : null,
    hosts: old.length,
    samples: Math.round(old.reduce((n, h) => n + h.samples * shareBefore(h, beforeMs), 0)),
  };
}

/** Share of the disk that is in use, 0 to 1. */
export const diskUse = (d: Storage['disk']): number => (d.bytes > 0 ? 1 - d.free_bytes / d.bytes : 0);

/** In blocks: the log's files are made in advance and say nothing about it. */
export function bytesPerSample(s: Storage): number | null {
  const samples = s.hosts.reduce((n, h) => n + h.samples, 0);
  return samples > 0 ? s.hosts.reduce((n, h) => n + h.bytes, 0) / samples : null;
}

// ---- export ----

export const FORMATS: readonly { id: string; text: string }[] = [
  { id: 'csv', text: 'CSV' },
  { id: 'json', text: 'JSON' },
  { id: 'openmetrics', text: 'OpenMetrics' },
];
export const SPANS: readonly { id: string; days: number; text: string }[] = [
  { id: '1h', days: 1 / 24, text: 'Last hour' },
  { id: '24h', days: 1, text: 'Last 24 hours' },
  { id: '7d', days: 7, text: 'Last 7 days' },
  { id: '30d', days: 30, text: 'Last 30 days' },
  { id: 'days', days: 0, text: 'From day to day' },
];

const dayMs = (date: string | undefined, later: number): number => {
  if (!date || !/^\d{4}-\d{2}-\d{2}$/.test(date)) return NaN;
  const [y = 0, m = 1, d = 1] = date.split('-').map(Number);
  return new Date(y, m - 1, d + later).getTime();
};

/** Whole seconds since 1970; null while the days make no range. */
export function exportSpan(p: Params, nowMs: number): { startS: number; endS: number } | null {
  const span = SPANS.find(s => s.id === p['span']) ?? SPANS[1]!;
  const endMs = span.days ? nowMs : dayMs(p['to'], 1) - 1;
  const startMs = span.days ? nowMs - span.days * DAY_MS : dayMs(p['from'], 0);
  return startMs < endMs ? { startS: Math.floor(startMs / 1000), endS: Math.ceil(endMs / 1000) } : null;
}

// ---- check ----

/** No faults: worth a look, nothing is broken. */
const NO_FAULT: readonly string[] = ['gap', 'orphan'];
export const isFault = (kind: string): boolean => !NO_FAULT.includes(kind);
