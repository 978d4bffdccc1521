// SPDX-License-Identifier: Apache-2.0
// `stats` as Prometheus sees it: one sample per number, named after its place, with a label where the place is a name.

export interface Sample {
  readonly name: string;
  /** counters only grow, gauges do not */
  readonly type: 'counter' | 'gauge';
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

type Tree = Readonly<Record<string, unknown>>;

/** Sections of `stats` whose entries are named things: the label that holds the name. */
const labelOf: Readonly<Record<string, string>> = {
  sensors: 'sensor',
  sensor_errors: 'sensor',
  conservation: 'sensor',
  serial: 'device',
  subscriptions: 'topic',
  seqs: 'topic',
};

/** What the samples of a section are called, where that is not the section's own name. */
const prefixOf: Readonly<Record<string, string>> = { sensors: 'sensor', sensor_errors: 'sensor' };

/** Numbers that also go down, or that say how something is set. */
const gauges = new Set([
  'uptime_s',
  'link_up',
  'conserved',
  'sensor_sent',
  'conservation_conserved',
  'conservation_in_flight',
  'link_rcvbuf_requested',
  'link_rcvbuf_actual',
  'pool_high_water',
  'pool_in_use',
  'pool_leases',
  'pool_ring_capacity',
  'pool_ring_high_water',
  'pool_slot_bytes',
  'pool_slots',
  'recording_queue',
  'recording_queue_high_water',
  'recording_queue_stamps',
  'recording_leftovers',
  'commands_remembered',
  'commands_waiting',
  'subscriptions',
]);

const prefix = 'summit_';

function numberOf(value: unknown): number | null {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  return typeof value === 'boolean' ? Number(value) : null;
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function sample(place: string, labels: Readonly<Record<string, string>>, value: unknown): Sample[] {
  const number = numberOf(value);
  if (number === null) return [];
  return gauges.has(place)
    ? [{ name: prefix + place, type: 'gauge', labels, value: number }]
    : [{ name: `${prefix}${place}_total`, type: 'counter', labels, value: number }];
}

/** Every number in `stats`. Texts and nulls are left out. */
export function flatten(stats: Tree): Sample[] {
  const out: Sample[] = [];
  for (const [section, value] of Object.entries(stats)) {
    const label = labelOf[section];
    const name = prefixOf[section] ?? section;
    if (!isTree(value)) out.push(...sample(section, {}, value));
    else if (label === undefined) {
      for (const [key, own] of Object.entries(value)) out.push(...sample(`${name}_${key}`, {}, own));
    } else {
      for (const [thing, own] of Object.entries(value)) {
        const labels = { [label]: thing };
        if (!isTree(own)) out.push(...sample(name, labels, own));
        else
          for (const [key, leaf] of Object.entries(own)) out.push(...sample(`${name}_${key}`, labels, leaf));
      }
    }
  }
  return out;
}
