// The one wrapper around uPlot: a chart's data and points become a drawing. It draws only while
// visible, keeps colours and scale when data refreshes, and shares its crosshair with every other
// chart of the page.

import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { keysFor } from './chart_keys';
import { niceTop, timeTicks, yIncrements } from './model/axis';
import type { Chart } from './model/charts';
import { lineLabel, tellingLabels } from './model/charts';
import { reasonOf } from './model/changes';
import type { Mark } from './model/parameters';
import type { Line } from './model/timeline';
import { busiest, newestValue, stacked } from './model/timeline';
import type { Shown } from './feeds';
import { MISSING, dateTime, format, tick, when } from './units';
import { OUTCOMES } from './words';

const LINES_MOST = 6;
const SHRINK_AFTER_MS = 30_000;
const SYNC = uPlot.sync('page');

/** Set by the theme: canvas cannot read custom properties by itself. */
let palette: Record<string, string> = {};
export function readPalette(): void {
  const css = getComputedStyle(document.documentElement);
  const names = ['text', 'muted', 'edge', 'warn', 'surface', 's1', 's2', 's3', 's4', 's5', 's6'];
  palette = Object.fromEntries(names.map(n => [n, css.getPropertyValue('--' + n).trim()]));
}

export interface Drawing {
  show(shown: Shown): void;
  mark(marks: readonly Mark[]): void;
  repaint(): void;
  close(): void;
}

export interface DrawingOptions {
  chart: Chart;
  readout: HTMLElement; // names and values of the lines go here
  onZoom: (fromS: number, toS: number) => void;
  onReset: () => void;
  /** A click that is no drag. */
  onPick?: ((tS: number) => void) | undefined;
}

interface Item {
  line: Line;
  label: string;
  colour: number;
  value: HTMLElement;
  button: HTMLElement;
}

function colourOf(chart: Chart, shown: readonly Line[], line: Line): number {
  const own = chart.series[line.series]?.colour ?? 1;
  const twins = shown.filter(l => l.series === line.series);
  if (twins.length < 2) return own;
  return (shown.indexOf(line) % LINES_MOST) + 1; // many lines of one expression: each its own
}

function element(tag: string, className: string, text = ''): HTMLElement {
  const el = document.createElement(tag);
  el.className = className;
  el.textContent = text;
  return el;
}

