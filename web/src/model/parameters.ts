// Kernel parameters of one host: the table's rows, and the changes that are marked on every chart.

import type { Change } from '../shapes_advice';
import type { Host, Instant, Labels, Range } from '../shapes';
import { labelKey } from './timeline';

export interface Mark {
  tS: number;
  name: string;
  from: number | string;
  to: number | string;
  /** What the server keeps of it: its verdict. */
  change?: Change;
}

export interface Parameter {
  key: string;
  name: string;
  labels: Labels;
  value: number;
  /** When it took this value, if that lies within what was looked at. */
  sinceS: number | null;
  advice: string | null;
}

/** A parameter may hold several numbers (tcp_rmem): other labels tell which one. */
export function parameterName(labels: Labels): string {
  const rest = Object.entries(labels)
    .filter(([k]) => !['__name__', 'instance', 'job', 'name'].includes(k))
    .map(([, v]) => v);
  return [labels['name'] ?? '?', ...rest].join(' ');
}

/** Where the value of a series stepped. A gap in between does not hide a change. */
export function changes(found: readonly Range[]): Mark[] {
  const marks: Mark[] = [];
  for (const r of found) {
    let before: number | undefined;
    for (const [t, v] of r.points) {
      if (before !== undefined && v !== before) {
        marks.push({ tS: t, name: parameterName(r.labels), from: before, to: v });
      }
      before = v;
    }
  }
  return marks.sort((a, b) => a.tS - b.tS);
}

/** Live: compares with what was last known, remembers the new values, returns what changed. */
export function liveChanges(
  known: Map<string, number>,
  tS: number,
  values: readonly { labels: Labels; v: number }[],
): Mark[] {
  const marks: Mark[] = [];
  for (const { labels, v } of values) {
    const key = labelKey(labels);
    const before = known.get(key);
    if (before !== undefined && before !== v) marks.push({ tS, name: parameterName(labels), from: before, to: v });
    known.set(key, v);
  }
  return marks;
}

/** Those of both lists, each change once: the live one is exact, history has it a step later. */
export function mergeMarks(history: readonly Mark[], live: readonly Mark[], stepS: number): Mark[] {
  const again = (h: Mark): boolean =>
    live.some(l => l.name === h.name && l.to === h.to && Math.abs(l.tS - h.tS) <= stepS + 15);
  return [...history.filter(h => !again(h)), ...live].sort((a, b) => a.tS - b.tS);
}

export function parameterRows(values: readonly Instant[], marks: readonly Mark[], host: Host | undefined): Parameter[] {
  return values
    .map(({ labels, v }) => {
      const name = parameterName(labels);
      const last = marks.filter(m => m.name === name).at(-1);
      const wanted = host?.advice?.findings.find(f => f.parameter === labels['name'] && f.to !== null);
      return {
        key: labelKey(labels),
        name,
        labels,
        value: v,
        sinceS: last ? last.tS : null,
        advice: wanted?.to ?? null,
      };
    })
    .sort((a, b) => Number(b.advice !== null) - Number(a.advice !== null) || a.name.localeCompare(b.name));
}

export const matching = (rows: readonly Parameter[], text: string): Parameter[] =>
  rows.filter(r => r.name.toLowerCase().includes(text.trim().toLowerCase()));
