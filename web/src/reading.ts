// What a view reads once and again: the value, or why it is not there. The old value stays while
// a new one is on its way, so that nothing jumps.

import { useEffect, useState } from 'preact/hooks';
import { toast } from './store';

export const asError = (e: unknown): Error => (e instanceof Error ? e : new Error(String(e)));

export interface Reading<T> {
  value: T | null;
  failed: Error | null;
  again: () => void;
}

/** Reads at first, whenever the key is another one (after waitMs, while someone types), every
 *  everyMs if that is given, and at again(). */
export function useReading<T>(
  read: (signal: AbortSignal) => Promise<T>,
  key: string,
  { waitMs = 0, everyMs }: { waitMs?: number; everyMs?: number } = {},
): Reading<T> {
  const [value, setValue] = useState<T | null>(null);
  const [failed, setFailed] = useState<Error | null>(null);
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    const once = (): void => {
      read(stop.signal).then(
        v => {
          if (stop.signal.aborted) return;
          setValue(() => v);
          setFailed(null);
        },
        (e: unknown) => !stop.signal.aborted && setFailed(asError(e)),
      );
    };
    const first = setTimeout(once, value === null ? 0 : waitMs);
    const rest = everyMs ? setInterval(() => !document.hidden && once(), everyMs) : undefined;
    return () => {
      clearTimeout(first);
      clearInterval(rest);
      stop.abort();
    };
  }, [key, attempt]);
  return { value, failed, again: () => setAttempt(n => n + 1) };
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
