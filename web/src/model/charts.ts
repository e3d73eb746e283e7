// Charts are data: title, unit and PromQL for each line. $host stands for the host's name,
// $w for the window of rates. A label in braces is filled from the series' own labels, so one
// expression can draw a line for each device.

import type { Evidence, Labels } from '../shapes';
import type { Unit } from '../units';
import { duration, format } from '../units';

export interface Series {
  label: string;
  expr: string;
  colour: number; // 1..6, the series colours of theme.css
}

export interface Chart {
  id: string;
  title: string;
  unit: Unit;
  series: Series[];
  /** Lines lie upon one another and their sum is the whole. */
  stack?: boolean;
  /** The axis always ends here. */
  max?: number;
  /** The axis never ends below this: a calm line must not look wild. */
  least?: number;
  /** A line drawn across, for evidence. */
  threshold?: number;
}

export interface Around {
  host: string;
  windowS: number;
}

const quoted = (s: string): string => s.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');

export const fill = (expr: string, a: Around): string =>
  expr.replaceAll('$host', () => quoted(a.host)).replaceAll('$w', `${a.windowS}s`);

/** The labels that tell these lines apart; of a single line, those that say anything at all. */
export function tellingLabels(lines: readonly { labels: Labels }[]): string[] {
  const names = [...new Set(lines.flatMap(l => Object.keys(l.labels)))].filter(n => n !== '__name__');
  if (lines.length < 2) return names;
  return names.filter(n => new Set(lines.map(l => l.labels[n])).size > 1);
}

/** "{device} read" with device=sda: "sda read"; {*} is the telling labels. Without braces, as it is. */
export const lineLabel = (label: string, labels: Labels, telling: readonly string[] = Object.keys(labels)): string =>
  label
    .replace(/\{(\w+|\*)\}/g, (_, name: string) =>
      name === '*'
        ? telling.map(n => (labels[n] === undefined ? '' : `${n}=${labels[n]}`)).join(' ')
        : (labels[name] ?? ''),
    )
    .trim();

const H = 'instance="$host"';

const pressure = (what: string): string => `100 * rate(node_pressure_${what}_waiting_seconds_total{${H}}[$w])`;

const cpuShare = (modes: string): string =>
  `100 * sum(rate(node_cpu_seconds_total{${H},mode=~"${modes}"}[$w])) / count(node_cpu_seconds_total{${H},mode="idle"})`;

/** The newest reading within the window: PromQL's own five minutes of patience would hide a gap. */
const level = (selector: string): string => `last_over_time(${selector}[$w])`;

const memory = (name: string): string => level(`node_memory_${name}_bytes{${H}}`);
const fileCache = `(${memory('Cached')} + ${memory('Buffers')} + ${memory('SReclaimable')} - ${memory('Shmem')})`;

const DISKS = `${H},device!~"loop.*|ram.*|sr.*|zram.*"`;
const NETS = `${H},device!~"lo|veth.*|docker.*|br-.*|virbr.*|ifb.*|dummy.*|tunl.*|sit.*"`;
const MOUNTS = `${H},fstype!~"tmpfs|devtmpfs|ramfs|squashfs|iso9660|nsfs|autofs"`;

const waitPerOp = (what: string): string =>
  `sum(rate(node_disk_${what}_time_seconds_total{${DISKS}}[$w])) / ` +
  `(sum(rate(node_disk_${what}s_completed_total{${DISKS}}[$w])) > 0)`;

