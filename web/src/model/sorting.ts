// The order of a table as the address holds it: "bytes" upwards, "-bytes" downwards.

export interface Order<K extends string> {
  key: K;
  down: boolean;
}

export function orderOf<K extends string>(text: string | undefined, keys: readonly K[], usual: Order<K>): Order<K> {
  const down = text?.startsWith('-') ?? false;
  const key = keys.find(k => k === (down ? text?.slice(1) : text));
  return key ? { key, down } : usual;
}

/** What a click on a column's head makes of it; undefined is the usual order. */
export function clicked<K extends string>(key: K, now: Order<K>, usual: Order<K>, downFirst: boolean): string | undefined {
  const next: Order<K> = { key, down: now.key === key ? !now.down : downFirst };
  if (next.key === usual.key && next.down === usual.down) return undefined;
  return (next.down ? '-' : '') + next.key;
}

/** Text by its letters, numbers by size; equal ones stay as they were. */
export function sorted<T, K extends string & keyof T>(rows: readonly T[], o: Order<K>): T[] {
  const sign = o.down ? -1 : 1;
  return [...rows].sort((a, b) => {
    const [x, y]: unknown[] = [a[o.key], b[o.key]];
    const by = typeof x === 'number' && typeof y === 'number' ? x - y : String(x).localeCompare(String(y));
    return by * sign;
  });
}
