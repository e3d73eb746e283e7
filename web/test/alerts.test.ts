// Alerts: filters and order, matchers, who is quiet, durations, forms of rules, channels, routes.
import { expect, test } from 'vitest';
import {
  allFit, channelConfig, channelTexts, chosenAlerts, durationText, lines, listed, matcherText, overrideText,
  parseMatcher, rulesByName, silenceState, tabOf, typedNumber, withinHours,
} from '../src/model/alerts';
import { withRoute, withSummary, withoutRoute } from '../src/model/routes';
import { liveMessage } from '../src/shapes';
import type { Alert, AlertRule, Override, Silence } from '../src/shapes_alerts';
import { alerts, channels, routes } from '../src/shapes_alerts';

const alert = (id: number, more: Partial<Alert> = {}): Alert => ({
  id, name: 'DiskSpaceLow', host: 'web1', severity: 'warning', state: 'firing', value: 87, active_ms: 1000 + id,
  fired_ms: 1000, resolved_ms: 0, acknowledged_by: '', acknowledged_ms: 0, note: '', silenced_by: null, inhibited_by: null, group: 'g',
  labels: { alertname: 'DiskSpaceLow', instance: 'web1', severity: 'warning' }, annotations: {}, ...more,
});

test('firing before pending, the worst first, then the newest', () => {
  const all = [alert(1), alert(2, { state: 'pending', severity: 'critical' }), alert(3, { severity: 'critical' }), alert(4), alert(5, { severity: 'info' })];
  expect(chosenAlerts(all, {}).map(a => a.id)).toEqual([3, 4, 1, 5, 2]);
  expect(chosenAlerts(all, { state: 'pending' }).map(a => a.id)).toEqual([2]);
  expect(chosenAlerts(all, { severity: 'critical', state: 'firing' }).map(a => a.id)).toEqual([3]);
  expect(chosenAlerts(all, { host: 'other' })).toEqual([]);
});

test.each([
  ['instance="web1"', true],
  [' instance = "web1" ', true],
  ['instance!="web1"', false],
  ['instance=~"web.*"', true],
  ['instance=~"eb"', false], // anchored
  ['instance!~"db.*"', true],
  ['missing=""', true],
  ['instance=~"("', false], // no pattern
  ['instance=web1', false], // no matcher
  ['', false],
])('matcher %s fits: %s', (text, want) => expect(allFit([text], { instance: 'web1' })).toBe(want));

test('a matcher written is read back', () => {
  for (const v of ['web1', 'a"b', 'a\\b', ''])
    expect(parseMatcher(matcherText('path', v))).toEqual({ name: 'path', op: '=', value: v });
});

const silence = (s: Partial<Silence['silence']>): Silence => ({
  id: 1, version: 1, changed_by: 'ann', changed_ms: 0,
  silence: { matchers: ['instance="web1"'], starts_ms: 0, ends_ms: null, comment: null, created_by: null, recurrence: null, ...s },
});

test.each([
  [{ ends_ms: 99 }, 'over'],
  [{ ends_ms: 100 }, 'over'],
  [{ ends_ms: 101 }, 'active'],
  [{ starts_ms: 101, ends_ms: 200 }, 'coming'],
] as const)('a silence %j is %s', (s, want) => expect(silenceState(silence(s), 100)).toBe(want));

const at = (text: string): number => Date.parse(text);
const night = { days: ['sat'], from: '22:00', to: '02:00', zone: 'Europe/Berlin' };
test.each([
  ['2026-11-21T20:59:00Z', false], // Saturday 21:59 in Berlin
  ['2026-11-21T21:00:00Z', true],
  ['2026-11-22T00:59:00Z', true], // Sunday 01:59, begun on Saturday
  ['2026-11-22T01:00:00Z', false],
  ['2026-11-22T21:30:00Z', false], // Sunday night
  ['2026-07-18T20:00:00Z', true], // summer time
])('a window over midnight at %s: %s', (text, want) => expect(withinHours(night, at(text))).toBe(want));

test('a window in a day, every day, a zone that is none', () => {
  const office = { days: null, from: '08:00', to: '18:00', zone: null };
  expect(withinHours(office, at('2026-11-21T08:00:00Z'))).toBe(true);
  expect(withinHours(office, at('2026-11-21T18:00:00Z'))).toBe(false);
  expect(withinHours({ ...office, zone: 'Nowhere/None' }, at('2026-11-21T09:00:00Z'))).toBe(false);
});

test.each([
  [0, '0s'],
  [30, '30s'],
  [90, '90s'],
  [300, '5m'],
  [3600, '1h'],
  [5400, '90m'],
  [172800, '2d'],
])('%d s is written %s', (s, want) => expect(durationText(s)).toBe(want));

