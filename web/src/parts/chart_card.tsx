// A chart with its title, readout, table and PromQL. The points come from feeds.ts, the drawing
// from chart.ts; this is the frame around both, and the chart's faces.

import { useEffect, useRef, useState } from 'preact/hooks';
import type { Drawing } from '../chart';
import { draw } from '../chart';
import type { Scene, Shown } from '../feeds';
import { chartFeed, expressions, nothingShown } from '../feeds';
import type { Chart } from '../model/charts';
import { lineLabel, tellingLabels } from '../model/charts';
import type { Mark } from '../model/parameters';
import { fixedRange, lastRange } from '../model/range';
import { setParams } from '../router';
import { colours, paused } from '../store';
import { dateTime, format } from '../units';
import { copyText } from './copy';
import { Dialog } from './dialog';
import { Failed } from './faces';
import { Icon } from './icon';

const TABLE_ROWS = 200;

interface Props {
  chart: Chart;
  scene: Scene;
  marks?: readonly Mark[];
  plain?: boolean; // inside another card
  onPick?: (tS: number) => void;
}

export function ChartCard({ chart, scene, marks, plain, onPick }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const readout = useRef<HTMLDivElement>(null);
  const drawing = useRef<Drawing | null>(null);
  const latest = useRef<Shown>(nothingShown());
  const [state, setState] = useState<'loading' | 'empty' | 'there' | Error>('loading');
  const [attempt, setAttempt] = useState(0);
  const [table, setTable] = useState(false);
  const sceneKey = JSON.stringify([scene, chart.id]);

  useEffect(() => {
    let hovered = false;
    let drawn = false; // whoever hovers or pauses waits, but not for a first sight
    const d = draw(box.current!, {
      chart,
      readout: readout.current!,
      onZoom: (fromS, toS) => setParams({ ...fixedRange(fromS, toS), range: undefined }),
      onReset: () => setParams(lastRange('')),
      onPick,
    });
    drawing.current = d;
    const show = (): void => {
      if (drawn && (hovered || paused.get())) return;
      drawn = latest.current.timeline.times.length > 0;
      d.show(latest.current);
    };
    const stop = chartFeed(
      chart,
      scene,
      shown => {
        latest.current = shown;
        setState(shown.timeline.lines.length > 0 ? 'there' : 'empty');
        show();
      },
      setState,
    );
    const enter = (): void => void (hovered = true);
    const leave = (): void => {
      hovered = false;
      show();
    };
    const gone = new AbortController();
    box.current!.addEventListener('pointerenter', enter, { signal: gone.signal });
    box.current!.addEventListener('pointerleave', leave, { signal: gone.signal });
    const ends = [stop, colours.on(d.repaint), paused.on(show), () => gone.abort(), d.close];
    return () => ends.forEach(end => end());
  }, [sceneKey, attempt]);

  useEffect(() => drawing.current?.mark(marks ?? []), [marks, sceneKey, attempt]);

  const failed = state instanceof Error ? state : null;
  return (
    <section class={plain ? 'chart plain' : 'chart card'} data-chart={chart.id}>
      <header>
        <h3>{chart.title}</h3>
        <span class="acts">
          <button type="button" class="ghost" title="As table" aria-label={`${chart.title} as table`} onClick={() => setTable(true)}>
            <Icon name="table" />
          </button>
          <button
            type="button"
            class="ghost"
            title="Copy PromQL"
            aria-label={`Copy the PromQL of ${chart.title}`}
            onClick={() => void copyText(expressions(chart, scene).join('\n'), 'PromQL')}
          >
            <Icon name="copy" />
          </button>
        </span>
      </header>
      <div class="readout" ref={readout} />
      <div class="plot">
        <div
          class="drawing"
          ref={box}
          tabIndex={0}
          role="group"
          aria-label={`${chart.title}, chart. Arrow keys move the crosshair.`}
        />
        {state === 'loading' && <div class="over loading seen" />}
        {state === 'empty' && <div class="over">No samples in this range.</div>}
        {failed && (
          <div class="over">
            <Failed err={failed} retry={() => (setState('loading'), setAttempt(n => n + 1))} />
          </div>
        )}
      </div>
      {table && <ChartTable chart={chart} shown={latest.current} onClose={() => setTable(false)} />}
    </section>
  );
}

function ChartTable({ chart, shown, onClose }: { chart: Chart; shown: Shown; onClose: () => void }) {
  const { times, lines } = shown.timeline;
  const telling = tellingLabels(lines);
  const first = Math.max(0, times.length - TABLE_ROWS);
  return (
    <Dialog title={chart.title} onClose={onClose} wide>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th>Time</th>
              {lines.map(l => (
                <th key={l.key} class="num">
                  {lineLabel(chart.series[l.series]?.label ?? '', l.labels, telling) || 'value'}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {times
              .slice(first)
              .map((t, i) => (
                <tr key={t}>
                  <td>{dateTime(t * 1000)}</td>
                  {lines.map(l => (
                    <td key={l.key} class="num">
                      {format(chart.unit, l.values[first + i])}
                    </td>
                  ))}
                </tr>
              ))
              .reverse()}
          </tbody>
        </table>
      </div>
      {first > 0 && <p class="note">The newest {TABLE_ROWS} of {times.length} points.</p>}
    </Dialog>
  );
}
