// Where axes end and where their ticks lie: round numbers in the unit's own counting, local time
// on clock boundaries.

import type { Unit } from '../units';
import { clock, day } from '../units';

const isBytes = (u: Unit): boolean => u === 'bytes' || u === 'bytes/s';

const DECIMAL = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10];
const BINARY = [1, 1.25, 1.5, 2];

/** The smallest round number that leaves a little room above v. */
export function niceTop(unit: Unit, v: number): number {
  if (!(v > 0)) return 1;
  const wanted = v * 1.04;
  const base = isBytes(unit) ? 2 : 10;
  const magnitude = base ** Math.floor(Math.log(wanted) / Math.log(base) + 1e-9);
  const steps = isBytes(unit) ? BINARY : DECIMAL;
  const hit = steps.find(s => s * magnitude >= wanted) ?? base;
  const top = hit * magnitude;
  return unit === 'percent' && v <= 100 ? Math.min(100, top) : top;
}

/** Distances between ticks that uPlot may choose from. */
export function yIncrements(unit: Unit): number[] {
  if (isBytes(unit)) return Array.from({ length: 51 }, (_, i) => 2 ** i);
  const incrs: number[] = [];
  for (let e = -9; e <= 15; e++) for (const m of [1, 2, 2.5, 5]) incrs.push(m * 10 ** e);
  return unit === 'count' ? incrs.filter(i => i >= 0.01) : incrs;
}

/** Labels under the time axis: the clock, and the day where it begins. */
export function timeTicks(_: unknown, splits: number[], __: number, ___: number, apart: number): string[] {
  let before = '';
  return splits.map(s => {
    const today = day(s * 1000);
    const time = clock(s * 1000, apart < 60);
    const fresh = before !== '' && today !== before;
    before = today;
    if (apart >= 86400) return today;
    return fresh || (apart >= 3600 && time === '00:00') ? today : time;
  });
}
