// The console's words for states, classes and kinds, each with the shape that goes with it:
// colour is never the only sign.

import type { Kind } from './model/fleet';
import type { Finding, HostState, PredictedClass } from './shapes';
import type { AuditResult, FindingState, Outcome } from './shapes_advice';
import type { Health, LinkState } from './shapes_host';

export type Tone = 'good' | 'warn' | 'bad' | 'accent' | 'quiet';
export interface Word {
  text: string;
  icon: string;
  tone: Tone;
}

export const STATES: Record<HostState, Word> = {
  healthy: { text: 'Healthy', icon: 'healthy', tone: 'good' },
  attention: { text: 'Attention', icon: 'attention', tone: 'warn' },
  silent: { text: 'Silent', icon: 'silent', tone: 'quiet' },
  new: { text: 'New', icon: 'checking', tone: 'accent' },
};

export const KINDS: Record<Kind, Word> = {
  increase: { text: 'Increase', icon: 'increase', tone: 'warn' },
  decrease: { text: 'Decrease', icon: 'decrease', tone: 'warn' },
  upgrade: { text: 'Upgrade', icon: 'upgrade', tone: 'warn' },
  none: { text: 'No change', icon: 'nochange', tone: 'good' },
  silent: { text: 'Silent', icon: 'silent', tone: 'quiet' },
  new: { text: 'First look', icon: 'checking', tone: 'accent' },
};

export const FINDINGS: Record<FindingState, Word> = {
  open: { text: 'Open', icon: 'attention', tone: 'warn' },
  applied: { text: 'Applied', icon: 'checking', tone: 'accent' },
  helped: { text: 'Helped', icon: 'helped', tone: 'good' },
  no_effect: { text: 'No effect', icon: 'noeffect', tone: 'quiet' },
  harmed: { text: 'Harmed', icon: 'harmed', tone: 'bad' },
  dismissed: { text: 'Dismissed', icon: 'silent', tone: 'quiet' },
  ended: { text: 'Ended', icon: 'nochange', tone: 'quiet' },
};

export const OUTCOMES: Record<Outcome, Word> = {
  pending: { text: 'Checking', icon: 'checking', tone: 'accent' },
  helped: FINDINGS.helped,
  no_effect: FINDINGS.no_effect,
  harmed: FINDINGS.harmed,
  unjudged: { text: 'Not judged', icon: 'silent', tone: 'quiet' },
};

export const HEALTH: Record<Health, Word> = {
  healthy: { text: 'Healthy', icon: 'healthy', tone: 'good' },
  degraded: { text: 'Degraded', icon: 'attention', tone: 'warn' },
  down: { text: 'Down', icon: 'down', tone: 'bad' },
  unknown: { text: 'Unknown', icon: 'silent', tone: 'quiet' },
};

export const AUDITS: Record<AuditResult, Word> = {
  PASS: { text: 'PASS', icon: 'healthy', tone: 'good' },
  WARN: { text: 'WARN', icon: 'attention', tone: 'warn' },
  FAIL: { text: 'FAIL', icon: 'down', tone: 'bad' },
  '?': { text: 'Unknown', icon: 'silent', tone: 'quiet' },
};

export const LINKS: Record<LinkState, Word> = {
  applied: { text: 'Applied', icon: 'helped', tone: 'good' },
  pending: { text: 'On its way', icon: 'checking', tone: 'accent' },
  refused: { text: 'Refused', icon: 'harmed', tone: 'bad' },
  offline: { text: 'Agent not connected', icon: 'silent', tone: 'quiet' },
};

/** In the order of predicted_class, as the server words them. */
export const CLASSES: readonly { kind: Kind; text: string }[] = [
  { kind: 'none', text: 'No changes needed' },
  { kind: 'increase', text: 'Increase kernel parameters' },
  { kind: 'decrease', text: 'Decrease kernel parameters' },
  { kind: 'upgrade', text: 'Upgrade resources (RAM/CPU/Disk)' },
];
export const kindOfClass = (c: PredictedClass): Kind => CLASSES[c]?.kind ?? 'none';

export const EVIDENCE_KINDS: Record<Finding['kind'], string> = {
  proof: 'Proof: an error counter moved',
  limit: 'A level near its limit',
  pressure: 'Something waits',
};

/** The line that makes another host report here. The token goes by a file: arguments are seen by
 *  everyone on the host. */
export const joinLine = (server: string, token: string): string =>
  `umask 077; echo ${token} > galen-join; galen-agent --server ${server} --join-token-file galen-join`;

/** A number and its sign stay on one line. */
export const unbroken = (sentence: string): string => sentence.replace(/(\d) (%|s|min|GB|GiB)(?=\W|$)/g, '$1\u00a0$2');

/** What to do is the first sentence and becomes the heading; why is the rest. */
export function headed(sentence: string): [heading: string, rest: string] {
  const end = sentence.search(/\.\s+(?=\S)/);
  if (end < 0) return [sentence.replace(/\.$/, ''), ''];
  return [sentence.slice(0, end), sentence.slice(end + 1).trim()];
}
