// What a view reads once and again: not there yet, there, or why it is not there. The old value stays
// while a new one is on its way, so that nothing jumps.

import { useEffect, useState } from 'preact/hooks';
import { catchUp, toast, useCell } from './store';

export const asError = (e: unknown): Error => (e instanceof Error ? e : new Error(String(e)));

export interface Reading<T> {
  value: T | null;
  /** Null as long as a value of this key is there: what was read before stays. */
  failed: Error | null;
  again: () => void;
}
interface Options {
  /** After another key came, while someone types. */
  waitMs?: number;
  everyMs?: number | undefined;
  /** Another key does not forget the value. */
  keep?: boolean;
}

/** Reads at first, whenever the key is another one, every everyMs while the page is seen, after the
 *  connection was gone, and at again(). */
export function useReading<T>(
  read: (stop: AbortSignal) => Promise<T>,
  key: string,
  { waitMs = 0, everyMs, keep = false }: Options = {},
): Reading<T> {
  const [known, setKnown] = useState<{ key: string; value: T | null; failed: Error | null } | null>(null);
  const [attempt, setAttempt] = useState(0);
  const missed = useCell(catchUp);
  useEffect(() => {
    const stop = new AbortController();
    const ask = (): void =>
      void read(stop.signal).then(
        value => stop.signal.aborted || setKnown({ key, value, failed: null }),
        (e: unknown) => {
          if (stop.signal.aborted) return;
          const failed = asError(e);
          setKnown(k => (k?.key === key && k.value !== null ? k : { key, value: keep ? (k?.value ?? null) : null, failed }));
        },
      );
    const first = setTimeout(ask, known ? waitMs : 0);
    const rest = everyMs ? setInterval(() => document.hidden || ask(), everyMs) : undefined;
    return () => {
      clearTimeout(first);
      clearInterval(rest);
      stop.abort();
    };
  }, [key, attempt, missed, everyMs]);
  const mine = known && (keep || known.key === key) ? known : null;
  return { value: mine?.value ?? null, failed: mine?.failed ?? null, again: () => setAttempt(n => n + 1) };
}

/** Does something for a person and tells how it went. True when it went well. */
export async function act<T>(doing: () => Promise<T>, done: string | ((v: T) => string)): Promise<boolean> {
  try {
    const v = await doing();
    toast(typeof done === 'string' ? done : done(v));
    return true;
  } catch (e) {
    toast(asError(e).message, true);
    return false;
  }
}
