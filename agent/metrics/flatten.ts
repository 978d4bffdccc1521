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

/** Places in `stats` whose entries are named things: the label that holds the name. */
const labelOf: Readonly<Record<string, string>> = {
  sensors: 'sensor',
  links: 'link',
  sensor_errors: 'sensor',
  conservation: 'sensor',
  serial: 'device',
  subscriptions: 'topic',
  seqs: 'topic',
  connections_endpoints: 'endpoint',
};

/** What the samples of a place are called, where that is not its own name. */
const prefixOf: Readonly<Record<string, string>> = {
  sensors: 'sensor',
  sensor_errors: 'sensor',
  connections_endpoints: 'connections',
};

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
  'connections_limit',
  'connections_held_off',
  'connections_keys_listed',
  'commands_remembered',
  'commands_waiting',
  'subscriptions',
]);

/** Of drivers and cards: what they hold now, and what registers say. */
const gaugePattern = /^link_(register_.*|.*_now)$/;

/** Of one of several links: what is a level of all is one of each. */
const ofOneLink = /^links_/;
const linkGauges = new Set(['up', 'in_step', 'conserved', 'driver_error', 'stamps_in_flight']);

function isGauge(place: string): boolean {
  const plain = place.replace(ofOneLink, '');
  if (plain !== place && linkGauges.has(plain)) return true;
  return gauges.has(plain) || gaugePattern.test(plain);
}

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
  return isGauge(place)
    ? [{ name: prefix + place, type: 'gauge', labels, value: number }]
    : [{ name: `${prefix}${place}_total`, type: 'counter', labels, value: number }];
}

function walk(place: string, labels: Readonly<Record<string, string>>, value: unknown): Sample[] {
  if (!isTree(value)) return sample(place, labels, value);
  return Object.entries(value).flatMap(([key, own]) => samplesAt(`${place}_${key}`, labels, own));
}

/** A place whose entries are named things gives each entry's samples the label; any other is walked through. */
function samplesAt(place: string, labels: Readonly<Record<string, string>>, value: unknown): Sample[] {
  const label = labelOf[place];
  const name = prefixOf[place] ?? place;
  if (label === undefined || !isTree(value)) return walk(name, labels, value);
  return Object.entries(value).flatMap(([thing, own]) => walk(name, { ...labels, [label]: thing }, own));
}

/** Every number in `stats`. Texts and nulls are left out. */
export function flatten(stats: Tree): Sample[] {
  return Object.entries(stats).flatMap(([section, value]) => samplesAt(section, {}, value));
}
