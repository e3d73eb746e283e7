// Where history and live meet: each feed reads the past over HTTP, appends what the socket brings,
// and reads again what was lost while the socket was away.

import * as api from './api';
import * as live from './live';
import type { Chart } from './model/charts';
import { SYSCTLS, fill } from './model/charts';
import type { FleetAnswers, Figures } from './model/fleet';
import { FLEET_QUERIES, figures } from './model/fleet';
import type { Mark } from './model/parameters';
import { changes, liveChanges, mergeMarks } from './model/parameters';
import type { TimeRange } from './model/range';
import { rateWindow, span, stepFor } from './model/range';
import type { Timeline } from './model/timeline';
import { append, emptyTimeline, fromRanges, trim } from './model/timeline';
import type { Labels, LiveValue, Range } from './shapes';
import { catchUp, serverTime } from './store';

export interface Scene {
  host: string;
  range: TimeRange;
  intervalS: number; // how often the host reports
}

export interface Shown {
  timeline: Timeline;
  fromS: number;
  toS: number;
}

const DEFAULT_INTERVAL_S = 15;
/** Silence of that many intervals: what comes after it may bring along what was spooled meanwhile. */
const LOST_INTERVALS = 4;
const SPOOL_ARRIVES_MS = 3000;

/** Seconds between a host's samples, from the samples themselves. */
export async function reportInterval(host: string): Promise<number> {
  const found = await api.samples(fill('node_load1{instance="$host"}[3m]', { host, windowS: 0 }));
  const times = found[0]?.points.map(([t]) => t) ?? [];
  const apart = times.slice(1).map((t, i) => t - times[i]!);
  apart.sort((a, b) => a - b);
  return apart[Math.floor(apart.length / 2)] ?? DEFAULT_INTERVAL_S;
}

/** The range laid on whole steps, so that two readings of it agree. */
export function grid(range: TimeRange, intervalS: number): { startS: number; endS: number; stepS: number } {
  const stepS = stepFor(span(range), intervalS);
  const to = range.kind === 'last' ? serverTime.nowMs() / 1000 : range.toS;
  const endS = Math.floor(to / stepS) * stepS;
  return { startS: Math.floor((to - span(range)) / stepS) * stepS, endS, stepS };
}

/** A rule's evidence speaks of every host at once: only this one's lines are its evidence here. */
const ofHost =
  <T extends { labels: Labels }>(host: string) =>
  (found: readonly T[]): T[] =>
    host ? found.filter(f => (f.labels['instance'] ?? host) === host) : [...found];

export const expressions = (chart: Chart, scene: Scene): string[] => {
  const { stepS } = grid(scene.range, scene.intervalS);
  const around = { host: scene.host, windowS: rateWindow(stepS, scene.intervalS) };
  return chart.series.map(s => fill(s.expr, around));
};

type Point = [tS: number, values: LiveValue[][]];

/** Keeps one chart's points up to date until the returned function is called. */
export function chartFeed(
  chart: Chart,
  scene: Scene,
  onData: (shown: Shown) => void,
  onFail: (err: Error) => void,
): () => void {
  const { range } = scene;
  const exprs = expressions(chart, scene);
  const stop = new AbortController();
  let timeline: Timeline | null = null;
  let waiting: Point[] = [];
  let later: ReturnType<typeof setTimeout> | undefined;

  const show = (): void => {
    if (!timeline) return;
    const newest = timeline.times.at(-1) ?? 0;
    const toS = range.kind === 'last' ? Math.max(newest, serverTime.nowMs() / 1000 - 30) : range.toS;
    const fromS = toS - span(range);
    if (range.kind === 'last') trim(timeline, fromS);
    onData({ timeline, fromS, toS });
  };

  const read = async (): Promise<void> => {
    const { startS, endS, stepS } = grid(range, scene.intervalS);
    const answers = await Promise.all(exprs.map(e => api.queryRange(e, startS, endS, stepS, stop.signal)));
    timeline = fromRanges(answers.map(ofHost(scene.host)), startS, endS, stepS);
    for (const [t, values] of waiting) append(timeline, t, values);
    waiting = [];
    show();
  };
  const readAgain = (): void => {
    read().catch((e: unknown) => {
      if (!stop.signal.aborted) onFail(e instanceof Error ? e : new Error(String(e)));
    });
  };

  const onPoint = (tMs: number, all: LiveValue[][]): void => {
    const values = all.map(ofHost(scene.host));
    if (!timeline) {
      waiting.push([tMs / 1000, values]);
      return;
    }
    const before = timeline.times.at(-1) ?? 0;
    if (!append(timeline, tMs / 1000, values)) return;
    show();
    if (tMs / 1000 - before > LOST_INTERVALS * scene.intervalS) {
      clearTimeout(later);
      later = setTimeout(readAgain, SPOOL_ARRIVES_MS);
    }
  };

  readAgain();
  const ends = [catchUp.on(readAgain), () => stop.abort(), () => clearTimeout(later)];
  if (range.kind === 'last') ends.push(live.watch({ host: scene.host, exprs, onPoint }));
  return () => ends.forEach(end => end());
}

