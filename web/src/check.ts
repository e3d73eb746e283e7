// Checks of what came over the wire: a value of unknown shape becomes a typed one or an error
// that names the field. Used by api.ts and live.ts alone.

export class ShapeError extends Error {}

export type Check<T> = (v: unknown, at: string) => T;

function expected(what: string, v: unknown, at: string): ShapeError {
  const got = v === null ? 'null' : Array.isArray(v) ? 'a list' : typeof v;
  return new ShapeError(`${at}: expected ${what}, got ${got}`);
}

export const text: Check<string> = (v, at) => {
  if (typeof v !== 'string') throw expected('text', v, at);
  return v;
};

export const num: Check<number> = (v, at) => {
  if (typeof v !== 'number' || !Number.isFinite(v)) throw expected('a number', v, at);
  return v;
};

export const flag: Check<boolean> = (v, at) => {
  if (typeof v !== 'boolean') throw expected('true or false', v, at);
  return v;
};

export const anything: Check<unknown> = v => v;

export const list =
  <T>(item: Check<T>): Check<T[]> =>
  (v, at) => {
    if (!Array.isArray(v)) throw expected('a list', v, at);
    return v.map((x: unknown, i) => item(x, `${at}[${i}]`));
  };

export const nullable =
  <T>(inner: Check<T>): Check<T | null> =>
  (v, at) =>
    v === null || v === undefined ? null : inner(v, at);

/** The first alternative that fits. */
export const either =
  <A, B>(a: Check<A>, b: Check<B>): Check<A | B> =>
  (v, at) => {
    try {
      return a(v, at);
    } catch {
      return b(v, at);
    }
  };

export const oneOf =
  <T extends string | number>(...values: readonly T[]): Check<T> =>
  (v, at) => {
    const hit = values.find(x => x === v);
    if (hit === undefined) throw new ShapeError(`${at}: expected one of ${values.join(', ')}, got ${String(v)}`);
    return hit;
  };

export const record =
  <T>(inner: Check<T>): Check<Record<string, T>> =>
  (v, at) => {
    if (typeof v !== 'object' || v === null || Array.isArray(v)) throw expected('an object', v, at);
    return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, inner(x, `${at}.${k}`)]));
  };

/** Fields beyond the named ones are dropped: a newer server may send more. */
export const object =
  <T extends object>(fields: { [K in keyof T]: Check<T[K]> }): Check<T> =>
  (v, at) => {
    const all = record(anything)(v, at);
    const out: Partial<T> = {};
    for (const k of Object.keys(fields) as (keyof T & string)[]) out[k] = fields[k](all[k], `${at}.${k}`);
    return out as T;
  };

/** Prometheus writes sample values as text, with NaN, +Inf and -Inf. */
export const sampleValue: Check<number> = (v, at) => {
  if (typeof v === 'number') return v;
  const s = text(v, at);
  if (s === 'NaN') return NaN;
  if (s === '+Inf' || s === 'Inf') return Infinity;
  if (s === '-Inf') return -Infinity;
  const n = Number(s);
  if (s.trim() === '' || Number.isNaN(n)) throw new ShapeError(`${at}: "${s}" is not a number`);
  return n;
};
