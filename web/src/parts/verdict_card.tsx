// What the analysis says when nothing needs to change, and the small print under every analysis:
// checks done, limits closest to firing, class probabilities.

import type { Analysis } from '../shapes';
import { dateTime, duration, share } from '../units';
import { CLASSES, KINDS, unbroken } from '../words';
import { Badge } from './badge';
import { Level } from './bars';

export function Checked({ a }: { a: Analysis }) {
  return (
    <p class="note">
      {a.checks} {a.checks === 1 ? 'check' : 'checks'} done
      {a.silent > 0 && `, ${a.silent} silent because their source is missing here`}.
    </p>
  );
}

export function Closest({ a }: { a: Analysis }) {
  if (a.closest.length === 0) return null;
  return (
    <div class="closest">
      <h3>Closest to a limit</h3>
      <ul>
        {a.closest.map(c => (
          <li key={c.rule + c.title}>
            <span>{c.title}</span>
            <Level share={c.use} label={`${share(c.use)} of the limit`} />
            <span class="num">{share(c.use)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

export function Probabilities({ a }: { a: Analysis }) {
  if (!a.probabilities) return null;
  const likeliest = a.probabilities.indexOf(Math.max(...a.probabilities));
  return (
    <div class="probabilities" title={`The classifier's view at ${dateTime(a.at_ms)}`}>
      <h3>{likeliest === a.predicted_class ? 'Model' : 'Model, not of this opinion'}</h3>
      <ul>
        {CLASSES.map((c, i) => {
          const p = a.probabilities?.[i] ?? 0;
          return (
            <li key={c.kind} class={i === likeliest ? 'chosen' : ''}>
              <span>{KINDS[c.kind].text}</span>
              <Level share={p} label={`${KINDS[c.kind].text} ${share(p)}`} ticks={false} />
              <span class="num">{share(p)}</span>
            </li>
          );
        })}
      </ul>
    </div>
  );
}

/** The summary's own first words are the heading; they are not said twice. */
function headed(a: Analysis): [heading: string, rest: string] {
  const heading = a.preliminary ? 'No changes needed so far' : 'No changes needed';
  return [heading, a.summary.startsWith(heading + ': ') ? a.summary.slice(heading.length + 2) : a.summary];
}

export function NoChangeCard({ a, nowMs }: { a: Analysis; nowMs: number }) {
  const [heading, rest] = headed(a);
  return (
    <article class="card verdict" data-verdict="none">
      <div class="main">
        <header>
          <Badge word={KINDS.none} />
          {a.preliminary && <span class="chip">Preliminary</span>}
          <span class="spring" />
          <span class="sub" title={dateTime(a.at_ms)}>
            {duration((nowMs - a.at_ms) / 1000)} ago
          </span>
        </header>
        <h2>{heading}</h2>
        <p class="sentence">{unbroken(rest)}</p>
        <Checked a={a} />
      </div>
      <Closest a={a} />
      <Probabilities a={a} />
    </article>
  );
}
