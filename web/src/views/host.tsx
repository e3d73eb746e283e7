// One host: what to change, why, and the charts that are the evidence; then, each at an address of
// its own, what else is known of it.

import { useEffect, useMemo, useState } from 'preact/hooks';
import * as api from '../api';
import type { Scene } from '../feeds';
import { marksFeed, reportInterval } from '../feeds';
import { HOST_CHARTS, fill } from '../model/charts';
import type { Mark } from '../model/parameters';
import { parseRange, stepFor, span } from '../model/range';
import { AgentSettingsPart } from '../parts/agent_settings';
import { AlertCount } from '../parts/alerts/alert_count';
import { Badge } from '../parts/badge';
import { ChangeList, Changes, useJudged } from '../parts/changes';
import { ChartCard } from '../parts/chart_card';
import { Empty, Loading } from '../parts/faces';
import { HostAdvice } from '../parts/host_advice';
import { InventoryPart } from '../parts/inventory';
import { Parameters } from '../parts/parameters';
import { Processes } from '../parts/processes';
import { Profiles } from '../parts/profiles';
import { Services } from '../parts/services';
import { Tabs } from '../parts/tabs';
import { href, route } from '../router';
import type { Host, Labels } from '../shapes';
import { hostNamed, hosts, isOperator, now, remember, serverTime, session, toast, useCell } from '../store';
import { age, duration, zone } from '../units';
import { STATES } from '../words';

function reason(h: Host, nowMs: number): string {
  const silentS = (nowMs - h.last_seen_ms) / 1000;
  if (h.state === 'silent') return `Last sample ${duration(silentS)} ago`;
  const n = h.advice?.findings.filter(f => f.class !== 'none').length ?? 0;
  if (h.state === 'attention') return n === 1 ? '1 finding' : `${n} findings`;
  if (h.state === 'new') return 'The first look comes within a minute';
  return 'Nothing found to change';
}

function Machine({ host }: { host: Host }) {
  const [labels, setLabels] = useState<Labels>({});
  const [boot, setBoot] = useState<number | null>(null);
  useEffect(() => {
    const about = (expr: string) => api.query(fill(expr, { host: host.name, windowS: 0 }));
    about('node_uname_info{instance="$host"}').then(f => setLabels(f[0]?.labels ?? {}), () => {});
    about('node_boot_time_seconds{instance="$host"}').then(f => setBoot(f[0]?.v ?? null), () => {});
  }, [host.name]);
  const up = boot === null ? null : serverTime.nowMs() / 1000 - boot;
  const words = [
    labels['sysname'] && `${labels['sysname']} ${labels['release'] ?? ''} ${labels['machine'] ?? ''}`,
    up !== null && `up ${duration(up)}`,
  ].filter(Boolean);
  return <span class="sub">{words.join(' · ')}</span>;
}

function AnalysisSwitch({ host }: { host: Host }) {
  const who = useCell(session);
  if (!isOperator(who)) return null;
  const flip = async (): Promise<void> => {
    try {
      await api.setAnalysis(host.id, !host.analysis);
      hosts.update(all => all?.map(h => (h.id === host.id ? { ...h, analysis: !host.analysis } : h)));
      toast(host.analysis ? 'Analysis stopped.' : 'Analysis started.');
    } catch (e) {
      toast(e instanceof Error ? e.message : String(e), true);
    }
  };
  return (
    <button type="button" onClick={() => void flip()}>
      {host.analysis ? 'Stop analysis' : 'Start analysis'}
    </button>
  );
}

function Header({ host }: { host: Host }) {
  useCell(now);
  const nowMs = serverTime.nowMs();
  return (
    <div class="title">
      <h1>{host.name}</h1>
      <AlertCount host={host.name} />
      <Badge word={STATES[host.state]} />
      <span class="sub">{reason(host, nowMs)}</span>
      <Machine host={host} />
      <span class="spring" />
      <span class="sub">seen {age((nowMs - host.last_seen_ms) / 1000)} ago</span>
      <AnalysisSwitch host={host} />
    </div>
  );
}

const TABS = [
  { id: '', text: 'Overview' },
  { id: 'processes', text: 'Processes' },
  { id: 'services', text: 'Services' },
  { id: 'changes', text: 'Changes' },
  { id: 'inventory', text: 'Inventory' },
  { id: 'profiles', text: 'Profiles' },
  { id: 'agent', text: 'Agent' },
] as const;
type TabId = (typeof TABS)[number]['id'];
const tabOf = (text: string | undefined): TabId => TABS.find(t => t.id === text)?.id ?? '';

interface PartProps {
  host: Host;
  scene: Scene;
  marks: readonly Mark[];
}

function Overview({ host, scene, marks }: PartProps) {
  return (
    <>
      <HostAdvice host={host} scene={scene} marks={marks} />
      <div class="title section">
        <h2>Charts</h2>
        <span class="sub">
          1 point = {duration(stepFor(span(scene.range), scene.intervalS))} · times are {zone()}
        </span>
      </div>
      <ChangeList host={host} marks={marks} />
      <div class={host.state === 'silent' ? 'charts stale' : 'charts'}>
        {HOST_CHARTS.map(c => (
          <ChartCard key={c.id} chart={c} scene={scene} marks={marks} />
        ))}
      </div>
      <div class="title section" id="parameters">
        <h2>Kernel parameters</h2>
      </div>
      <Parameters host={host} scene={scene} marks={marks} />
    </>
  );
}

const PARTS: Record<TabId, (p: PartProps) => preact.JSX.Element> = {
  '': Overview,
  processes: Processes,
  services: Services,
  changes: Changes,
  inventory: InventoryPart,
  profiles: Profiles,
  agent: AgentSettingsPart,
};

export function HostView() {
  const all = useCell(hosts);
  const params = useCell(route)?.params ?? {};
  const host = hostNamed(all, params['host']);
  const name = host?.name ?? '';
  const [intervalS, setIntervalS] = useState<number | null>(null);
  const [marks, setMarks] = useState<readonly Mark[]>([]);
  useEffect(() => {
    setIntervalS(null);
    if (!name) return;
    remember('host', name);
    reportInterval(name).then(setIntervalS, () => setIntervalS(15));
  }, [name]);
  const rangeKey = `${params['range']} ${params['from']} ${params['to']}`;
  const scene = useMemo<Scene | null>(
    () => (intervalS === null ? null : { host: name, range: parseRange(params), intervalS }),
    [name, intervalS, rangeKey],
  );
  useEffect(() => (scene ? marksFeed(scene, setMarks) : undefined), [scene]);
  const marked = useJudged(host, scene, marks);

  if (!all) return <Loading what="Reading the host" />;
  if (!host)
    return (
      <Empty>
        No host is called "{params['host']}". <a href={href('fleet')}>See all hosts</a>
      </Empty>
    );
  if (!scene) return <Header host={host} />;
  const tab = tabOf(params['tab']);
  const Part = PARTS[tab];
  const kept = { host: host.name, range: params['range'], from: params['from'], to: params['to'] };
  return (
    <>
      <Header host={host} />
      <Tabs
        label={`Parts of ${host.name}`}
        chosen={tab}
        tabs={TABS.map(t => ({ ...t, href: href('host', { ...kept, tab: t.id }) }))}
      />
      <Part key={host.id + tab} host={host} scene={scene} marks={marked} />
    </>
  );
}
