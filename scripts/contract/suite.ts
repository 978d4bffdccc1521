// SPDX-License-Identifier: Apache-2.0
// The contract of a whole agent, through its own interface only: the same on a simulated DAQ and on a real one.
import { execFileSync } from 'node:child_process';
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeMachine, type Machine } from '../bench/machine.js';
import { ControlClient } from '../processes/control-client.js';
import { type Body, Subscription } from '../processes/subscription.js';
import { Doors, type Histogram } from './doors.js';
import { obsIdOf } from './obs-id.js';
import type { Place, Spoiled } from './place.js';

export interface Case {
  readonly name: string;
  readonly verdict: 'pass' | 'fail' | 'not here';
  readonly detail: string;
  readonly seconds: number;
}

export interface RigReport {
  readonly place: string;
  /** what runs where */
  readonly about: string;
  readonly when: string;
  readonly pass: boolean;
  readonly cases: readonly Case[];
  readonly doors: readonly Histogram[];
  /** by sensor, then counter */
  readonly sensors: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly link: Readonly<Record<string, number>>;
  /** stamps of each of several links */
  readonly links: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** what became of best-effort settings */
  readonly outcomes: Readonly<Record<string, string>>;
  /** what `summit-agent doctor` misses on this machine */
  readonly tuning: readonly {
    readonly check: string;
    readonly severity: string;
    readonly found: string;
    readonly remedy: string;
  }[];
  readonly machine: Machine;
  /** load average of one minute */
  readonly load: { readonly began: number; readonly ended: number };
}

export interface SuiteOptions {
  /** of an exposure */
  readonly seconds: number;
  /** where the machine has other things to do, how long something took is told and not judged */
  readonly patient?: boolean;
}

interface Told {
  readonly kind: string;
  readonly body: Body;
}

type Stats = {
  readonly conserved: boolean;
  readonly sensors: Record<string, Record<string, unknown>>;
  readonly link: Record<string, unknown>;
  readonly outcomes: Record<string, string>;
  readonly links?: Record<string, { readonly stamps: Record<string, unknown> }>;
};

const readyMs = 30_000;
const answerMs = 15_000;

function plain(all: Readonly<Record<string, unknown>>): Record<string, number> {
  return Object.fromEntries(Object.entries(all).map(([key, value]) => [key, Number(value)]));
}

export async function runSuite(place: Place, options: SuiteOptions): Promise<RigReport> {
  const suite = new Suite(place, options);
  return suite.run();
}

class Suite {
  readonly #place: Place;
  readonly #seconds: number;
  readonly #patient: boolean;
  readonly #cases: Case[] = [];
  readonly #doors = new Doors();
  readonly #told: Told[] = [];
  readonly #load = loadavg()[0] ?? Number.NaN;
  #exposures = 0;
  #control: ControlClient | null = null;

  constructor(place: Place, { seconds, patient = false }: SuiteOptions) {
    this.#place = place;
    this.#patient = patient;
    this.#seconds = seconds;
  }

