// SPDX-License-Identifier: Apache-2.0
// What `status` says of an agent: how well it is, and one screen of text.

type Fields = Readonly<Record<string, unknown>>;

export interface StatusReport {
  /** 0 well, 1 worth a look, 2 not working */
  readonly health: 0 | 1 | 2;
  /** why it is not 0 */
  readonly reasons: readonly string[];
  readonly snapshot: Fields;
  readonly stats: Fields;
  /** per sensor, stamps a second that left (or were withheld) and that were lost in any way */
  readonly rates: Readonly<Record<string, { readonly stamps: number; readonly losses: number }>>;
}

const lossKeys = ['lost', 'incomplete', 'bad', 'dropped', 'superseded', 'rejected'] as const;
const masPerMm = 20_005.868;

/** `before` and `after` are answers to `stats`, `seconds` apart. */
export function reportOf(snapshot: Fields, before: Fields, after: Fields, seconds: number): StatusReport {
  const rates: Record<string, { stamps: number; losses: number }> = {};
  const earlier = fields(before.sensors);
  for (const [name, value] of Object.entries(fields(after.sensors))) {
    const now = fields(value);
    const then = fields(earlier[name]);
    const grown = (keys: readonly string[]) =>
      keys.reduce((sum, key) => sum + number(now[key]) - (number(then[key]) || 0), 0) / seconds;
    rates[name] = { stamps: grown(['published', 'withheld', 'rejected']), losses: grown(lossKeys) };
  }
  return { ...healthOf(snapshot, after), snapshot, stats: after, rates };
}

function healthOf(snapshot: Fields, stats: Fields): Pick<StatusReport, 'health' | 'reasons'> {
  const serious: string[] = [];
  const slight: string[] = [];
  const state = String(snapshot.summary_state);
  if (state === 'FAULT' || state === 'OFFLINE') {
    const last = fields(snapshot.last);
    const error = Object.entries(last).find(([topic]) => topic.endsWith('/errorCode/'));
    const why = error ? String(fields(fields(error[1]).body).error_report ?? '') : '';
    serious.push(why === '' ? `the agent is in ${state}` : `the agent is in ${state}: ${why}`);
  }
  for (const alarm of list(snapshot.alarms).map(fields)) {
    (alarm.severity === 'serious' ? serious : slight).push(`${String(alarm.name)}: ${String(alarm.message)}`);
  }
  if (stats.conserved === false) {
    const laws = Object.entries(fields(stats.conservation)).map(
      ([n, law]) => [n, fields(law).problem] as const,
    );
    const broken = laws
      .filter(([, problem]) => problem !== '')
      .map(([n, problem]) => `${n}: ${String(problem)}`);
    slight.push(`stamps are not all accounted for: ${broken.join('; ')}`);
  }
  return { health: serious.length > 0 ? 2 : slight.length > 0 ? 1 : 0, reasons: [...serious, ...slight] };
}

export function render(report: StatusReport): string {
  const { snapshot, stats } = report;
  const verdict = ['WELL', 'WORTH A LOOK', 'NOT WORKING'][report.health];
  const sim = number(snapshot.simulation_mode) === 0 ? '' : ', simulation';
  return [
    `${verdict}: ${String(snapshot.agent)} is ${String(snapshot.summary_state)}${sim}`,
    ...report.reasons.map((reason) => `  ! ${reason}`),
    '',
    ...linkLines(stats),
    `agent    version ${String(snapshot.version)}, up ${duration(number(stats.uptime_s))}, ${String(snapshot.role)} of ${String(snapshot.instrument)}`,
    seriesLine(fields(snapshot.guider)),
    offsetLine(fields(snapshot.last), snapshot),
    ...hostLines(fields(snapshot.last)),
    '',
    ...sensorTable(report),
  ].join('\n');
}

/** The link, or one line for each of several. */
function linkLines(stats: Fields): string[] {
  const line = (of: Fields, up: unknown) =>
    `${up === true ? 'up' : 'DOWN'}, driver ${String(of.driver)} ${String(of.driver_version)}`;
  const links = Object.entries(fields(stats.links));
  if (links.length === 0) return [`link     ${line(stats, stats.link_up)}`];
  return links.map(([name, value], i) => {
    const link = fields(value);
    const { used, spare, lost } = fields(link.stamps);
    const counts = `${String(used)} stamps used, ${String(spare)} spare, ${String(lost)} lost`;
    const step = link.in_step === false ? ', OUT OF STEP' : '';
    return `${i === 0 ? 'links    ' : '         '}${name} ${line(link, link.up)}: ${counts}${step}`;
  });
}

