// The points of one chart: a column of times and a column of values for each line, where null is a
// gap. History arrives on a grid of step seconds; live points move the newest column until a step
// has passed, so the number of points stays what the pixels can show.

import type { Labels, Range } from '../shapes';

export interface Line {
  key: string;
  /** Which series of the chart it belongs to. */
  series: number;
  labels: Labels;
  values: (number | null)[];
}

export interface Timeline {
  stepS: number;
  times: number[]; // seconds, rising
  lines: Line[];
  /** The newest column is live and may still be replaced. */
  open: boolean;
}

export const emptyTimeline = (stepS: number): Timeline => ({ stepS, times: [], lines: [], open: false });

export function labelKey(labels: Labels): string {
  return Object.keys(labels)
    .sort()
    .map(k => `${k}=${labels[k]}`)
    .join(',');
}

const finite = (v: number): number | null => (Number.isFinite(v) ? v : null);

/** Answers, one list of ranges for each series of the chart, laid on the grid startS..endS. */
export function fromRanges(answers: readonly Range[][], startS: number, endS: number, stepS: number): Timeline {
  const n = Math.floor((endS - startS) / stepS + 1e-6) + 1;
  const times = Array.from({ length: n }, (_, i) => startS + i * stepS);
  const lines = answers.flatMap((found, series) =>
    found.map(r => {
      const values: (number | null)[] = new Array<number | null>(n).fill(null);
      for (const [t, v] of r.points) {
        const i = Math.round((t - startS) / stepS);
        if (i >= 0 && i < n) values[i] = finite(v);
      }
      return { key: `${series} ${labelKey(r.labels)}`, series, labels: r.labels, values };
    }),
  );
  return { stepS, times, lines, open: false };
}

/** Silence longer than this many steps is a gap. */
const GAP_STEPS = 3;
const GAP_LEAST_S = 5;

function column(tl: Timeline, t: number): number {
  const last = tl.times.length - 1;
  const newest = tl.times[last];
  const settled = tl.times[tl.open ? last - 1 : last];
  if (newest !== undefined && settled !== undefined && tl.open && t - settled < tl.stepS) {
    tl.times[last] = t;
    return last;
  }
  if (newest !== undefined && t - newest > Math.max(GAP_STEPS * tl.stepS, GAP_LEAST_S) * 1.5) {
    tl.times.push(newest + tl.stepS);
    for (const line of tl.lines) line.values.push(null);
  }
  tl.times.push(t);
  for (const line of tl.lines) line.values.push(null);
  tl.open = true;
  return tl.times.length - 1;
}

/** Adds one live moment, in place. What is older than the newest column is not live: ignored. */
export function append(tl: Timeline, tS: number, values: readonly { labels: Labels; v: number }[][]): boolean {
  const newest = tl.times[tl.times.length - 1];
  if (newest !== undefined && tS <= newest) return false;
  const at = column(tl, tS);
  for (const line of tl.lines) line.values[at] = null;
  values.forEach((found, series) => {
    for (const { labels, v } of found) {
      const key = `${series} ${labelKey(labels)}`;
      let line = tl.lines.find(l => l.key === key);
      if (!line) {
        line = { key, series, labels, values: new Array<number | null>(tl.times.length).fill(null) };
        tl.lines.push(line);
      }
      line.values[at] = finite(v);
    }
  });
  return true;
}

/** Forgets what lies before fromS, keeping one column outside so that lines reach the edge. */
export function trim(tl: Timeline, fromS: number): void {
  let n = 0;
  while (n + 1 < tl.times.length && tl.times[n + 1]! < fromS) n++;
  if (n === 0) return;
  tl.times.splice(0, n);
  for (const line of tl.lines) line.values.splice(0, n);
}

export function newestValue(line: Line): number | null {
  for (let i = line.values.length - 1; i >= 0; i--) {
    const v = line.values[i];
    if (v !== null && v !== undefined) return v;
  }
  return null;
}

/** Sums from below for a stacked chart; a gap in one line is a gap in the sum. */
export function stacked(lines: readonly (readonly (number | null)[])[]): (number | null)[][] {
  const sums: (number | null)[][] = [];
  for (const values of lines) {
    const below = sums[sums.length - 1];
    sums.push(
      values.map((v, i) => {
        const base = below ? below[i] : 0;
        return v === null || base === null || base === undefined ? null : base + v;
      }),
    );
  }
  return sums;
}

/** The busiest lines first, the rest counted: a chart of sixty lines says nothing. */
export function busiest(lines: readonly Line[], most: number): { shown: Line[]; more: number } {
  if (lines.length <= most) return { shown: [...lines], more: 0 };
  const peak = (l: Line): number => l.values.reduce<number>((m, v) => (v !== null && v > m ? v : m), -Infinity);
  const keep = new Set(
    [...lines]
      .sort((a, b) => peak(b) - peak(a))
      .slice(0, most)
      .map(l => l.key),
  );
  return { shown: lines.filter(l => keep.has(l.key)), more: lines.length - most };
}
