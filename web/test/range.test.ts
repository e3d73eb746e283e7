import { expect, test } from 'vitest';
import { niceTop, timeTicks, yIncrements } from '../src/model/axis';
import { fixedRange, lastRange, parseRange, rateWindow, shifted, span, stepFor } from '../src/model/range';

test.each([
  [{}, { kind: 'last', seconds: 900 }],
  [{ range: '1h' }, { kind: 'last', seconds: 3600 }],
  [{ range: 'for ever' }, { kind: 'last', seconds: 900 }],
  [{ from: '1000', to: '61000' }, { kind: 'fixed', fromS: 1, toS: 61 }],
  [{ from: '61000', to: '1000' }, { kind: 'last', seconds: 900 }],
  [{ from: 'x', to: '1000', range: '6h' }, { kind: 'last', seconds: 21600 }],
])('range of %j', (params, want) => expect(parseRange(params as Record<string, string>)).toEqual(want));

test('the default range stays out of the address', () => {
  expect(lastRange('15m')).toEqual({ range: undefined, from: undefined, to: undefined });
  expect(lastRange('1h').range).toBe('1h');
});

test('a zoomed range survives the address', () => {
  expect(parseRange(fixedRange(100.5, 200.25))).toEqual({ kind: 'fixed', fromS: 100.5, toS: 200.25 });
});

test('shifting moves by the width', () => {
  const back = parseRange(shifted({ kind: 'last', seconds: 100 }, -0.5, 1000));
  expect(back).toEqual({ kind: 'fixed', fromS: 850, toS: 950 });
  expect(span(back)).toBe(100);
});

test.each([
  [300, 5, 5],
  [900, 1, 5],
  [900, 60, 60],
  [3600, 5, 15],
  [604800, 5, 3600],
  [1e12, 5, 86400],
])('a range of %d s with samples every %d s has a point every %d s', (width, interval, step) =>
  expect(stepFor(width, interval)).toBe(step));

test('rates look at four samples at least', () => {
  expect(rateWindow(5, 5)).toBe(20);
  expect(rateWindow(60, 5)).toBe(60);
  expect(rateWindow(1, 0.5)).toBe(5);
});

test.each([
  ['count', 0, 1],
  ['count', 0.95, 1],
  ['count', 41, 50],
  ['percent', 98, 100],
  ['percent', 130, 150],
  ['bytes', 1000, 1280],
  ['bytes', 23.5 * 1024 ** 3, 32 * 1024 ** 3],
] as const)('axis of %s up to %d ends at %d', (unit, v, want) => expect(niceTop(unit, v)).toBeCloseTo(want, 9));

test('every top leaves the value inside', () => {
  for (const unit of ['count', 'bytes', 'percent', 'seconds'] as const)
    for (let v = 1e-6; v < 1e12; v *= 1.37) expect(niceTop(unit, v)).toBeGreaterThanOrEqual(v);
});

test('ticks of bytes are powers of two', () => {
  expect(yIncrements('bytes').every(i => Number.isInteger(Math.log2(i)))).toBe(true);
});

test('the day stands where it begins', () => {
  const at = (h: number, d = 21) => new Date(2026, 10, d, h).getTime() / 1000;
  expect(timeTicks(null, [at(22), at(23), at(0, 22), at(1, 22)], 0, 0, 3600)).toEqual(['22:00', '23:00', '22 Nov', '01:00']);
  expect(timeTicks(null, [at(0), at(0, 22)], 0, 0, 86400)).toEqual(['21 Nov', '22 Nov']);
});
