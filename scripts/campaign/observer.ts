// SPDX-License-Identifier: Apache-2.0
// What an agent says and counts while it is being disturbed.
import type { ControlClient } from '../processes/control-client.js';
import { type Body, Subscription } from '../processes/subscription.js';

export interface Heard {
  readonly kind: string;
  readonly body: Body;
}

/** Numbers of one moment. */
export interface Numbers {
  /** by sensor, then name */
  readonly sensors: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly link: Readonly<Record<string, number>>;
}

export class Observer {
  readonly #subscription: Subscription;
  readonly #control: ControlClient;
  /** since the last `forget` */
  heard: Heard[] = [];

  constructor(data: string, control: ControlClient) {
    const topics = ['guider.result/', 'guider.event/', 'alarm/', 'series.end/', 'heartbeat/'];
    this.#subscription = new Subscription(data, topics, (kind, body) => this.heard.push({ kind, body }));
    this.#control = control;
  }

  forget(): void {
    this.heard = [];
  }

  async numbers(): Promise<Numbers> {
    const stats = (await this.#control.request('stats')) as {
      sensors: Record<string, Record<string, unknown>>;
      sensor_errors: Record<string, Record<string, unknown>>;
      link: Record<string, unknown>;
    };
    const plain = (all: Record<string, unknown>) =>
      Object.fromEntries(Object.entries(all).map(([key, value]) => [key, Number(value)]));
    return {
      sensors: Object.fromEntries(
        Object.entries(stats.sensors).map(([name, all]) => [
          name,
          plain({ ...stats.sensor_errors[name], ...all }),
        ]),
      ),
      link: plain(stats.link),
    };
  }

  async close(): Promise<void> {
    await this.#subscription.close();
    this.#control.close();
  }
}

/** Laws that do not hold, each with its numbers; `sent` as the DAQ says. */
export function unbalanced(numbers: Numbers, sent: Readonly<Record<string, number>>): string[] {
  return Object.entries(sent).flatMap(([name, produced]) => {
    const c = numbers.sensors[name] ?? {};
    const of = (...keys: string[]) => keys.reduce((sum, key) => sum + (c[key] ?? Number.NaN), 0);
    const laws: [string, number, number][] = [
      ['seen', of('seen'), of('complete', 'incomplete', 'bad', 'duplicate', 'dropped')],
      ['sent', produced, of('complete', 'incomplete', 'dropped', 'lost')],
      ['complete', of('complete'), of('published', 'withheld', 'superseded', 'rejected')],
    ];
    return laws
      .filter(([, left, right]) => left !== right)
      .map(([law, left, right]) => `${name}: ${law} ${left} is accounted for as ${right}`);
  });
}
