// The only fetch: one typed function for each endpoint of docs/API.md. Every answer is checked
// before anyone sees it.

import { type Check, ShapeError, list, nullable, object, text } from './check';
import * as shape from './shapes';
import { serverTime } from './store';

/** What failed, in a sentence for the person in front of the console. */
export class ApiError extends Error {
  constructor(
    readonly status: number, // 0: no answer came
    message: string,
    readonly retryAfterS: number | null = null,
    /** Of a form that was refused (422): what is wrong with which field. */
    readonly fields: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

/** Called when the server no longer knows the session. Set once, by main. */
let onSignedOut = (): void => {};
export function whenSignedOut(fn: () => void): void {
  onSignedOut = fn;
}

export const ROOT = 'api/galen/v1/';

export type Params = Record<string, string | number | undefined>;

export function address(path: string, params: Params = {}): string {
  const url = new URL(path, document.baseURI);
  for (const [k, v] of Object.entries(params)) if (v !== undefined && v !== '') url.searchParams.set(k, String(v));
  return url.href;
}

const problem = object({
  detail: nullable(text),
  title: nullable(text),
  error: nullable(text),
  errors: nullable(list(object({ field: text, detail: text }))),
});

async function failure(answer: Response): Promise<ApiError> {
  let said = '';
  let fields = {};
  try {
    const p = problem(await answer.json(), 'problem');
    said = p.detail ?? p.error ?? p.title ?? '';
    fields = Object.fromEntries((p.errors ?? []).map(e => [e.field, e.detail]));
  } catch {
    // no problem document: the status has to do
  }
  const retry = Number(answer.headers.get('Retry-After') ?? NaN);
  const fallback = `The server answered ${answer.status} ${answer.statusText}`.trim() + '.';
  return new ApiError(answer.status, said || fallback, Number.isFinite(retry) ? retry : null, fields);
}

/** The body: a form, a file as it is, or anything else as JSON. */
export async function send(
  method: string,
  url: string,
  body?: unknown,
  signal?: AbortSignal,
  headers: Record<string, string> = {},
): Promise<Response> {
  const init: RequestInit = { method, credentials: 'same-origin', headers: { Accept: 'application/json', ...headers } };
  if (body instanceof URLSearchParams || body instanceof Blob) init.body = body;
  else if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { Accept: 'application/json', 'Content-Type': 'application/json', ...headers };
  }
  if (signal) init.signal = signal;
  let answer: Response;
  try {
    answer = await fetch(url, init);
  } catch (e) {
    if (e instanceof DOMException && e.name === 'AbortError') throw e;
    throw new ApiError(0, 'The server does not answer. Is it running, and is the network up?');
  }
  serverTime.heard(answer.headers.get('Date'), Date.now());
  if (answer.ok) return answer;
  const err = await failure(answer);
  if (answer.status === 401 && !url.endsWith('/login')) onSignedOut();
  throw err;
}

export async function read<T>(answer: Response, check: Check<T>): Promise<T> {
  try {
    return check(await answer.json(), 'answer');
  } catch (e) {
    const why = e instanceof ShapeError ? e.message : 'not JSON';
    throw new ApiError(answer.status, `The server's answer makes no sense here (${why}).`);
  }
}

// For the modules beside this one that ask for a part of the console: api_host.ts, api_advice.ts.
export const get = async <T>(path: string, check: Check<T>, params?: Params, signal?: AbortSignal): Promise<T> =>
  read(await send('GET', address(path, params), undefined, signal), check);
export const post = async <T>(path: string, body: unknown, check: Check<T>): Promise<T> =>
  read(await send('POST', address(path), body), check);
export const put = async <T>(path: string, body: unknown, check: Check<T>, headers?: Record<string, string>): Promise<T> =>
  read(await send('PUT', address(path), body, undefined, headers), check);

// ---- access ----

export const login = (user: string, password: string): Promise<shape.Session> =>
  post(ROOT + 'login', { user, password }, shape.session);
export const session = (): Promise<shape.Session> => get(ROOT + 'session', shape.session);
export async function logout(): Promise<void> {
  await send('POST', address(ROOT + 'logout'));
}
export async function changePassword(old: string, next: string): Promise<void> {
  await send('POST', address(ROOT + 'password'), { old, new: next });
}
export const createJoinToken = (uses: number, expiresS: number): Promise<shape.JoinToken> =>
  post(ROOT + 'join-tokens', { uses, expires_s: expiresS }, shape.joinToken);

// ---- hosts and results ----

export const hosts = async (): Promise<shape.Host[]> => (await get(ROOT + 'hosts', shape.hosts)).hosts;
export async function setAnalysis(hostId: string, enabled: boolean): Promise<void> {
  await send('POST', address(`${ROOT}hosts/${encodeURIComponent(hostId)}/analysis`), { enabled });
}

export interface ResultFilter {
  server_id?: string;
  class?: string;
  from?: string;
  to?: string;
  q?: string;
}
export const results = (f: ResultFilter, cursor?: string, signal?: AbortSignal): Promise<shape.ResultPage> =>
  get(ROOT + 'results', shape.resultPage, { ...f, limit: 100, cursor }, signal);
export const summary = (f: ResultFilter, signal?: AbortSignal): Promise<shape.Summary> =>
  get(ROOT + 'results/summary', shape.summary, { from: f.from, to: f.to, server_id: f.server_id }, signal);
export async function deleteResult(id: string): Promise<void> {
  await send('DELETE', address(`${ROOT}results/${encodeURIComponent(id)}`));
}

// ---- PromQL ----

/** By POST: an expression may be longer than an address is allowed to be. */
async function promql<T>(path: string, form: Record<string, string>, check: Check<T>, signal?: AbortSignal): Promise<T> {
  return read(await send('POST', address(path), new URLSearchParams(form), signal), check);
}
export const query = (expr: string, atS?: number, signal?: AbortSignal): Promise<shape.Instant[]> =>
  promql('api/v1/query', atS === undefined ? { query: expr } : { query: expr, time: String(atS) }, shape.instants, signal);
/** The samples as they were stored: the expression selects a range, x[3m]. */
export const samples = (expr: string, signal?: AbortSignal): Promise<shape.Range[]> =>
  promql('api/v1/query', { query: expr }, shape.ranges, signal);
export const queryRange = (
  expr: string,
  startS: number,
  endS: number,
  stepS: number,
  signal?: AbortSignal,
): Promise<shape.Range[]> =>
  promql(
    'api/v1/query_range',
    { query: expr, start: String(startS), end: String(endS), step: String(stepS) },
    shape.ranges,
    signal,
  );