export function draw(box: HTMLElement, o: DrawingOptions): Drawing {
  const { chart } = o;
  let plot: uPlot | null = null;
  let shown: Shown | null = null;
  let items: Item[] = [];
  let marks: readonly Mark[] = [];
  let builtFor = '';
  let visible = false;
  let stale = false;
  let top = 0;
  let topAt = 0;
  const hidden = new Set<string>();

  const isShown = (i: Item): boolean => !hidden.has(i.line.key);

  // ---- scales ----

  const range = (_: uPlot, low: number | null, high: number | null): [number, number] => {
    const floor = Math.min(0, low ?? 0);
    // shares of one sum exceed it by a hair when their rates are of slightly different moments
    if (chart.max !== undefined && (high ?? 0) <= chart.max * 1.02) return [floor, chart.max];
    const wanted = niceTop(chart.unit, Math.max(high ?? 0, chart.least ?? 0, chart.threshold ?? 0));
    const now = performance.now();
    // grows at once, shrinks when it was too large for a while: a scale that jumps is unreadable
    if (wanted >= top || now - topAt > SHRINK_AFTER_MS) top = wanted;
    if (wanted >= top) topAt = now;
    return [floor, top];
  };

  // ---- the readout ----

  const fillReadout = (): void => {
    const at = plot?.cursor.idx ?? null;
    for (const i of items) {
      const v = at === null ? newestValue(i.line) : (i.line.values[at] ?? null);
      i.value.textContent = format(chart.unit, v);
    }
    const t = at === null ? undefined : shown?.timeline.times[at];
    o.readout.dataset['at'] = t === undefined ? '' : when(t * 1000, Date.now());
  };

  const choose = (item: Item, alone: boolean): void => {
    if (alone) {
      const others = items.filter(i => i !== item);
      const already = !hidden.has(item.line.key) && others.every(i => hidden.has(i.line.key));
      hidden.clear();
      if (!already) others.forEach(i => hidden.add(i.line.key));
    } else if (!hidden.delete(item.line.key)) hidden.add(item.line.key);
    items.forEach(i => i.button.setAttribute('aria-pressed', String(isShown(i))));
    top = 0;
    feed();
  };

  const buildReadout = (lines: readonly Line[], more: number): void => {
    const telling = tellingLabels(lines);
    items = lines.map(line => {
      const button = element('button', 'key');
      button.setAttribute('type', 'button');
      button.setAttribute('aria-pressed', 'true');
      button.title = 'Click: only this line. Ctrl+click: hide it.';
      const label = lineLabel(chart.series[line.series]?.label ?? '', line.labels, telling) || chart.title;
      const colour = colourOf(chart, lines, line);
      const value = element('span', 'value', MISSING);
      button.append(element('span', `swatch c${colour}`), element('span', 'name', label), value);
      return { line, label, colour, value, button };
    });
    items.forEach(i => i.button.addEventListener('click', e => choose(i, !(e.ctrlKey || e.metaKey))));
    o.readout.replaceChildren(...items.map(i => i.button));
    if (more > 0) o.readout.append(element('span', 'more', `${more} more in the table`));
  };

  // ---- marks and the threshold ----

  const placeMarks = (u: uPlot): void => {
    const layer = u.over.querySelector('.marks');
    if (!layer) return;
    const inside = marks.filter(m => m.tS >= (u.scales['x']?.min ?? 0) && m.tS <= (u.scales['x']?.max ?? 0));
    layer.replaceChildren(
      ...inside.map(m => {
        const el = element('div', 'mark');
        el.dataset['mark'] = m.name;
        if (m.change) el.dataset['verdict'] = m.change.verdict;
        const came = m.change ? `\n${OUTCOMES[m.change.verdict].text}. ${reasonOf(m.change)}` : '';
        el.title = `${dateTime(m.tS * 1000)}  ${m.name}: ${m.from} -> ${m.to}${came}`;
        el.style.left = `${u.valToPos(m.tS, 'x')}px`;
        return el;
      }),
    );
  };

  const drawThreshold = (u: uPlot): void => {
    if (chart.threshold === undefined) return;
    const y = Math.round(u.valToPos(chart.threshold, 'y', true));
    const { ctx, bbox } = u;
    ctx.save();
    ctx.strokeStyle = palette['warn'] ?? '';
    ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.lineWidth = 1.5 * devicePixelRatio;
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.restore();
  };

  // ---- uPlot ----

  const onSelect = (u: uPlot): void => {
    const { left, width } = u.select;
    if (width < 4) return;
    const from = u.posToVal(left, 'x');
    const to = u.posToVal(left + width, 'x');
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    if (box.matches(':hover, :focus')) o.onZoom(from, to); // the crosshair's other charts hear it too
  };

  const pick = (u: uPlot): void => {
    let downX = NaN;
    u.over.addEventListener('pointerdown', e => (downX = e.clientX));
    u.over.addEventListener('pointerup', e => {
      if (Math.abs(e.clientX - downX) >= 4) return;
      o.onPick?.(u.posToVal(e.clientX - u.over.getBoundingClientRect().left, 'x'));
    });
  };

  const series = (i: Item): uPlot.Series => ({
    label: i.label,
    stroke: () => palette[`s${i.colour}`] ?? '',
    width: chart.stack ? 1 : 1.5,
    points: { show: false },
    ...(items.length === 1 || (chart.stack && i === items[0]) ? { fill: () => faded(i, chart.stack) } : {}),
  });
  const faded = (i: Item, strong = false): string => (palette[`s${i.colour}`] ?? '') + (strong ? '59' : '1f');

  const axes = (): uPlot.Axis[] => {
    const common = { stroke: () => palette['muted'] ?? '', font: '11px system-ui, sans-serif' };
    const line = { stroke: () => palette['edge'] ?? '', width: 1 };
    return [
      { ...common, grid: { show: false }, ticks: { ...line, size: 4 }, space: 70, size: 26, gap: 4, values: timeTicks },
      {
        ...common,
        grid: line,
        ticks: { show: false },
        size: 66,
        gap: 8,
        space: 32,
        incrs: yIncrements(chart.unit),
        values: (_, splits) => splits.map(v => tick(chart.unit, v)),
      },
    ];
  };

  const options = (): uPlot.Options => ({
    width: Math.max(120, box.clientWidth),
    height: Math.max(80, box.clientHeight),
    legend: { show: false },
    padding: [8, 18, 0, 0],
    scales: { x: { time: true, range: () => [shown?.fromS ?? 0, shown?.toS ?? 1] }, y: { range } },
    series: [{}, ...items.map(series)],
    ...(chart.stack
      ? { bands: items.slice(1).map((i, n) => ({ series: [n + 2, n + 1] as [number, number], fill: () => faded(i, true) })) }
      : {}),
    axes: axes(),
    cursor: {
      y: false,
      points: { size: 6, width: 1.5 },
      drag: { x: true, y: false, setScale: false },
      sync: { key: SYNC.key, scales: ['x', null] },
      bind: { dblclick: () => () => (o.onReset(), null) },
    },
    hooks: {
      setCursor: [fillReadout],
      setSelect: [onSelect],
      draw: [drawThreshold, placeMarks],
      init: [u => void u.over.append(element('div', 'marks')), pick],
    },
  });

  const columns = (): uPlot.AlignedData => {
    const times = shown?.timeline.times ?? [];
    const gap: (number | null)[] = times.map(() => null);
    if (!chart.stack) return [times, ...items.map(i => (isShown(i) ? i.line.values : gap))];
    const sums = stacked(items.map(i => (isShown(i) ? i.line.values : times.map(() => 0))));
    return [times, ...sums];
  };

  function feed(): void {
    if (!shown) return;
    const { shown: lines, more } = busiest(shown.timeline.lines, LINES_MOST);
    const key = lines.map(l => l.key).join('\n') + more;
    if (key !== builtFor || !plot) {
      builtFor = key;
      buildReadout(lines, more);
      plot?.destroy();
      plot = new uPlot(options(), columns(), box);
    } else {
      items.forEach((i, n) => (i.line = lines[n]!)); // history read again: other objects, same lines
      plot.setData(columns(), true);
    }
    fillReadout();
  }

  const drawIfSeen = (): void => {
    stale = !visible;
    if (visible) feed();
  };

  const seen = new IntersectionObserver(
    found => {
      visible = found.some(f => f.isIntersecting);
      if (visible && stale) drawIfSeen();
    },
    { rootMargin: '200px' },
  );
  const sized = new ResizeObserver(() => {
    plot?.setSize({ width: Math.max(120, box.clientWidth), height: Math.max(80, box.clientHeight) });
  });
  seen.observe(box);
  sized.observe(box);
  const unbindKeys = keysFor(box, () => plot, { onZoom: o.onZoom, onReset: o.onReset });

  return {
    show(next) {
      shown = next;
      drawIfSeen();
    },
    mark(next) {
      marks = next;
      if (plot) placeMarks(plot);
    },
    repaint: () => plot?.redraw(false),
    close() {
      seen.disconnect();
      sized.disconnect();
      unbindKeys();
      plot?.destroy();
    },
  };
}
