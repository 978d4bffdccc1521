// SPDX-License-Identifier: Apache-2.0
// The live table of `watch`: keeps the last message of each kind and lays it out as text.

type Body = Readonly<Record<string, unknown>>;

interface SensorRow {
  body: Body;
  stamps: number;
  lost: number;
}

const masPerMm = 20_005.868;

/** Three heartbeats. */
const silenceMs = 3000;

export class WatchTable {
  readonly #sensors = new Map<string, SensorRow>();
  readonly #alarms = new Map<string, string>();
  #agent = '';
  #offsets: Body | null = null;
  #heartbeat: Body | null = null;
  #state: Body | null = null;
  #log = '';
  #heardMs = 0;

  /** Takes one decoded envelope that came at `nowMs`. */
  take(kind: string, envelope: Body, nowMs: number): void {
    this.#heardMs = nowMs;
    const body = envelope.body as Body;
    this.#agent = String(envelope.agent);
    switch (kind) {
      case 'guider.result':
        this.#takeResult(body);
        break;
      case 'guider.offsets':
        this.#offsets = body;
        break;
      case 'guider.state':
        this.#state = body;
        break;
      case 'heartbeat':
        this.#heartbeat = body;
        break;
      case 'alarm':
        if (body.active === true) this.#alarms.set(String(body.name), String(body.message));
        else this.#alarms.delete(String(body.name));
        break;
      case 'log':
        this.#log = `${String(body.name)}: ${String(body.message)}`;
        break;
    }
  }

  #takeResult(body: Body): void {
    const name = String(body.sensor);
    const before = this.#sensors.get(name);
    this.#sensors.set(name, {
      body,
      stamps: (before?.stamps ?? 0) + 1,
      lost: (before?.lost ?? 0) + number(body.gap),
    });
  }

  render(address: string, nowMs: number): string {
    if (!this.#heartbeat && this.#sensors.size === 0) return `waiting for an agent at ${address}`;
    const lines = [this.#headline(address, nowMs), '', ...this.#table(), '', this.#offsetLine()];
    for (const message of this.#alarms.values()) lines.push(`ALARM ${message}`);
    if (this.#log !== '') lines.push(this.#log);
    return lines.join('\n');
  }

  #headline(address: string, nowMs: number): string {
    const silentMs = nowMs - this.#heardMs;
    if (silentMs > silenceMs) {
      const seconds = Math.floor(silentMs / 1000);
      return `NO AGENT: ${this.#agent} at ${address} has been silent for ${seconds} s; what follows is its last word`;
    }
    const h = this.#heartbeat ?? {};
    const link = linkText(h);
    const sim = number(h.simulation_mode) === 1 ? ', simulation' : '';
    const obsid = this.#state ? `, ${String(this.#state.obsid)}` : '';
    return `${this.#agent} at ${address}: ${link}${sim}${obsid}`;
  }

  #table(): string[] {
    const columns = '  stamp      x px      y px   err px  FWHM "     SNR  lat ms   lost  flags';
    const rows = [...this.#sensors.entries()].sort().map(([name, { body, lost }]) => {
      const err = Math.hypot(number(body.xroi_err), number(body.yroi_err)) / Math.SQRT2;
      return [
        name.padEnd(8),
        String(body.stamp).padStart(6),
        fixed(body.xroi, 3, 10),
        fixed(body.yroi, 3, 10),
        fixed(err, 3, 9),
        fixed(body.fwhm, 2, 8),
        fixed(body.snr, 1, 8),
        fixed(body.latency_ms, 1, 8),
        String(lost).padStart(7),
        `  ${(body.flags as readonly string[]).join(' ')}`,
      ].join('');
    });
    return [`sensor  ${columns.slice(1)}`, ...rows];
  }

  #offsetLine(): string {
    const o = this.#offsets;
    if (!o) return 'no offset yet';
    const mas = (value: unknown) => fixed(number(value) * masPerMm, 1, 7);
    return [
      `offset x ${mas(o.x)} +-${mas(o.x_err)} mas, y ${mas(o.y)} +-${mas(o.y_err)} mas,`,
      `rotation ${fixed(o.rotation, 3, 7)} +- ${fixed(o.rotation_err, 3, 5)} arcsec,`,
      `${String(o.n_sensors)} of ${String(o.n_expected)} sensors, from stamp ${String(o.reference_stamp)}`,
    ].join(' ');
  }
}

function number(value: unknown): number {
  return typeof value === 'number' ? value : typeof value === 'bigint' ? Number(value) : Number.NaN;
}

function fixed(value: unknown, digits: number, width: number): string {
  const n = number(value);
  return (Number.isFinite(n) ? n.toFixed(digits) : '-').padStart(width);
}

function linkText({ link_up: up, links_up: links }: Body): string {
  if (typeof links !== 'object' || links === null)
    return up === true ? 'link up' : up === false ? 'LINK DOWN' : 'link ?';
  return Object.entries(links)
    .map(([name, isUp]) => `link ${name} ${isUp === true ? 'up' : 'DOWN'}`)
    .join(', ');
}
