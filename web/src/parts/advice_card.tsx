// One finding, read downwards: sentence, why with its chart, effect, when, risk, lines to copy,
// lines to undo.

import type { ComponentChildren } from 'preact';
import type { Scene } from '../feeds';
import { evidenceChart, evidenceFigure } from '../model/charts';
import { isHarm } from '../model/changes';
import type { Mark } from '../model/parameters';
import type { Finding } from '../shapes';
import { dateTime, when } from '../units';
import { EVIDENCE_KINDS, KINDS, OUTCOMES, headed, unbroken } from '../words';
import { Badge } from './badge';
import { ChartCard } from './chart_card';
import { CopyLines } from './copy';

interface Props {
  finding: Finding;
  scene: Scene;
  marks: readonly Mark[];
  /** Buttons for who may decide about it. */
  acts?: ComponentChildren;
}

/** Lines that go into the same file are copied together. */
function linesOf(f: Finding): { line: string; file: string | null }[] {
  const all = f.lines?.length ? f.lines : f.line ? [{ line: f.line, file: f.file }] : [];
  const files = [...new Set(all.map(l => l.file))];
  return files.map(file => ({ file, line: all.filter(l => l.file === file).map(l => l.line).join('\n') }));
}

export function AdviceCard({ finding: f, scene, marks, acts }: Props) {
  const facts: [string, string | null][] = [
    ['Effect', f.effect],
    ['When', f.takes_effect],
    ['Risk', f.risk],
    ['Check', f.check],
    ['Set by', f.set_by && `${f.set_by.file}, to ${f.set_by.value}`],
  ];
  const harm = isHarm(f);
  const lead = f.evidence[0];
  const [heading, why] = headed(f.sentence);
  return (
    <article class={`card advice${harm ? ' notice bad' : ''}`} data-rule={f.rule} data-harm={harm ? f.parameter : undefined}>
      <header>
        <Badge word={harm ? OUTCOMES.harmed : KINDS[f.class]} />
        {f.confidence === 'low' && <span class="chip">Low confidence</span>}
        <span class="spring" />
        <span class="sub" title={dateTime(f.since_ms)}>
          {EVIDENCE_KINDS[f.kind]} · rule {f.rule} · since {when(f.since_ms, Date.now())}
        </span>
      </header>
      <h2>{unbroken(heading)}</h2>
      {why && <p class="sentence">{unbroken(why)}</p>}
      <div class="why">
        <div>
          {f.evidence.length > 0 && <h3>Why</h3>}
          <ul class="evidence">
            {f.evidence.map(e => (
              <li key={e.expr}>
                {e.text}
                {evidenceFigure(e) && <span class="sub"> ({evidenceFigure(e)})</span>}
              </li>
            ))}
          </ul>
          <dl class="facts">
            {facts.map(
              ([name, text]) =>
                text && (
                  <div key={name}>
                    <dt>{name}</dt>
                    <dd>{text}</dd>
                  </div>
                ),
            )}
          </dl>
        </div>
        {lead && <ChartCard plain chart={evidenceChart(lead)} scene={scene} marks={marks} />}
      </div>
      <div class="todo">
        {linesOf(f).map(l => (
          <CopyLines key={l.line} what="Lines" caption={`Put into ${l.file ?? '/etc/sysctl.d/'}`} text={l.line} />
        ))}
        {f.command && <CopyLines what="Command" caption="Apply now" text={f.command} />}
        {f.undo && <CopyLines what="Undo" caption="To undo" text={f.undo} />}
      </div>
      <footer>
        {f.source && <p class="note">Source: {f.source}</p>}
        <span class="spring" />
        {acts}
      </footer>
    </article>
  );
}
