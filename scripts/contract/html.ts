// SPDX-License-Identifier: Apache-2.0
// The rig's report on one page, for someone who was not there.
import { counterNames as boardNames } from '../demonstration/board.js';
import type { Histogram } from './doors.js';
import type { Case, RigReport } from './suite.js';

const style = `body{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:80em;padding:0 1em;color:#222}
h1{font-size:1.5em}h2{font-size:1.15em;margin-top:1.8em}table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.25em .6em;border-bottom:1px solid #ddd;vertical-align:top;white-space:pre-line}td.n{text-align:right}
.pass{color:#187a2f}.fail{color:#b3261e;font-weight:bold}.not{color:#777}svg{display:block}`;

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const text = (value: unknown) => String(value).replaceAll(/[&<>"]/g, (c) => escapes[c] ?? c);

/** All that the laws name. */
const counterNames = [...boardNames.slice(0, -1), 'withheld', 'lost'] as const;

function row(cells: readonly unknown[], tag = 'td'): string {
  const cell = (value: unknown) =>
    `<${tag}${typeof value === 'number' ? ' class="n"' : ''}>${text(value)}</${tag}>`;
  return `<tr>${cells.map(cell).join('')}</tr>`;
}

function table(head: readonly string[], rows: readonly (readonly unknown[])[]): string {
  return `<table>${row(head, 'th')}${rows.map((cells) => row(cells)).join('')}</table>`;
}

function verdicts(cases: readonly Case[]): string {
  const rows = cases.map(({ name, verdict, detail, seconds }) => {
    const kind = verdict === 'not here' ? 'not' : verdict;
    return `<tr><td class="${kind}">${text(verdict)}</td><td>${text(name)}</td><td>${text(detail)}</td><td class="n">${seconds}</td></tr>`;
  });
  return `<table>${row(['', 'what', 'how it went', 's'], 'th')}${rows.join('')}</table>`;
}

const barWidth = 42;
const barHeight = 80;

/** Stamps by duration, each bar twice the one before. */
function chart({ bins }: Histogram): string {
  const most = Math.max(1, ...bins.map(({ count }) => count));
  const bars = bins.map(({ belowUs, count }, i) => {
    const height = Math.max(1, Math.round((count / most) * barHeight));
    const x = i * barWidth;
    const label = belowUs >= 1000 ? `${Math.round(belowUs / 1000)} ms` : `${belowUs}`;
    return `<rect x="${x}" y="${barHeight - height}" width="${barWidth - 4}" height="${height}" fill="#4878a8"><title>${count} below ${belowUs} us</title></rect><text x="${x}" y="${barHeight + 14}" font-size="10">&lt;${label}</text>`;
  });
  return `<svg width="${bins.length * barWidth}" height="${barHeight + 20}" role="img">${bars.join('')}</svg>`;
}

/** What each span of time is made of. */
const spans: Readonly<Record<string, string>> = {
  'first to last packet': 'the stamp comes in: the DAQ, the network, the socket',
  'last packet to measured': 'the link thread wakes up and measures the star',
  'measured to published': 'the role gives the result its identity and encodes it',
  'published to subscriber': 'ZeroMQ brings it to a client on this machine',
  'trigger to published':
    'from the time that the DAQ writes into the stamp; compares two clocks where the DAQ is another machine',
};

function doors(all: readonly Histogram[]): string {
  const rows = all.map(
    (one) =>
      `<tr><td>${text(one.door)}<br><small>${text(spans[one.door] ?? '')}</small></td><td class="n">${one.p50}</td><td class="n">${one.p99}</td><td class="n">${one.max}</td><td class="n">${one.count}</td><td>${chart(one)}</td></tr>`,
  );
  return `<table>${row(['door, us', 'p50', 'p99', 'max', 'stamps', 'how many below'], 'th')}${rows.join('')}</table>`;
}

function count(cases: readonly Case[], wanted: Case['verdict']): number {
  return cases.filter(({ verdict }) => verdict === wanted).length;
}

function accounts({ sensors }: RigReport): string {
  const sum = (key: string) => Object.values(sensors).reduce((total, all) => total + (all[key] ?? 0), 0);
  const rows = Object.entries(sensors).map(([name, all]) => [
    name,
    ...counterNames.map((key) => all[key] ?? 0),
  ]);
  rows.push(['all', ...counterNames.map(sum)]);
  return table(['sensor', ...counterNames], rows);
}

function links({ links: all }: RigReport): string {
  const [first] = Object.values(all);
  if (first === undefined) return '';
  const keys = Object.keys(first);
  const rows = Object.entries(all).map(([name, stamps]) => [name, ...keys.map((key) => stamps[key] ?? 0)]);
  return `<h3>Link by link</h3><p>complete + incomplete + dropped = used + spare + foreign + superseded: <i>spare</i> another link
had brought before, <i>foreign</i> are of sensors that the profile gives to other links.</p>${table(['link', ...keys], rows)}`;
}

function tuned({ outcomes, tuning }: RigReport): string {
  const wishes = table(['best-effort setting', 'what became of it'], Object.entries(outcomes));
  if (tuning.length === 0)
    return `${wishes}<p><code>summit-agent doctor</code> misses nothing on this machine.</p>`;
  const rows = tuning.map(({ check, severity, found, remedy }) => [check, severity, found, remedy]);
  return `${wishes}<p>What <code>summit-agent doctor</code> misses on this machine; the contract does not depend on it, latency and losses
under load do:</p>${table(['check', '', 'found', 'remedy'], rows)}`;
}

function section(report: RigReport): string {
  const { place, about, pass, cases, link } = report;
  const moved = Object.entries(link).filter(([, value]) => value !== 0);
  return `<h1>${text(place)}: <span class="${pass ? 'pass' : 'fail'}">${pass ? 'pass' : 'fail'}</span></h1>
<p>${text(about)}</p>
<h2>The contract</h2><p>In the order in which it was tried. <i>not here</i>: this place cannot show it, and it is told why.</p>${verdicts(cases)}
<h2>What became of every stamp</h2><p>Of the whole run, the disturbed parts included: stamps that were lost on purpose are in
<i>lost</i> and <i>incomplete</i>. <i>sent</i> is the DAQ's own count (0: it has not told since the last start). The books close when
seen = complete + incomplete + bad + duplicate + dropped, sent = complete + incomplete + dropped + lost and
complete = published + withheld + superseded + rejected.</p>${accounts(report)}${links(report)}
<h2>Latency, door by door</h2><p>us, of every stamp that was heard; what was disturbed is in it.</p>${doors(report.doors)}
<h2>Counters of the link that moved</h2><p>Their meaning: addons/daq/driver.h, SummitLinkStats.</p>${table(['counter', 'value'], moved)}
<h2>The machine</h2><p>Load average when it began ${report.load.began.toFixed(1)}, when it ended ${report.load.ended.toFixed(1)}, of
${report.machine.cores} cores: beyond that others had their part in the latencies.</p>${tuned(report)}`;
}

/** All places on one screen. */
function overview(reports: readonly RigReport[]): string {
  const p50 = ({ doors: all }: RigReport, door: string) =>
    all.find((one) => one.door === door)?.p50 ?? Number.NaN;
  const p99 = ({ doors: all }: RigReport, door: string) =>
    all.find((one) => one.door === door)?.p99 ?? Number.NaN;
  const door = 'last packet to measured';
  const rows = reports.map((report) => {
    const { place, pass, cases, sensors } = report;
    const sum = (key: string) => Object.values(sensors).reduce((total, all) => total + (all[key] ?? 0), 0);
    const verdict = `<td class="${pass ? 'pass' : 'fail'}">${pass ? 'pass' : 'fail'}</td>`;
    const numbers = [
      ...(['pass', 'fail', 'not here'] as const).map((wanted) => count(cases, wanted)),
      sum('seen'),
      sum('published'),
      p50(report, door),
      p99(report, door),
    ];
    return `<tr><td>${text(place)}</td>${verdict}${numbers.map((n) => `<td class="n">${n}</td>`).join('')}</tr>`;
  });
  const head = [
    'place',
    '',
    'passed',
    'failed',
    'not here',
    'stamps seen',
    'published',
    `${door}, p50 us`,
    'p99 us',
  ];
  return `<table>${row(head, 'th')}${rows.join('')}</table>`;
}

export function htmlReport(reports: readonly RigReport[]): string {
  const [first] = reports;
  const machine = first?.machine;
  const about =
    machine === undefined
      ? ''
      : `${machine.cpu}, ${machine.cores} cores, ${machine.os}, kernel ${machine.kernel}, Node ${machine.node}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>summit-agent: rig report</title><style>${style}</style></head><body>
<p>What a summit-agent promises, tried on a whole agent on ${text(first?.when ?? '')}: ${text(about)}. The agent was started,
told to begin series and exposures of the eight guide sensors through its command endpoint, disturbed where
that is possible (packets lost, a link that is too slow, the cable pulled), and stopped. What follows is what it said and counted. The
same suite runs in CI on loopback and on a real partition with <code>scripts/rig --profile FILE</code>, so that reports can be laid side by
side; <code>rig.json</code> beside this page has the same numbers.</p>
${overview(reports)}
${reports.map(section).join('\n')}
</body></html>
`;
}
