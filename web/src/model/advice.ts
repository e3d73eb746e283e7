// Findings of the whole fleet: how they are counted, filtered and sorted.

import type { FindingClass } from '../shapes';
import type { Audit, AuditResult, FindingState, Kept } from '../shapes_advice';
import { FINDING_STATES } from '../shapes_advice';

/** What the page can be asked for; "all" is everything that was ever found. */
export type Shown = FindingState | 'all';
export const shownOf = (text: string | undefined): Shown =>
  text === 'all' ? 'all' : (FINDING_STATES.find(s => s === text) ?? 'open');

export interface Filter {
  state: Shown;
  host: string | undefined;
  class: string | undefined;
}

export const inFilter = (k: Kept, f: Omit<Filter, 'state'>): boolean =>
  (!f.host || k.host_name === f.host || k.host === f.host) && (!f.class || k.finding?.class === f.class);

export function countStates(all: readonly Kept[]): Record<FindingState, number> {
  const n = Object.fromEntries(FINDING_STATES.map(s => [s, 0])) as Record<FindingState, number>;
  for (const k of all) n[k.state]++;
  return n;
}

const URGENCY: Record<FindingState, number> = {
  harmed: 0,
  open: 1,
  applied: 2,
  no_effect: 3,
  helped: 4,
  dismissed: 5,
  ended: 6,
};
/** The most urgent first, then the newest. */
export const sorted = (all: readonly Kept[]): Kept[] =>
  [...all].sort((a, b) => URGENCY[a.state] - URGENCY[b.state] || (b.opened_ms ?? 0) - (a.opened_ms ?? 0) || b.id - a.id);

/** A finding in a few words, for a row. */
export function inShort(k: Kept): string {
  const f = k.finding;
  if (!f) return `Finding ${k.id}`;
  if (f.parameter && f.to) return `${f.class === 'decrease' ? 'Lower' : 'Raise'} ${f.parameter} from ${f.from ?? '?'} to ${f.to}`;
  return f.subject ? `${f.title}: ${f.subject}` : f.title;
}

export const CLASS_FILTER: readonly FindingClass[] = ['increase', 'decrease', 'upgrade', 'none'];

const WORST: readonly AuditResult[] = ['FAIL', 'WARN', '?', 'PASS'];
/** "2 FAIL, 1 WARN, 9 PASS" */
export const tally = (a: Audit): string =>
  WORST.map(r => [r, a.checks.filter(c => c.result === r).length] as const)
    .filter(([, n]) => n > 0)
    .map(([r, n]) => `${n} ${r === '?' ? 'unknown' : r}`)
    .join(', ');