  async run(): Promise<RigReport> {
    const began = performance.now();
    const agent = this.#place.start({
      name: 'summit-agent',
      script: 'dist/agent/main.js',
      args: ['run', '--profile', this.#place.profile],
    });
    let subscription: Subscription | null = null;
    let stats: Stats = { conserved: false, sensors: {}, link: {}, outcomes: {} };
    try {
      const ready = await agent.event('ready', ({ event }) => event === 'ready', readyMs);
      const tookMs = performance.now() - began;
      this.#add('the agent starts', true, `READY after ${tookMs.toFixed(0)} ms`, began);
      const { keys } = this.#place;
      const onMessage = (kind: string, body: Body, receivedNs: bigint) => {
        this.#told.push({ kind, body });
        if (kind === 'guider.result') this.#doors.add(body, receivedNs);
      };
      subscription = new Subscription(String(ready.data), [''], onMessage, keys);
      this.#control = new ControlClient(String(ready.control), keys);
      await this.#case('it is heard, and hears its DAQ', () => this.#heard());
      await this.#case('an exposure without a loss', () => this.#exposure());
      await this.#case('another one in the same series, and STOP', () => this.#another());
      await this.#case('what the DAQ refuses is refused, with its words', () => this.#refusal());
      await this.#faults();
      await this.#case('every stamp of the run is accounted for', () => this.#accounted());
      stats = (await this.#ask('stats')) as Stats;
    } catch (error) {
      this.#add(
        'the suite runs to its end',
        false,
        error instanceof Error ? error.message : String(error),
        began,
      );
    } finally {
      const stopping = performance.now();
      this.#control?.close();
      await subscription?.close();
      const code = await agent.stop(5000);
      this.#add(
        'it ends in order',
        code === 0,
        `exit code ${code} after ${(performance.now() - stopping).toFixed(0)} ms`,
        stopping,
      );
    }
    return this.#report(stats);
  }

  async #report(stats: Stats): Promise<RigReport> {
    return {
      place: this.#place.name,
      about: this.#place.about,
      when: new Date().toISOString(),
      pass: this.#cases.every(({ verdict }) => verdict !== 'fail'),
      cases: this.#cases,
      doors: this.#doors.histograms(),
      sensors: Object.fromEntries(Object.entries(stats.sensors).map(([name, all]) => [name, plain(all)])),
      link: plain(stats.link),
      links: Object.fromEntries(
        Object.entries(stats.links ?? {}).map(([name, { stamps }]) => [name, plain(stamps)]),
      ),
      outcomes: stats.outcomes,
      tuning: tuningOf(this.#place.profile),
      machine: await describeMachine(),
      load: { began: this.#load, ended: loadavg()[0] ?? Number.NaN },
    };
  }

  async #heard(): Promise<string> {
    const first = await this.#until('a heartbeat', ({ kind }) => kind === 'heartbeat');
    const { summary_state: state, simulation_mode: mode } = first.body;
    // Without a link until it is told to.
    if (state === 'STANDBY') for (const verb of ['start', 'enable']) await this.#ask(verb);
    await this.#until(
      'a heartbeat with a link that is up',
      ({ kind, body }) => kind === 'heartbeat' && body.link_up === true,
    );
    return `summary state ${String(state)}, simulation mode ${String(mode)}`;
  }

  async #exposure(): Promise<string> {
    await this.#begin();
    return this.#expose();
  }

  async #another(): Promise<string> {
    const detail = await this.#expose();
    await this.#ask('stop');
    return detail;
  }

  async #begin(): Promise<void> {
    const { roiSpec } = this.#place;
    await this.#ask('initGuiders', roiSpec === null ? {} : { roiSpec });
  }

  async #resume(): Promise<void> {
    await this.#ask('resume', { comment: obsIdOf(new Date(), ++this.#exposures) });
  }

  /** RESUME, stamps, PAUSE; every sensor's results, nothing lost. */
  async #expose(): Promise<string> {
    const before = await this.#lost();
    const mark = this.#told.length;
    await this.#resume();
    await sleep(this.#seconds * 1000);
    await this.#ask('pause');
    await this.#conserved();
    const results = this.#told.slice(mark).filter(({ kind }) => kind === 'guider.result');
    const sensors = new Set(results.map(({ body }) => body.sensor));
    const expected = Object.keys(((await this.#ask('stats')) as Stats).sensors).length;
    if (sensors.size < expected)
      throw new Error(`expected results of ${expected} sensors, got ${[...sensors].join(', ') || 'none'}`);
    const lost = (await this.#lost()) - before;
    if (lost > 0) throw new Error(`expected no loss, ${lost} stamps are lost, incomplete or dropped`);
    const good = results.filter(({ body }) => body.flagged === false).length;
    return `${results.length} results of ${sensors.size} sensors, ${good} to be used`;
  }

  async #refusal(): Promise<string> {
    try {
      await this.#ask('resume', { comment: 'x' });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (/INVALID_TRANSITION/.test(message)) return message;
      throw error;
    }
    throw new Error('expected a refusal of resume without a series');
  }

  async #faults(): Promise<void> {
    const { faults } = this.#place;
    const absent = [
      'packets are lost: stamps are incomplete, and counted',
      'a link that is too slow: what is lost is counted',
      'the cable is pulled: told within 1.5 s, good again within 1 s',
    ] as const;
    if (faults === null) {
      for (const name of absent)
        this.#cases.push({ name, verdict: 'not here', detail: 'nothing is done to a real link', seconds: 0 });
      return;
    }
    await this.#case(absent[0], async () => {
      const spoiled = await faults.lose(0.05);
      const detail = await this.#disturbed(spoiled);
      if (detail.lost === 0) throw new Error('expected losses, there were none');
      return `5 % of the datagrams ${spoiled.how}: ${detail.text}`;
    });
    const slow = await faults.limit(1);
    if (typeof slow === 'string')
      this.#cases.push({ name: absent[1], verdict: 'not here', detail: slow, seconds: 0 });
    else {
      await this.#case(absent[1], async () => {
        const detail = await this.#disturbed(slow);
        return `${slow.how}: ${detail.text}`;
      });
    }
    await this.#case(absent[2], () => this.#cablePulled(faults.pullCable));
  }

  /** A series under a fault that has begun, and ends with it. */
  async #disturbed(spoiled: Spoiled): Promise<{ lost: number; text: string }> {
    const before = await this.#lost();
    try {
      await this.#begin();
      await this.#resume();
      await sleep(this.#seconds * 1000);
      await this.#ask('pause');
      await this.#ask('stop');
      await this.#conserved();
    } finally {
      await spoiled.heal();
    }
    const lost = (await this.#lost()) - before;
    return { lost, text: `${lost} stamps lost, incomplete or dropped, all of them counted` };
  }

  async #cablePulled(pull: (ms: number) => Promise<void>): Promise<string> {
    await this.#begin();
    await this.#resume();
    await sleep(500);
    const mark = this.#told.length;
    const pulled = performance.now();
    let toldMs = Number.NaN;
    const down = this.#until(
      'link_down',
      ({ kind, body }) => kind === 'alarm' && body.name === 'link_down' && body.active === true,
      mark,
    ).then(() => {
      toldMs = performance.now() - pulled;
    });
    await pull(2000);
    await down;
    const left = 2000 - (performance.now() - pulled);
    if (left > 0) await sleep(left);
    const back = performance.now();
    const again = this.#told.length;
    await this.#until(
      'a good result',
      ({ kind, body }) => kind === 'guider.result' && body.flagged === false,
      again,
    );
    const goodMs = performance.now() - back;
    await this.#ask('pause');
    await this.#ask('stop');
    await this.#conserved();
    const text = `link_down after ${toldMs.toFixed(0)} ms, a good result ${goodMs.toFixed(0)} ms after it was back`;
    if (!this.#patient && (toldMs > 1500 || goodMs > 1000)) throw new Error(text);
    return text;
  }

  async #accounted(): Promise<string> {
    await this.#conserved();
    const { sensors } = (await this.#ask('stats')) as Stats;
    const sum = (key: string) =>
      Object.values(sensors).reduce((total, all) => total + Number(all[key] ?? 0), 0);
    return ['seen', 'complete', 'incomplete', 'bad', 'duplicate', 'dropped', 'lost', 'published']
      .map((key) => `${key} ${sum(key)}`)
      .join(', ');
  }

  /** At rest the laws hold: for the last of them the DAQ's next STATUS may be needed. */
  async #conserved(): Promise<void> {
    const end = performance.now() + answerMs;
    for (;;) {
      const { conserved } = (await this.#ask('stats')) as Stats;
      if (conserved) return;
      if (performance.now() > end) throw new Error('the conservation laws do not hold');
      await sleep(50);
    }
  }

  async #lost(): Promise<number> {
    const { sensors } = (await this.#ask('stats')) as Stats;
    return Object.values(sensors).reduce(
      (sum, all) => sum + Number(all.lost) + Number(all.incomplete) + Number(all.dropped),
      0,
    );
  }

  async #ask(verb: string, args: Record<string, unknown> = {}): Promise<unknown> {
    if (this.#control === null) throw new Error('no agent');
    return this.#control.request(verb, args, answerMs);
  }

  async #until(what: string, wanted: (told: Told) => boolean, from = 0): Promise<Told> {
    const end = performance.now() + answerMs;
    for (;;) {
      const found = this.#told.slice(from).find(wanted);
      if (found !== undefined) return found;
      if (performance.now() > end) throw new Error(`expected ${what}, it did not come within ${answerMs} ms`);
      await sleep(5);
    }
  }

  async #case(name: string, check: () => Promise<string>): Promise<void> {
    const began = performance.now();
    try {
      this.#add(name, true, await check(), began);
    } catch (error) {
      this.#add(name, false, error instanceof Error ? error.message : String(error), began);
    }
  }

  #add(name: string, pass: boolean, detail: string, began: number): void {
    const seconds = Math.round((performance.now() - began) / 100) / 10;
    this.#cases.push({ name, verdict: pass ? 'pass' : 'fail', detail, seconds });
  }
}

function tuningOf(profile: string): RigReport['tuning'] {
  try {
    const args = ['dist/agent/main.js', 'doctor', '--json', '--profile', profile];
    return (
      JSON.parse(
        execFileSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] }).toString(),
      ) as { findings: RigReport['tuning'] }
    ).findings;
  } catch (error) {
    // It ends with 1 when something is missing.
    const { stdout } = error as { stdout?: Buffer };
    return stdout === undefined || stdout.length === 0
      ? []
      : (JSON.parse(stdout.toString()) as { findings: RigReport['tuning'] }).findings;
  }
}
