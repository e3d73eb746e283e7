// A chart by keyboard: arrows move the crosshair, Shift+arrows select, Enter zooms, 0 resets.

import type uPlot from 'uplot';

export interface ChartActs {
  onZoom: (fromS: number, toS: number) => void;
  onReset: () => void;
}

const LEAP = 10; // points, with Ctrl

/** uPlot's types leave out the third argument: tell the other charts of the page. */
type SetCursor = (at: { left: number; top: number }, fire: boolean, publish: boolean) => void;

export function keysFor(box: HTMLElement, plotOf: () => uPlot | null, acts: ChartActs): () => void {
  let anchor: number | null = null;

  const move = (u: uPlot, by: number, select: boolean): void => {
    const times = u.data[0];
    const from = u.cursor.idx ?? times.length - 1;
    const to = Math.min(times.length - 1, Math.max(0, from + by));
    const x = (i: number): number => u.valToPos(times[i] ?? 0, 'x');
    if (select) anchor ??= from;
    else anchor = null;
    (u.setCursor as SetCursor)({ left: x(to), top: 1 }, true, true);
    const a = anchor === null ? x(to) : x(anchor);
    u.setSelect({ left: Math.min(a, x(to)), top: 0, width: Math.abs(x(to) - a), height: u.over.clientHeight }, false);
  };

  const onKey = (e: KeyboardEvent): void => {
    const u = plotOf();
    if (!u || e.target !== box || e.altKey || e.metaKey) return;
    const step = e.ctrlKey ? LEAP : 1;
    if (e.key === 'ArrowLeft') move(u, -step, e.shiftKey);
    else if (e.key === 'ArrowRight') move(u, step, e.shiftKey);
    else if (e.key === '0') acts.onReset();
    else if (e.key === 'Enter' && anchor !== null) {
      const at = u.data[0][u.cursor.idx ?? 0] ?? 0;
      const from = u.data[0][anchor] ?? 0;
      anchor = null;
      acts.onZoom(Math.min(at, from), Math.max(at, from));
    } else return;
    e.preventDefault();
    e.stopPropagation();
  };
  box.addEventListener('keydown', onKey);
  return () => box.removeEventListener('keydown', onKey);
}