function seriesLine(guider: Fields): string {
  if (guider.series === null || guider.series === undefined) return 'series   none';
  const { seqno, obsid } = fields(guider.series);
  const state = guider.running === true ? 'running' : 'paused';
  return `series   ${String(seqno)}, ${String(obsid)}, ${state}: ${String(guider.n_stamps)} acquisitions, ${String(guider.n_good)} with an offset`;
}

function offsetLine(last: Fields, snapshot: Fields): string {
  const found = Object.entries(last).find(([topic]) => topic.startsWith('guider.offsets/'));
  if (!found) return 'offset   none yet';
  const message = fields(found[1]);
  const o = fields(message.body);
  const mas = (value: unknown) => fixed(number(value) * masPerMm, 1);
  const age = (number(snapshot.tai_ns) - number(message.tai_ns)) / 1e9;
  return [
    `offset   x ${mas(o.x)} +- ${mas(o.x_err)} mas, y ${mas(o.y)} +- ${mas(o.y_err)} mas,`,
    `rotation ${fixed(number(o.rotation), 3)} arcsec,`,
    `${String(o.n_sensors)} of ${String(o.n_expected)} sensors, stamp ${String(o.stamp)}`,
    Number.isFinite(age) ? `(${fixed(age, 1)} s ago)` : '',
  ].join(' ');
}

/** What the machine's own health says, as its last message has it. */
function hostLines(last: Fields): string[] {
  const found = Object.entries(last).find(([topic]) => topic.startsWith('health.host/'));
  if (!found) return [];
  const h = fields(fields(found[1]).body);
  const link = fields(h.interface);
  const disks = list(h.disks).map((one) => {
    const { folder, free_bytes: free, total_bytes: total } = fields(one);
    return `disk ${String(folder)} ${gb(free)} of ${gb(total)} GB free`;
  });
  const machine = [
    `cpu ${fixed(number(h.cpu_load), 0)} % (busiest core ${fixed(number(h.cpu_load_max), 0)} %)`,
    `memory ${gb(h.memory_available_bytes)} of ${gb(h.memory_total_bytes)} GB free`,
    ...(Number.isFinite(number(h.temperature_c)) ? [`${fixed(number(h.temperature_c), 0)} deg C`] : []),
    ...disks,
  ];
  const agent = [
    `this agent ${fixed(number(h.process_rss_bytes) / 1e6, 0)} MB, ${String(h.fds)} of ${String(h.fd_limit)} descriptors`,
    `event loop late by ${fixed(number(fields(h.event_loop_delay).p99_ms), 1)} ms (p99)`,
    ...(h.interface ? [`${String(link.name)} errors and drops in 30 s: ${String(h.daq_errors)}`] : []),
  ];
  return [`host     ${machine.join(', ')}`, `         ${agent.join(', ')}`];
}

function gb(bytes: unknown): string {
  return fixed(number(bytes) / 1e9, 1);
}

function sensorTable({ stats, rates }: StatusReport): string[] {
  const columns = ['published', 'withheld', ...lossKeys];
  const head = ['sensor ', 'stamps/s', 'losses/s', ...columns].map((name) => name.padStart(11)).join('');
  const rows = Object.entries(fields(stats.sensors)).map(([name, value]) => {
    const counters = fields(value);
    const rate = rates[name];
    return [
      `  ${name}`.padEnd(11),
      fixed(rate?.stamps ?? Number.NaN, 2).padStart(11),
      fixed(rate?.losses ?? Number.NaN, 2).padStart(11),
      ...columns.map((key) => String(counters[key] ?? '-').padStart(11)),
    ].join('');
  });
  return [head, ...rows];
}

function duration(seconds: number): string {
  const s = Math.floor(seconds);
  const [d, h, m] = [Math.floor(s / 86_400), Math.floor(s / 3600) % 24, Math.floor(s / 60) % 60];
  if (d > 0) return `${d} d ${h} h`;
  return h > 0 ? `${h} h ${m} min` : `${m} min ${s % 60} s`;
}

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function number(value: unknown): number {
  return typeof value === 'number' ? value : typeof value === 'bigint' ? Number(value) : Number.NaN;
}

function fixed(value: number, digits: number): string {
  return Number.isFinite(value) ? value.toFixed(digits) : '-';
}
