// Numbers, sizes, spans of time and dates as people read them. Pure: no clock, no locale lookups
// but the browser's own for dates.

export type Unit = 'percent' | 'bytes' | 'bytes/s' | 'count' | 'per second' | 'seconds';

export const MISSING = '–';
const SPACE = '\u202f'; // narrow, and never a line break between a number and its unit

/** Three significant digits at most, thousands separated: 0.04, 1.24, 13.8, 455, 28,232. */
export function number(v: number): string {
  const size = Math.abs(v);
  const digits = size === 0 || size >= 100 ? 0 : size >= 10 ? 1 : 2;
  const text = v.toFixed(digits);
  const [whole = '', part] = text.split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  const trimmed = part?.replace(/0+$/, '');
  const shown = trimmed ? `${grouped}.${trimmed}` : grouped;
  return shown === '-0' ? '0' : shown;
}

/** All digits, as a person would type them back: for parameters. */
export const plain = (v: number): string =>
  Number.isInteger(v) && Math.abs(v) < 1e21 ? BigInt(v).toString() : String(v);

function scaled(v: number, base: number, names: readonly string[]): string {
  let i = 0;
  let rest = v;
  // 999.95 would be shown as "1,000": step up a unit before that happens
  while (Math.abs(rest) >= base * 0.9995 && i < names.length - 1) {
    rest /= base;
    i++;
  }
  const name = names[i] ?? '';
  return name ? number(rest) + SPACE + name : number(rest);
}

export const bytes = (v: number): string => scaled(v, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']);
export const short = (v: number): string => scaled(v, 1000, ['', 'k', 'M', 'G', 'T']);

/** A share of 100: "12 %", "0.3 %"; a trace is told from nothing. */
export function percent(v: number): string {
  if (v > 0 && v < 0.05) return '<0.1' + SPACE + '%';
  return (Math.abs(v) >= 10 ? Math.round(v).toString() : number(Math.round(v * 10) / 10)) + SPACE + '%';
}

/** A share of 1 as a percentage of its whole. */
export const share = (v: number): string => percent(v * 100);

export function seconds(v: number): string {
  const size = Math.abs(v);
  if (size === 0) return '0' + SPACE + 's';
  if (size < 1e-3) return number(v * 1e6) + SPACE + 'µs';
  if (size < 1) return number(v * 1e3) + SPACE + 'ms';
  if (size < 120) return number(v) + SPACE + 's';
  return duration(v);
}

/** How long something lasted, two units at most: "40 s", "4 min", "2 h 5 min", "3 d 4 h". */
export function duration(s: number): string {
  const whole = Math.max(0, Math.round(s));
  const parts: [number, string][] = [
    [86400, 'd'],
    [3600, 'h'],
    [60, 'min'],
    [1, 's'],
  ];
  const first = parts.findIndex(([size]) => whole >= size);
  const big = parts[first];
  if (!big) return '0' + SPACE + 's';
  const text = Math.floor(whole / big[0]) + SPACE + big[1];
  const small = parts[first + 1];
  const rest = small ? Math.floor((whole % big[0]) / small[0]) : 0;
  return small && rest > 0 && big[1] !== 'min' ? `${text} ${rest}${SPACE}${small[1]}` : text;
}

/** Age of something that is shown beside it; tenths below two seconds. */
export const age = (s: number): string =>
  s < 2 ? Math.max(0, s).toFixed(1) + SPACE + 's' : duration(s);

export function format(unit: Unit, v: number | null | undefined): string {
  if (v === null || v === undefined || !Number.isFinite(v)) return MISSING;
  switch (unit) {
    case 'percent':
      return percent(v);
    case 'bytes':
      return bytes(v);
    case 'bytes/s':
      return bytes(v) + '/s';
    case 'per second':
      return number(v) + '/s';
    case 'seconds':
      return seconds(v);
    case 'count':
      return number(v);
  }
}

/** The same on an axis, where room is short. */
export function tick(unit: Unit, v: number): string {
  if (unit === 'count') return short(v);
  if (unit === 'per second') return short(v) + '/s';
  return format(unit, v);
}

const two = (n: number): string => String(n).padStart(2, '0');
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

export function clock(ms: number, withSeconds = true): string {
  const d = new Date(ms);
  return two(d.getHours()) + ':' + two(d.getMinutes()) + (withSeconds ? ':' + two(d.getSeconds()) : '');
}

export function day(ms: number): string {
  const d = new Date(ms);
  return `${d.getDate()} ${MONTHS[d.getMonth()]}`;
}

/** "21 Nov 2026 12:03:10" in local time. */
export function dateTime(ms: number): string {
  return `${day(ms)} ${new Date(ms).getFullYear()} ${clock(ms)}`;
}

/** The clock alone on the same day, else with the day before it. */
export function when(ms: number, nowMs: number): string {
  const same = new Date(ms).toDateString() === new Date(nowMs).toDateString();
  return same ? clock(ms) : `${day(ms)} ${clock(ms, false)}`;
}

/** "UTC+2", "UTC-3:30": the zone that clocks are shown in. */
export function zone(offsetMinutes: number = new Date().getTimezoneOffset()): string {
  const ahead = -offsetMinutes;
  if (ahead === 0) return 'UTC';
  const h = Math.floor(Math.abs(ahead) / 60);
  const m = Math.abs(ahead) % 60;
  return `UTC${ahead > 0 ? '+' : '-'}${h}${m ? ':' + two(m) : ''}`;
}
