// What talks to the browser: address, requests, reconnection, shared cells. The browser's objects
// are stood in for by a few fields.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { retryDelayMs } from '../src/live';
import { cell, hostNamed, isAdmin, isOperator, serverTime } from '../src/store';
import type { Host } from '../src/shapes';

beforeEach(() => {
  vi.stubGlobal('location', { pathname: '/galen/host', search: '?host=mq-1', href: 'http://h/galen/host?host=mq-1', origin: 'http://h' });
  vi.stubGlobal('document', { baseURI: 'http://h/galen/host?host=mq-1', addEventListener() {} });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

// ---- router ----

test.each([
  ['/', '', { page: 'fleet', params: {} }],
  ['/fleet', '', { page: 'fleet', params: {} }],
  ['/some/prefix/', '?q=x', { page: 'fleet', params: { q: 'x' } }],
  ['/some/prefix/host', '?host=a%2Fb&range=1h', { page: 'host', params: { host: 'a/b', range: '1h' } }],
  ['/nowhere', '', null],
])('%s%s is a page', async (path, search, want) => {
  const { parseRoute } = await import('../src/router');
  expect(parseRoute(path, search)).toEqual(want);
});

test('addresses are relative, escaped, without empty parameters', async () => {
  const { href } = await import('../src/router');
  expect(href('fleet')).toBe('./');
  expect(href('host', { host: 'a b&c', range: undefined, open: '' })).toBe('./host?host=a+b%26c');
});

test('an address read back is the same', async () => {
  const { href, parseRoute } = await import('../src/router');
  const params = { expr: 'rate(x{a="b&c"}[5m]) > 0', range: '6h' };
  const url = new URL(href('explore', params), 'http://h/p/host');
  expect(parseRoute(url.pathname, url.search)).toEqual({ page: 'explore', params });
});

// ---- api ----

const answer = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  vi.stubGlobal(
    'fetch',
    vi.fn(async () => new Response(status === 204 ? null : JSON.stringify(body), { status, headers })),
  );

test('requests go below the prefix, with the cookie of this origin only', async () => {
  const { hosts } = await import('../src/api');
  answer(200, { hosts: [] });
  expect(await hosts()).toEqual([]);
  expect(fetch).toHaveBeenCalledWith('http://h/galen/api/galen/v1/hosts', expect.objectContaining({ credentials: 'same-origin' }));
});

test('ids are escaped in paths', async () => {
  const { deleteResult } = await import('../src/api');
  answer(204, null);
  await deleteResult('../hosts?x');
  expect(vi.mocked(fetch).mock.calls[0]?.[0]).toBe('http://h/galen/api/galen/v1/results/..%2Fhosts%3Fx');
});

test('a problem document is the sentence; Retry-After is kept', async () => {
  const { login } = await import('../src/api');
  answer(429, { title: 'Too Many Requests', detail: 'Too many tries.' }, { 'Retry-After': '30' });
  await expect(login('a', 'b')).rejects.toMatchObject({ status: 429, message: 'Too many tries.', retryAfterS: 30 });
});

test("Prometheus's own errors are read too", async () => {
  const { query } = await import('../src/api');
  answer(400, { status: 'error', errorType: 'bad_data', error: 'parse error at 4' });
  await expect(query('sum(')).rejects.toThrow('parse error at 4');
});

test('an error without a body still says something', async () => {
  const { hosts } = await import('../src/api');
  vi.stubGlobal('fetch', async () => new Response('<html>', { status: 502, statusText: 'Bad Gateway' }));
  await expect(hosts()).rejects.toThrow('The server answered 502 Bad Gateway.');
});

test('no answer at all', async () => {
  const { hosts } = await import('../src/api');
  vi.stubGlobal('fetch', async () => Promise.reject(new TypeError('failed')));
  await expect(hosts()).rejects.toMatchObject({ status: 0 });
});

test('an answer of another shape is an error, not a crash later', async () => {
  const { hosts } = await import('../src/api');
  answer(200, { hosts: [{ id: 1 }] });
  await expect(hosts()).rejects.toThrow('answer.hosts[0].name: expected text');
});

test('401 means signed out, but not while signing in', async () => {
  const { hosts, login, whenSignedOut } = await import('../src/api');
  const out = vi.fn();
  whenSignedOut(out);
  answer(401, { detail: 'wrong' });
  await expect(login('a', 'b')).rejects.toThrow('wrong');
  expect(out).not.toHaveBeenCalled();
  await expect(hosts()).rejects.toThrow();
  expect(out).toHaveBeenCalledOnce();
});

// ---- live ----

test('reconnection backs off to half a minute, never all at once', () => {
  expect([0, 1, 2, 3, 4, 5, 50].map(n => retryDelayMs(n, 0))).toEqual([1000, 2000, 4000, 8000, 16000, 30000, 30000]);
  expect(retryDelayMs(3, 0.999)).toBeGreaterThan(5000);
  expect(retryDelayMs(3, 0.999)).toBeLessThan(retryDelayMs(3, 0));
});

test('the connection tells the age of the data, not of the socket', async () => {
  const { freshness } = await import('../src/parts/connection');
  const words = (...a: Parameters<typeof freshness>) => freshness(...a).text.replaceAll('\u202f', ' ');
  expect(words({ state: 'live' }, 0.6, false, 0)).toBe('live 0.6 s');
  expect(words({ state: 'live' }, 240, false, 0)).toBe('newest sample 4 min ago');
  expect(words({ state: 'live' }, null, false, 0)).toBe('no samples yet');
  expect(words({ state: 'live' }, 1, true, 0)).toBe('paused');
  expect(words({ state: 'offline', sinceMs: 0, retryAtMs: 4000 }, 1, true, 0)).toMatch(/^offline since \d\d:\d\d, retry in 4 s$/);
});

// ---- store ----

test('a cell tells of other values only, until it is told to stop', () => {
  const c = cell(1);
  const heard: number[] = [];
  const stop = c.on(v => heard.push(v));
  c.set(1);
  c.set(2);
  c.update(v => v + 1);
  stop();
  c.set(9);
  expect([heard, c.get()]).toEqual([[2, 3], 9]);
});

test('a listener that leaves while being told does not skip the next', () => {
  const c = cell(0);
  const heard: string[] = [];
  const stop = c.on(() => {
    heard.push('a');
    stop();
  });
  c.on(() => heard.push('b'));
  c.set(1);
  expect(heard).toEqual(['a', 'b']);
});

test('roles include those below', () => {
  const who = (role: 'viewer' | 'operator' | 'admin') => ({ user: 'x', role, must_change_password: false });
  expect([isAdmin(who('operator')), isAdmin(who('admin')), isAdmin(null)]).toEqual([false, true, false]);
  expect([isOperator(who('viewer')), isOperator(who('operator')), isOperator(who('admin'))]).toEqual([false, true, true]);
});

test('a host is found by name, else by id', () => {
  const all = [{ id: '1', name: 'a' }, { id: 'a', name: 'b' }] as Host[];
  expect(hostNamed(all, 'a')?.id).toBe('1');
  expect(hostNamed(all, '1')?.name).toBe('a');
  expect(hostNamed(all, 'c')).toBe(undefined);
  expect(hostNamed(undefined, 'a')).toBe(undefined);
});

test("a wrong browser clock is corrected by the server's Date", () => {
  const hour = 3_600_000;
  serverTime.heard(new Date(Date.now() + hour).toUTCString(), Date.now());
  expect(Math.abs(serverTime.nowMs() - Date.now() - hour)).toBeLessThan(2000);
  serverTime.heard(new Date(Date.now()).toUTCString(), Date.now());
  expect(Math.abs(serverTime.nowMs() - Date.now())).toBeLessThan(50);
  serverTime.heard(null, 0);
  serverTime.heard('no date', 0);
  expect(Math.abs(serverTime.nowMs() - Date.now())).toBeLessThan(50);
});
