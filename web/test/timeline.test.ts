import { expect, test } from 'vitest';
import { append, busiest, emptyTimeline, fromRanges, labelKey, newestValue, stacked, trim } from '../src/model/timeline';

const range = (labels: Record<string, string>, ...points: [number, number][]) => ({ labels, points });
const live = (v: number, labels = {}) => [[{ labels, v }]];

test('history is laid on the grid; what is missing is a gap, not zero', () => {
  const tl = fromRanges([[range({ d: 'a' }, [0, 1], [20, 3])]], 0, 20, 10);
  expect(tl.times).toEqual([0, 10, 20]);
  expect(tl.lines[0]?.values).toEqual([1, null, 3]);
});

test('values that are no numbers are gaps too', () => {
  const tl = fromRanges([[range({}, [0, NaN], [10, Infinity], [20, 4])]], 0, 20, 10);
  expect(tl.lines[0]?.values).toEqual([null, null, 4]);
});

test('points outside the range are dropped', () => {
  const tl = fromRanges([[range({}, [-10, 1], [0, 2], [30, 3])]], 0, 10, 10);
  expect(tl.lines[0]?.values).toEqual([2, null]);
});

test('live points move the newest column until a step has passed', () => {
  const tl = fromRanges([[range({}, [0, 1], [10, 2])]], 0, 10, 10);
  append(tl, 12, live(3));
  append(tl, 14, live(4));
  append(tl, 19.5, live(5));
  expect(tl.times).toEqual([0, 10, 19.5]);
  append(tl, 20.5, live(6));
  expect(tl.times).toEqual([0, 10, 19.5, 20.5]);
  append(tl, 22, live(7));
  expect(tl.lines[0]?.values.at(-1)).toBe(7);
  expect(tl.times.length).toBe(tl.lines[0]?.values.length);
});

test('a long live session keeps about one point a step', () => {
  const tl = fromRanges([[range({}, [0, 1])]], 0, 0, 5);
  for (let t = 0.5; t <= 600; t += 0.5) append(tl, t, live(t));
  expect(tl.times.length).toBeLessThanOrEqual(600 / (5 - 0.5) + 2);
  expect(newestValue(tl.lines[0]!)).toBe(600);
});

test('silence becomes a gap', () => {
  const tl = fromRanges([[range({}, [0, 1], [5, 2])]], 0, 5, 5);
  append(tl, 65, live(3));
  expect(tl.times).toEqual([0, 5, 10, 65]);
  expect(tl.lines[0]?.values).toEqual([1, 2, null, 3]);
});

test('what is older than the newest column is not appended', () => {
  const tl = fromRanges([[range({}, [0, 1], [10, 2])]], 0, 10, 10);
  expect(append(tl, 10, live(9))).toBe(false);
  expect(append(tl, 3, live(9))).toBe(false);
  expect(tl.lines[0]?.values).toEqual([1, 2]);
});

test('a line that appears later, and one that ends', () => {
  const tl = fromRanges([[range({ d: 'a' }, [0, 1])]], 0, 0, 5);
  append(tl, 5, live(2, { d: 'b' }));
  const of = (d: string) => tl.lines.find(l => l.labels['d'] === d)?.values;
  expect(of('a')).toEqual([1, null]);
  expect(of('b')).toEqual([null, 2]);
});

test('trim keeps one column outside the range', () => {
  const tl = fromRanges([[range({}, [0, 0], [5, 1], [10, 2], [15, 3])]], 0, 15, 5);
  trim(tl, 11);
  expect(tl.times).toEqual([10, 15]);
  expect(tl.lines[0]?.values).toEqual([2, 3]);
  trim(tl, 1000);
  expect(tl.times).toEqual([15]);
  expect(() => trim(emptyTimeline(5), 3)).not.toThrow();
});

test('a stack adds from below; a gap in one is a gap above it', () => {
  expect(stacked([[1, 2, null], [10, null, 30]])).toEqual([[1, 2, null], [11, null, null]]);
  expect(stacked([])).toEqual([]);
});

test('the busiest lines are shown, the rest counted', () => {
  const lines = [5, 1, 9].map((v, i) => ({ key: String(i), series: 0, labels: {}, values: [v, null] }));
  const { shown, more } = busiest(lines, 2);
  expect([shown.map(l => l.key), more]).toEqual([['0', '2'], 1]);
  expect(busiest(lines, 3).more).toBe(0);
});

test('label order does not matter to a line', () => {
  expect(labelKey({ b: '2', a: '1' })).toBe(labelKey({ a: '1', b: '2' }));
});