test.each([
  ['', undefined],
  [' ', undefined],
  ['85', 85],
  ['1,5', 1.5],
  ['-3.5', -3.5],
  ['x', null],
])('typed "%s" is %s', (text, want) => expect(typedNumber(text)).toBe(want));

test('lines and lists without what is empty', () => {
  expect(lines(' a \n\n b')).toEqual(['a', 'b']);
  expect(listed('a, ,b,')).toEqual(['a', 'b']);
});

test('rules by name, with their levels and what was changed', () => {
  const rule = (name: string, more: Partial<AlertRule> = {}): AlertRule => ({
    name, group: 'g', file: 'f', type: 'alerting', query: 'up', for_s: 0, keep_firing_for_s: 0, threshold: null, labels: {}, annotations: {}, ...more,
  });
  const o: Override = { rule: 'A', level: 'warning', instance: 'web1', value: 92, clear: 90, for: null, disabled: null };
  const found = rulesByName([rule('A'), rule('A'), rule('B'), rule('C', { type: 'recording' })], [o], '');
  expect(found.map(r => [r.name, r.levels.length, r.overrides.length])).toEqual([['A', 2, 1], ['B', 1, 0]]);
  expect(rulesByName([rule('A'), rule('B')], [], ' b ').map(r => r.name)).toEqual(['B']);
  expect(overrideText(o)).toBe('warning, web1: fires at 92, clears at 90');
  expect(overrideText({ ...o, level: null, instance: null, value: null, clear: null, disabled: true })).toBe('every level, all hosts: off');
});

test('a secret is kept when its field is empty, replaced when it is not, and never shown', () => {
  const old = { url: { set: true }, secret: { set: true }, ca_file: '/ca.pem' };
  const texts = channelTexts('webhook', old);
  expect(texts).toEqual({ url: '', secret: '', bearer: '', ca_file: '/ca.pem' });
  expect(channelConfig('webhook', { ...texts, url: 'https://x' }, old)).toEqual({ url: 'https://x', secret: { set: true }, ca_file: '/ca.pem' });
  expect(channelConfig('email', { to: 'a@x, b@x', port: '587', host: 'mail' }, {})).toEqual({ host: 'mail', port: 587, to: ['a@x', 'b@x'] });
  expect(channelTexts('email', { to: ['a', 'b'], port: 25 })).toMatchObject({ to: 'a, b', port: '25' });
});

test('routes change by one thing; what the form does not know stays', () => {
  const whole = { group_wait: '30s', routes: [{ name: 'a', group_wait: '0s', continue: true }, { name: 'b' }], summary: { at: '08:00' } };
  expect(withRoute(whole, 0, { name: 'A', continue: false, hours: undefined })['routes']).toEqual([{ name: 'A', group_wait: '0s' }, { name: 'b' }]);
  expect(withRoute(whole, -1, { name: 'c' })['routes']).toHaveLength(3);
  expect(withRoute({}, -1, { name: 'c' })).toEqual({ routes: [{ name: 'c' }] });
  expect(withoutRoute(whole, 0)['routes']).toEqual([{ name: 'b' }]);
  expect(withSummary(whole, null)).not.toHaveProperty('summary');
  expect(withSummary({}, { at: '09:00' })).toEqual({ summary: { at: '09:00' } });
});

test('the tab comes from the address', () => {
  expect(tabOf({ tab: 'rules' })).toBe('rules');
  expect(tabOf({ tab: 'x' })).toBe('active');
});

test('the answers of docs/API.md fit', () => {
  const { alerts: all } = alerts({ alerts: [{ ...alert(3), value: null, fingerprint: 'd5', file: 'f' }], next: null }, 'answer');
  expect(all[0]?.value).toBeNull();
  expect(() => alerts({ alerts: [{ ...alert(3), state: 'odd' }], next: null }, 'answer')).toThrow('alerts[0].state');
  const [c] = channels(
    { channels: [{ id: 1, version: 1, name: 'ops', changed_by: 'ann', changed_ms: 1, kind: 'slack', enabled: true, config: { url: { set: true } } }] },
    'answer',
  ).channels;
  expect(c?.config).toEqual({ url: { set: true } });
  const r = routes({ version: 0, default: true, routes: { group_by: ['instance'], channels: ['*'], routes: [{ name: 'services' }] } }, 'answer');
  expect(r.whole['group_by']).toEqual(['instance']);
  expect(r.routes.routes?.[0]?.hours).toBeNull();
  const told = { version: '4', status: 'firing', groupKey: 'k', alerts: [{ status: 'firing', labels: { alertname: 'Hot' }, annotations: {} }] };
  expect(liveMessage({ op: 'notification', notification: told }, 'live')).toMatchObject({ op: 'notification', notification: { status: 'firing' } });
});
