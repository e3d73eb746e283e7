// What came of changes: marks on charts get the verdicts that the server keeps, and what only the
// server knows (memory, processors, file systems) becomes a mark, too.

import type { Finding } from '../shapes';
import type { Change, Outcome } from '../shapes_advice';
import type { Mark } from './parameters';

/** A change is noticed at a look of the agent, and drawn on the next point. */
const APART_S = 30;

const isOf = (m: Mark, c: Change): boolean => m.name === c.parameter || m.name.startsWith(c.parameter + ' ');

/** Marks of kernel parameters with their verdicts, then all other changes; by time. */
export function judged(marks: readonly Mark[], changes: readonly Change[], stepS: number): Mark[] {
  const told = new Set<number>();
  const known = marks.map(m => {
    const near = changes
      .filter(c => isOf(m, c) && Math.abs(c.at_ms / 1000 - m.tS) <= stepS + APART_S)
      .filter(c => m.name !== c.parameter || c.to === String(m.to))
      .sort((a, b) => Math.abs(a.at_ms / 1000 - m.tS) - Math.abs(b.at_ms / 1000 - m.tS))[0];
    if (near) told.add(near.id);
    return near ? { ...m, tS: near.at_ms / 1000, change: near } : m;
  });
  const others = changes
    .filter(c => !told.has(c.id))
    .map(c => ({ tS: c.at_ms / 1000, name: c.parameter, from: c.from, to: c.to, change: c }));
  return [...known, ...others].sort((a, b) => a.tS - b.tS);
}

const isParameter = (name: string): boolean => /^[a-z0-9_-]+(\.[a-zA-Z0-9_-]+)+$/.test(name);

/** The line that puts the old value back; null for what is no parameter. */
export function revertLine(c: Change): string | null {
  if (!isParameter(c.parameter)) return null;
  return `sysctl -w ${c.parameter}=${/\s/.test(c.from) ? `"${c.from}"` : c.from}`;
}

/** The server's own advice to take a change back. */
export const isHarm = (f: Pick<Finding, 'rule'>): boolean => f.rule === 'VERIFY';

const CAUSES: Record<string, string> = {
  advice: 'as advised',
  hand: 'by hand',
  resource: 'the machine itself',
  person: 'somebody said so',
  revert: 'put back',
};
export const causeWords = (cause: string): string => CAUSES[cause] ?? cause;

const UNTOLD: Record<Outcome, string> = {
  pending: 'Watched until a window lies before and behind it, at comparable load.',
  helped: 'What was wrong before is gone.',
  no_effect: 'Nothing became better or worse.',
  harmed: 'A pressure rose, or memory became short.',
  unjudged: 'No comparable load or no signal within 24 hours, or nothing to be helped before.',
};
/** Why the verdict is what it is: the server's figures, else what the verdict means. */
export const reasonOf = (c: Change): string => {
  if (!c.outcome) return UNTOLD[c.verdict];
  return c.outcome.charAt(0).toUpperCase() + c.outcome.slice(1) + (/[.!]$/.test(c.outcome) ? '' : '.');
};
