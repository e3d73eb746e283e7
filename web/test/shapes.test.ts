import { expect, test } from 'vitest';
import { ShapeError, either, list, nullable, num, object, oneOf, sampleValue, text } from '../src/check';
import { analysis, hosts, instants, liveMessage, ranges, resultPage, session } from '../src/shapes';

const ANALYSIS = {
  id: 7,
  at_ms: 1000,
  preliminary: true,
  predicted_class: 0,
  recommendation: 'No changes needed',
  uncertain: false,
  probabilities: null,
  summary: 'No changes needed so far: 31 checks.',
  checks: 31,
  silent: 2,
  closest: [{ rule: 'FD1', title: 'file handles', use: 0.42 }],
  findings: [],
};
const HOST = {
  id: 'a1',
  name: 'mq-1',
  first_seen_ms: 1,
  last_seen_ms: 2,
  analysis: true,
  state: 'healthy',
  advice: ANALYSIS,
};

test.each([
  [{ user: 'a', role: 'admin', must_change_password: false }, true],
  [{ user: 'a', role: 'root', must_change_password: false }, false],
  [{ user: 'a', role: 'admin' }, false],
  [null, false],
  [[], false],
  ['admin', false],
])('session %j is right: %s', (v, good) => {
  if (good) expect(session(v, 'answer')).toEqual(v);
  else expect(() => session(v, 'answer')).toThrow(ShapeError);
});

test('an error names the field', () => {
  const bad = { hosts: [HOST, { ...HOST, advice: { ...ANALYSIS, closest: [{ rule: 'X', title: 'x', use: '0.4' }] } }] };
  expect(() => hosts(bad, 'answer')).toThrow(
    'answer.hosts[1].advice.closest[0].use: expected a number, got string',
  );
});

test('ids may be numbers or text; fields nobody knows yet are dropped', () => {
  const a = analysis({ ...ANALYSIS, brand_new: 1 }, 'a');
  expect(a.id).toBe('7');
  expect('brand_new' in a).toBe(false);
});

test('a result page ends with a null cursor, or none', () => {
  expect(resultPage({ results: [], next: null }, 'r').next).toBe(null);
  expect(resultPage({ results: [] }, 'r').next).toBe(null);
});

test.each([
  ['1.5', 1.5],
  ['+Inf', Infinity],
  ['-Inf', -Infinity],
  ['NaN', NaN],
  [3, 3],
])('sample value %j', (v, want) => expect(sampleValue(v, 'v')).toBe(want));
test.each([[''], ['abc'], [null], [{}]])('sample value %j is refused', v => expect(() => sampleValue(v, 'v')).toThrow(ShapeError));

test('instant queries answer vectors, scalars, and text that is no series', () => {
  const answer = (resultType: string, result: unknown) => ({ status: 'success', data: { resultType, result } });
  expect(instants(answer('vector', [{ metric: { a: 'b' }, value: [5, '2'] }]), 'q')).toEqual([{ labels: { a: 'b' }, t: 5, v: 2 }]);
  expect(instants(answer('scalar', [5, '2']), 'q')).toEqual([{ labels: {}, t: 5, v: 2 }]);
  expect(instants(answer('string', [5, 'x']), 'q')).toEqual([]);
  expect(instants(answer('matrix', [{ metric: {}, values: [[1, '1'], [2, '7']] }]), 'q')).toEqual([{ labels: {}, t: 2, v: 7 }]);
});

test('range queries answer lists of points', () => {
  const answer = { data: { resultType: 'matrix', result: [{ metric: { d: 'x' }, values: [[1, '1'], [2, 'NaN']] }] } };
  expect(ranges(answer, 'q')).toEqual([{ labels: { d: 'x' }, points: [[1, 1], [2, NaN]] }]);
});

test('live messages: known ones are checked, unknown ones passed over', () => {
  expect(liveMessage({ op: 'hosts', hosts: [HOST] }, 'live')).toMatchObject({ op: 'hosts', hosts: [{ name: 'mq-1' }] });
  expect(liveMessage({ op: 'point', id: 1, t_ms: 5, values: [[{ labels: {}, v: 1.5 }], []] }, 'live')).toMatchObject({ id: 1 });
  expect(liveMessage({ op: 'point', id: 1, t_ms: 5, values: [[{ labels: {}, v: null }]] }, 'live')).toMatchObject({
    values: [[{ v: NaN }]],
  });
  expect(liveMessage({ op: 'error', detail: 'no' }, 'live')).toEqual({ op: 'error', id: null, detail: 'no' });
  expect(liveMessage({ op: 'processes' }, 'live')).toBe(null);
  expect(() => liveMessage({ op: 'point', id: 1 }, 'live')).toThrow(ShapeError);
  expect(() => liveMessage('hello', 'live')).toThrow(ShapeError);
});

test('the small checks', () => {
  expect(list(num)([1, 2], 'l')).toEqual([1, 2]);
  expect(nullable(text)(undefined, 'n')).toBe(null);
  expect(either(text, num)(4, 'e')).toBe(4);
  expect(() => oneOf('a', 'b')('c', 'o')).toThrow('o: expected one of a, b, got c');
  expect(() => object({ a: num })({ a: Infinity }, 'x')).toThrow('x.a');
});