export const nothingShown = (): Shown => ({ timeline: emptyTimeline(1), fromS: 0, toS: 0 });

/** Changes of a host's kernel parameters within the range, and every later one as it happens. */
export function marksFeed(scene: Scene, onMarks: (marks: Mark[]) => void): () => void {
  const expr = fill(SYSCTLS, { host: scene.host, windowS: 0 });
  const stop = new AbortController();
  const known = new Map<string, number>();
  let past: Mark[] = [];
  let fresh: Mark[] = [];
  const { stepS } = grid(scene.range, scene.intervalS);
  const show = (): void => onMarks(mergeMarks(past, fresh, stepS));

  const read = async (): Promise<void> => {
    const { startS, endS } = grid(scene.range, scene.intervalS);
    const found = await api.queryRange(expr, startS, endS, stepS, stop.signal);
    past = changes(found);
    show();
  };
  const readAgain = (): void => void read().catch(() => {}); // the table beside it says what failed

  readAgain();
  const ends = [catchUp.on(readAgain), () => stop.abort()];
  if (scene.range.kind === 'last')
    ends.push(
      live.watch({
        host: scene.host,
        exprs: [expr],
        everyMs: 2000,
        onPoint(tMs, values) {
          const found = liveChanges(known, tMs / 1000, values[0] ?? []);
          if (found.length === 0) return;
          fresh = [...fresh, ...found];
          show();
        },
      }),
    );
  return () => ends.forEach(end => end());
}

// ---- the fleet ----

const SPARK = { seconds: 3600, stepS: 60 };
const SPARKS_EVERY_MS = 60_000;
const FIGURES_EVERY_MS = 5000;

export function fleetFeed(onFigures: (byHost: Map<string, Figures>) => void): () => void {
  const names = Object.keys(FLEET_QUERIES) as (keyof typeof FLEET_QUERIES)[];
  const stop = new AbortController();
  let newest: FleetAnswers | null = null;
  let sparks: Range[] = [];
  let spark = { startS: 0, stepS: SPARK.stepS, n: SPARK.seconds / SPARK.stepS + 1 };

  const show = (): void => {
    if (newest) onFigures(figures(newest, sparks, spark));
  };
  const readSparks = async (): Promise<void> => {
    const endS = Math.floor(serverTime.nowMs() / 1000 / SPARK.stepS) * SPARK.stepS;
    const startS = endS - SPARK.seconds;
    sparks = await api.queryRange(FLEET_QUERIES.cpu, startS, endS, SPARK.stepS, stop.signal);
    spark = { ...spark, startS };
    show();
  };
  const readAgain = (): void => void readSparks().catch(() => {}); // rows are shown without them

  readAgain();
  const timer = setInterval(readAgain, SPARKS_EVERY_MS);
  const unwatch = live.watch({
    host: '',
    exprs: names.map(n => FLEET_QUERIES[n]),
    everyMs: FIGURES_EVERY_MS,
    onPoint(_, values) {
      newest = Object.fromEntries(names.map((n, i) => [n, values[i] ?? []])) as unknown as FleetAnswers;
      show();
    },
  });
  return () => {
    stop.abort();
    clearInterval(timer);
    unwatch();
  };
}
