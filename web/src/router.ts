// The address is the state: page, host, range and filters live in it, so what is seen can be
// linked and Back works. Every page is one path segment deep, which keeps relative addresses
// right below any prefix a reverse proxy may add.

import { cell } from './store';

const PAGES = ['fleet', 'host', 'advice', 'results', 'explore', 'alerts', 'data', 'settings'] as const;
export type Page = (typeof PAGES)[number];
export type Params = Readonly<Record<string, string>>;
export interface Route {
  page: Page;
  params: Params;
}

/** Null for a path that is no page. */
export function parseRoute(pathname: string, search: string): Route | null {
  const name = pathname.slice(pathname.lastIndexOf('/') + 1) || 'fleet';
  const page = PAGES.find(p => p === name);
  return page ? { page, params: Object.fromEntries(new URLSearchParams(search)) } : null;
}

/** Relative address of a page; parameters that are empty are left out. */
export function href(page: Page, params: Record<string, string | undefined> = {}): string {
  const query = new URLSearchParams();
  for (const [k, v] of Object.entries(params)) if (v) query.set(k, v);
  const text = query.toString();
  return './' + (page === 'fleet' ? '' : page) + (text ? '?' + text : '');
}

const here = (): Route | null => parseRoute(location.pathname, location.search);

/** null: no such page. */
export const route = cell<Route | null>(here());

function visit(address: string, replace: boolean): void {
  if (replace) history.replaceState(null, '', address);
  else history.pushState(null, '', address);
  const before = route.get();
  route.set(here());
  if (!replace && before?.page !== route.get()?.page) scrollTo(0, 0);
}

export function go(page: Page, params: Record<string, string | undefined> = {}): void {
  visit(href(page, params), false);
}

/** Changes some parameters of this page. Typing replaces; a choice is a step that Back undoes. */
export function setParams(changes: Record<string, string | undefined>, replace = false): void {
  const r = route.get();
  if (r) visit(href(r.page, { ...r.params, ...changes }), replace);
}

function onClick(e: MouseEvent): void {
  if (e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
  const link = e.target instanceof Element ? e.target.closest('a') : null;
  if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
  if (!parseRoute(link.pathname, link.search)) return;
  e.preventDefault();
  visit(link.href, false);
}

export function startRouter(): void {
  addEventListener('popstate', () => route.set(here()));
  document.addEventListener('click', onClick);
}