export const HOST_CHARTS: readonly Chart[] = [
  {
    id: 'pressure',
    title: 'Pressure: time that something waited',
    unit: 'percent',
    least: 5,
    series: [
      { label: 'CPU', expr: pressure('cpu'), colour: 1 },
      { label: 'memory', expr: pressure('memory'), colour: 3 },
      { label: 'disk', expr: pressure('io'), colour: 2 },
    ],
  },
  {
    id: 'cpu',
    title: 'CPU by mode',
    unit: 'percent',
    stack: true,
    max: 100,
    series: [
      { label: 'user', expr: cpuShare('user|nice'), colour: 1 },
      { label: 'system', expr: cpuShare('system'), colour: 2 },
      { label: 'interrupts', expr: cpuShare('irq|softirq'), colour: 3 },
      { label: 'disk wait', expr: cpuShare('iowait'), colour: 4 },
      { label: 'stolen', expr: cpuShare('steal'), colour: 5 },
    ],
  },
  {
    id: 'memory',
    title: 'Memory',
    unit: 'bytes',
    stack: true,
    series: [
      { label: 'programs', expr: `${memory('MemTotal')} - ${memory('MemFree')} - ${fileCache}`, colour: 1 },
      { label: 'file cache', expr: fileCache, colour: 4 },
      { label: 'free', expr: memory('MemFree'), colour: 6 },
    ],
  },
  {
    id: 'swap',
    title: 'Swap',
    unit: 'bytes',
    least: 1024 ** 2,
    series: [
      { label: 'used', expr: `${memory('SwapTotal')} - ${memory('SwapFree')}`, colour: 1 },
      { label: 'total', expr: memory('SwapTotal'), colour: 6 },
    ],
  },
  {
    id: 'swap-traffic',
    title: 'Swap traffic',
    unit: 'bytes/s',
    least: 65536,
    series: [
      { label: 'read back', expr: `4096 * rate(node_vmstat_pswpin{${H}}[$w])`, colour: 1 },
      { label: 'written out', expr: `4096 * rate(node_vmstat_pswpout{${H}}[$w])`, colour: 2 },
    ],
  },
  {
    id: 'space',
    title: 'Disk space used',
    unit: 'percent',
    max: 100,
    series: [
      {
        label: '{mountpoint}',
        expr: `100 * (1 - ${level(`node_filesystem_avail_bytes{${MOUNTS}}`)} / ${level(`node_filesystem_size_bytes{${MOUNTS}}`)})`,
        colour: 1,
      },
    ],
  },
  {
    id: 'disk',
    title: 'Disk reads and writes',
    unit: 'bytes/s',
    least: 65536,
    series: [
      { label: '{device} read', expr: `rate(node_disk_read_bytes_total{${DISKS}}[$w])`, colour: 1 },
      { label: '{device} written', expr: `rate(node_disk_written_bytes_total{${DISKS}}[$w])`, colour: 2 },
    ],
  },
  {
    id: 'latency',
    title: 'Disk latency: time for one request',
    unit: 'seconds',
    least: 0.001,
    series: [
      { label: 'read', expr: waitPerOp('read'), colour: 1 },
      { label: 'write', expr: waitPerOp('write'), colour: 2 },
    ],
  },
  {
    id: 'network',
    title: 'Network',
    unit: 'bytes/s',
    least: 4096,
    series: [
      { label: '{device} in', expr: `rate(node_network_receive_bytes_total{${NETS}}[$w])`, colour: 1 },
      { label: '{device} out', expr: `rate(node_network_transmit_bytes_total{${NETS}}[$w])`, colour: 2 },
    ],
  },
  {
    id: 'load',
    title: 'Load: tasks that run or wait',
    unit: 'count',
    least: 1,
    series: [
      { label: '1 min', expr: level(`node_load1{${H}}`), colour: 1 },
      { label: '5 min', expr: level(`node_load5{${H}}`), colour: 2 },
      { label: '15 min', expr: level(`node_load15{${H}}`), colour: 3 },
      { label: 'CPUs', expr: `count(${level(`node_cpu_seconds_total{${H},mode="idle"}`)})`, colour: 6 },
    ],
  },
  {
    id: 'sockets',
    title: 'Sockets',
    unit: 'count',
    least: 10,
    series: [
      { label: 'TCP in use', expr: level(`node_sockstat_TCP_inuse{${H}}`), colour: 1 },
      { label: 'TCP closing', expr: level(`node_sockstat_TCP_tw{${H}}`), colour: 2 },
      { label: 'TCP orphans', expr: level(`node_sockstat_TCP_orphan{${H}}`), colour: 3 },
      { label: 'UDP in use', expr: level(`node_sockstat_UDP_inuse{${H}}`), colour: 4 },
    ],
  },
  {
    id: 'retransmits',
    title: 'Refused and repeated',
    unit: 'per second',
    least: 1,
    series: [
      { label: 'accept queue full', expr: `rate(node_netstat_TcpExt_ListenOverflows{${H}}[$w])`, colour: 1 },
      { label: 'segments sent again', expr: `rate(node_netstat_Tcp_RetransSegs{${H}}[$w])`, colour: 2 },
      { label: 'UDP buffer full', expr: `rate(node_netstat_Udp_RcvbufErrors{${H}}[$w])`, colour: 3 },
    ],
  },
];

export const CPU_CHART: Chart = {
  id: 'cpu-live',
  title: 'CPU',
  unit: 'percent',
  max: 100,
  series: [{ label: 'busy', expr: cpuShare('user|nice|system|irq|softirq|steal'), colour: 1 }],
};

/** The units of evidence, as the server names them. A ratio is drawn as a share of 100. */
const EVIDENCE_UNITS: Record<string, Unit> = { '1/s': 'per second', ratio: 'percent', bytes: 'bytes', seconds: 'seconds' };

export function evidenceChart(e: Pick<Evidence, 'text' | 'expr' | 'threshold' | 'unit'>): Chart {
  const factor = e.unit === 'ratio' ? 100 : 1;
  return {
    id: 'evidence-' + e.expr,
    title: e.text,
    unit: EVIDENCE_UNITS[e.unit ?? ''] ?? 'count',
    series: [{ label: 'value', expr: factor === 1 ? e.expr : `${factor} * (${e.expr})`, colour: 1 }],
    ...(e.threshold === null ? {} : { threshold: e.threshold * factor }),
  };
}

/** "86 %, threshold 75 %, over 5 min": the value beside the threshold that it crossed. */
export function evidenceFigure(e: Evidence): string {
  if (e.value === null || e.threshold === null) return '';
  const unit = EVIDENCE_UNITS[e.unit ?? ''] ?? 'count';
  const factor = e.unit === 'ratio' ? 100 : 1;
  const over = e.window_s === null ? '' : `, over ${duration(e.window_s)}`;
  return `${format(unit, e.value * factor)}, threshold ${format(unit, e.threshold * factor)}${over}`;
}

/** Kernel parameters, all of a host, and one of them. */
export const SYSCTLS = `galen_sysctl{${H}}`;
export const parameterChart = (name: string, labels: Labels): Chart => ({
  id: 'parameter-' + name,
  title: name,
  unit: 'count',
  series: [{ label: '', expr: parameterExpr(labels), colour: 1 }],
});

function parameterExpr(labels: Labels): string {
  const own = Object.entries(labels).filter(([k]) => !['instance', 'job', '__name__'].includes(k));
  return `galen_sysctl{${H}${own.map(([k, v]) => `,${k}="${quoted(v)}"`).join('')}}`;
}
