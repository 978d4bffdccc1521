// SPDX-License-Identifier: Apache-2.0
// The rig's report on one page, for someone who was not there.
import type { Histogram } from './doors.js';
import type { Case, RigReport } from './suite.js';

const style = `body{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:70em;padding:0 1em;color:#222}
h1{font-size:1.5em}h2{font-size:1.15em;margin-top:1.8em}table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.25em .6em;border-bottom:1px solid #ddd;vertical-align:top}td.n{text-align:right}
.pass{color:#187a2f}.fail{color:#b3261e;font-weight:bold}.not{color:#777}svg{display:block}`;

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const text = (value: unknown) => String(value).replaceAll(/[&<>"]/g, (c) => escapes[c] ?? c);

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

const barWidth = 34;
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

function doors(all: readonly Histogram[]): string {
  const rows = all.map(
    (one) =>
      `<tr><td>${text(one.door)}</td><td class="n">${one.p50}</td><td class="n">${one.p99}</td><td class="n">${one.max}</td><td class="n">${one.count}</td><td>${chart(one)}</td></tr>`,
  );
  return `<table>${row(['door, us', 'p50', 'p99', 'max', 'stamps', 'how many below'], 'th')}${rows.join('')}</table>`;
}

const accountColumns = [
  'seen',
  'complete',
  'incomplete',
  'bad',
  'duplicate',
  'dropped',
  'lost',
  'published',
  'rejected',
  'superseded',
];

function section(report: RigReport): string {
  const { place, pass, cases, sensors, link, outcomes, tuning } = report;
  const accounts = Object.entries(sensors).map(([name, all]) => [
    name,
    ...accountColumns.map((key) => all[key] ?? 0),
  ]);
  const moved = Object.entries(link).filter(([, value]) => value !== 0);
  return `<h1>${text(place)}: <span class="${pass ? 'pass' : 'fail'}">${pass ? 'pass' : 'fail'}</span></h1>
<h2>The contract</h2>${verdicts(cases)}
<h2>Every stamp</h2><p>seen = complete + incomplete + bad + duplicate + dropped; sent = complete + incomplete + dropped + lost;
complete = published + withheld + superseded + rejected.</p>${table(['sensor', ...accountColumns], accounts)}
<h2>Latency, door by door</h2>${doors(report.doors)}
<h2>Counters of the link that moved</h2>${table(['counter', 'value'], moved)}
<h2>The machine</h2>${table(['setting', 'outcome'], Object.entries(outcomes))}
${
  tuning.length === 0
    ? '<p>The doctor misses nothing.</p>'
    : table(
        ['the doctor misses', '', 'found'],
        tuning.map(({ check, severity, found }) => [check, severity, found]),
      )
}`;
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
<p>Contract of a whole agent, ${text(first?.when ?? '')}, on ${text(about)}. An agent was started, given exposures of the guide sensors
through its own commands, disturbed where that is possible, and stopped; everything below is what it said and counted.</p>
${reports.map(section).join('\n')}
</body></html>
`;
}
