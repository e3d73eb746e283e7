// An answer of the server as a component needs it: not there yet, there, or failed; read again when
// its key changes, when asked, or every so often while the page is seen.

import { useEffect, useState } from 'preact/hooks';
import { catchUp, useCell } from '../store';

export interface Answer<T> {
  value: T | null;
  /** Null as long as a value is there: what was read before stays. */
  failed: Error | null;
  again: () => void;
}

export const asError = (e: unknown): Error => (e instanceof Error ? e : new Error(String(e)));

/** everyMs 0: once. The key names what is read: another key forgets the value. */
export function useAnswer<T>(read: (stop: AbortSignal) => Promise<T>, key: string, everyMs = 0): Answer<T> {
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
          setKnown(k => (k?.key === key && k.value !== null ? k : { key, value: null, failed: asError(e) }));
        },
      );
    ask();
    const timer = everyMs > 0 ? setInterval(() => document.hidden || ask(), everyMs) : undefined;
    return () => {
      stop.abort();
      clearInterval(timer);
    };
  }, [key, attempt, missed, everyMs]);
  const mine = known?.key === key ? known : null;
  return { value: mine?.value ?? null, failed: mine?.failed ?? null, again: () => setAttempt(n => n + 1) };
}
