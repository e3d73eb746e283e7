// Small drawings of shares and counts that need no chart library.

import type { ComponentChildren } from 'preact';
import { percent } from '../units';

/** A level on its limit, with ticks where it starts to matter. */
export function Level({ share, label, ticks = true }: { share: number; label?: string; ticks?: boolean }) {
  const pct = Math.min(100, Math.max(0, share * 100));
  const tone = pct >= 95 ? 'bad' : pct >= 75 ? 'warn' : '';
  return (
    <span class={`level ${tone}`} role="img" aria-label={label ?? percent(pct)}>
      <span class="fill" style={{ width: `${pct}%` }} />
      {ticks && <span class="tick" style={{ left: '75%' }} />}
      {ticks && <span class="tick" style={{ left: '95%' }} />}
    </span>
  );
}

const SPARK_W = 72;
const SPARK_H = 24;

/** One hour of a share of 100, gaps left out. */
export function Spark({ values, label }: { values: readonly (number | null)[]; label: string }) {
  const top = Math.max(10, ...values.map(v => v ?? 0));
  const x = (i: number): string => ((i / Math.max(1, values.length - 1)) * SPARK_W).toFixed(1);
  const y = (v: number): string => (SPARK_H - 1 - (v / top) * (SPARK_H - 2)).toFixed(1);
  const path = values.map((v, i) => {
    if (v === null) return '';
    const start = i === 0 || values[i - 1] === null;
    return `${start ? 'M' : 'L'}${x(i)} ${y(v)}`;
  });
  return (
    <svg class="spark" width={SPARK_W} height={SPARK_H} viewBox={`0 0 ${SPARK_W} ${SPARK_H}`} role="img" aria-label={label}>
      <path d={path.join('')} />
    </svg>
  );
}

export interface Bar {
  key: string;
  label: ComponentChildren;
  count: number;
  tone?: string;
  href?: string;
}

/** Counts as horizontal bars, each with its number. */
export function BarList({ bars }: { bars: readonly Bar[] }) {
  const most = Math.max(1, ...bars.map(b => b.count));
  return (
    <ul class="barlist">
      {bars.map(b => (
        <li key={b.key}>
          <span class="label">{b.href ? <a href={b.href}>{b.label}</a> : b.label}</span>
          <span class="track">
            <span class={`fill ${b.tone ?? ''}`} style={{ width: `${(b.count / most) * 100}%` }} />
          </span>
          <span class="num">{b.count.toLocaleString('en')}</span>
        </li>
      ))}
    </ul>
  );
}

/** Counts over days as columns. */
export function Columns({ columns }: { columns: readonly { key: string; label: string; count: number }[] }) {
  const most = Math.max(1, ...columns.map(c => c.count));
  const every = Math.ceil(columns.length / 8);
  return (
    <ol class="columns">
      {columns.map((c, i) => (
        <li key={c.key} title={`${c.label}: ${c.count.toLocaleString('en')}`}>
          <span class="num">{columns.length <= 14 ? c.count.toLocaleString('en') : ''}</span>
          <span class="stand">
            <span class="fill" style={{ height: `${(c.count / most) * 100}%` }} />
          </span>
          <span class="label">{i % every === 0 ? c.label : ''}</span>
        </li>
      ))}
    </ol>
  );
}
