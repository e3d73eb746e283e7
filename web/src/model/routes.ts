// The routes as the server has them, with one thing changed: what this console does not show stays.

type Whole = Record<string, unknown>;

const routesOf = (whole: Whole): unknown[] => (Array.isArray(whole['routes']) ? (whole['routes'] as unknown[]) : []);

/** Members that are undefined or false leave the route. Index -1: a new one, at the end. */
export function withRoute(whole: Whole, index: number, form: object): Whole {
  const all = [...routesOf(whole)];
  const old = all[index];
  const merged = { ...(typeof old === 'object' ? old : {}), ...form };
  const next = Object.fromEntries(Object.entries(merged).filter(([, v]) => v !== undefined && v !== false));
  if (index < 0) all.push(next);
  else all[index] = next;
  return { ...whole, routes: all };
}

export const withoutRoute = (whole: Whole, index: number): Whole => ({
  ...whole,
  routes: routesOf(whole).filter((_, i) => i !== index),
});

export function withSummary(whole: Whole, summary: object | null): Whole {
  const { summary: _, ...rest } = whole;
  return summary ? { ...rest, summary } : rest;
}
