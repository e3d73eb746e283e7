// One finding, read downwards: sentence, why with its chart, effect, when, risk, lines to copy,
// lines to undo.

import type { Scene } from '../feeds';
import { evidenceChart } from '../model/charts';
import type { Mark } from '../model/parameters';
import type { Finding } from '../shapes';
import { dateTime, when } from '../units';
import { EVIDENCE_KINDS, KINDS, unbroken } from '../words';
import { Badge } from './badge';
import { ChartCard } from './chart_card';
import { CopyLines } from './copy';

interface Props {
  finding: Finding;
  scene: Scene;
  marks: readonly Mark[];
}

/** What to do, when the sentence itself does not begin with it. */
export function headline(f: Finding): string {
  if (!f.parameter || f.to === null) return f.title;
  const verb = f.class === 'decrease' ? 'Lower' : 'Raise';
  return `${verb} ${f.parameter} ${f.from === null ? '' : `from ${f.from} `}to ${f.to}`;
}

export function AdviceCard({ finding: f, scene, marks }: Props) {
  const facts: [string, string | null][] = [
    ['Effect', f.effect],
    ['When', f.takes_effect],
    ['Risk', f.risk],
    ['Check', f.check],
  ];
  const lead = f.evidence[0];
  return (
    <article class="card advice" data-rule={f.rule}>
      <header>
        <Badge word={KINDS[f.class]} />
        {f.confidence === 'low' && <span class="chip">Low confidence</span>}
        <span class="spring" />
        <span class="sub" title={dateTime(f.since_ms)}>
          {EVIDENCE_KINDS[f.kind]} · rule {f.rule} · since {when(f.since_ms, Date.now())}
        </span>
      </header>
      <h2>{headline(f)}</h2>
      <p class="sentence">{unbroken(f.sentence)}</p>
      <div class="why">
        <div>
          <h3>Why</h3>
          <ul class="evidence">
            {f.evidence.map(e => (
              <li key={e.expr}>{e.text}</li>
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
        {lead && <ChartCard plain chart={evidenceChart(lead.text, lead.expr)} scene={scene} marks={marks} />}
      </div>
      <div class="todo">
        {f.line && <CopyLines what="Lines" caption={f.file ? `Put into ${f.file}` : 'Put into /etc/sysctl.d/'} text={f.line} />}
        {f.command && <CopyLines what="Command" caption="Apply now" text={f.command} />}
        {f.undo && <CopyLines what="Undo" caption="To undo" text={f.undo} />}
      </div>
      {f.source && <p class="note">Source: {f.source}</p>}
    </article>
  );
}
