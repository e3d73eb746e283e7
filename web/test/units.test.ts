import { expect, test } from 'vitest';
import { age, bytes, clock, day, duration, format, number, percent, plain, seconds, short, tick, when, zone } from '../src/units';

const ascii = (s: string): string => s.replaceAll('\u202f', ' ');

test.each([
  [0, '0'],
  [-0.0001, '0'],
  [0.04, '0.04'],
  [1.239, '1.24'],
  [13.84, '13.8'],
  [99.96, '100'],
  [455.4, '455'],
  [28232, '28,232'],
  [-1234567, '-1,234,567'],
])('number(%d) is %s', (v, want) => expect(number(v)).toBe(want));

test.each([
  [0, '0 B'],
  [1023, '1,023 B'],
  [1023.9, '1 KiB'], // not "1,024 B"
  [1536, '1.5 KiB'],
  [16 * 1024 ** 3, '16 GiB'],
  [3 * 1024 ** 6, '3,072 PiB'],
])('bytes(%d) is %s', (v, want) => expect(ascii(bytes(v))).toBe(want));

test.each([
  [0, '0 %'],
  [0.04, '<0.1 %'],
  [0.05, '0.1 %'],
  [0.31, '0.3 %'],
  [9.96, '10 %'],
  [12.4, '12 %'],
  [100, '100 %'],
])('percent(%d) is %s', (v, want) => expect(ascii(percent(v))).toBe(want));

test.each([
  [0, '0 s'],
  [0.4, '0 s'],
  [40, '40 s'],
  [60, '1 min'],
  [250, '4 min'],
  [3600, '1 h'],
  [7500, '2 h 5 min'],
  [273600, '3 d 4 h'],
  [-5, '0 s'],
])('duration(%d) is %s', (v, want) => expect(ascii(duration(v))).toBe(want));

test.each([
  [0, '0 s'],
  [0.0000015, '1.5 µs'],
  [0.0123, '12.3 ms'],
  [1.5, '1.5 s'],
  [119, '119 s'],
  [180, '3 min'],
])('seconds(%d) is %s', (v, want) => expect(ascii(seconds(v))).toBe(want));

test('a large parameter keeps every digit', () => {
  expect(plain(262144)).toBe('262144');
  expect(plain(0.5)).toBe('0.5');
  expect(plain(2 ** 63)).toBe('9223372036854775808');
});

test('age has tenths while it is young', () => {
  expect(ascii(age(0.64))).toBe('0.6 s');
  expect(ascii(age(-3))).toBe('0.0 s');
  expect(ascii(age(12.4))).toBe('12 s');
});

test('a missing value is a dash in every unit, never zero', () => {
  for (const unit of ['percent', 'bytes', 'bytes/s', 'count', 'per second', 'seconds'] as const)
    for (const v of [null, undefined, NaN, Infinity]) expect(format(unit, v)).toBe('–');
});

test('axes use short numbers', () => {
  expect(ascii(tick('count', 28000))).toBe('28 k');
  expect(ascii(tick('per second', 1500))).toBe('1.5 k/s');
  expect(ascii(tick('bytes/s', 2048))).toBe('2 KiB/s');
  expect(ascii(short(999.9))).toBe('1 k');
});

test('the day is named only when it is another one', () => {
  const noon = new Date(2026, 10, 21, 12, 3, 10).getTime();
  expect(when(noon, noon + 60_000)).toBe('12:03:10');
  expect(when(noon, noon + 86_400_000)).toBe('21 Nov 12:03');
  expect(clock(noon, false)).toBe('12:03');
  expect(day(noon)).toBe('21 Nov');
});

test('zones are named by their offset', () => {
  expect([zone(0), zone(-120), zone(210)]).toEqual(['UTC', 'UTC+2', 'UTC-3:30']);
});
