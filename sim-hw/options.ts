// SPDX-License-Identifier: Apache-2.0
// The command line of sim-daq and the scenario file, which holds the same options as keys.
import { readFileSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { parseArgs } from 'node:util';
import { type FaultSpec, parseFault } from './faults.js';
import { PixelCode, type PixelName } from './wire.js';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface SimOptions {
  readonly control: Endpoint;
  readonly to: readonly Endpoint[];
  readonly interface: string;
  readonly mtu: number;
  readonly idle: boolean;
  readonly startWhenSubscribed: boolean;
  readonly startDelayMs: number;
  readonly linger: boolean;
  readonly rows: number;
  readonly cols: number;
  readonly integrationMs: number;
  /** Hz; null: from the ROI timing model */
  readonly rate: number | null;
  readonly stamps: number;
  readonly exposures: number;
  readonly series: number;
  readonly seconds: number | null;
  readonly gapMs: number;
  readonly skewMs: number;
  readonly jitterMs: number;
  readonly irregularStart: boolean;
  readonly oneBased: boolean;
  readonly firstSequence: number;
  readonly pixel: PixelName;
  readonly seed: number;
  readonly snr: number;
  readonly fwhm: number;
  readonly drift: number;
  readonly jitter: number;
  readonly rotation: number;
  readonly seeingMotion: number;
  readonly cosmicRays: number;
  readonly hotPixels: number;
  readonly frames: number;
  readonly taiMinusUtc: number;
  readonly truth: string | null;
  readonly faults: readonly FaultSpec[];
}

export const simHelp = `sim-daq: a simulated camera DAQ on the wire documented in sim-hw/README.md

Sends guide-star stamps of 8 sensors as UDP datagrams, obeys a TCP control channel, and can do it all by itself.
Prints {"event":"ready",...} with its control address, and {"event":"end",...} with the stamps sent per sensor.

Connections
  --control HOST:PORT       control channel (default 127.0.0.1:5581; port 0: any free one)
  --to HOST:PORT            send stamps there, unicast or multicast; repeatable. Clients can also subscribe
  --interface ADDRESS       local address for multicast
  --mtu N                   576..9000 (default 9000)

What it does by itself
  --idle                    nothing: waits for commands
  --start-when-subscribed   waits for the first subscriber, then begins
  --start-delay-ms N        before the first series (default 500)
  --series N --exposures N --stamps N     default 1 series, 1 exposure, 270 stamps
  --seconds S               as many exposures as fit into S seconds
  --gap-ms N                from PAUSE to RESUME (default 500)
  --linger                  stay on, idle, when the scenario is over

Stamps
  --rows N --cols N --integration-ms N    ROI, 10..400 and 5..200 (default 50, 50, 50)
  --rate HZ|max             stamps per second and sensor (default: the ROI timing model)
  --jitter-ms N --skew-ms N timing noise per stamp (default 0.7), spread over sensors (default 1)
  --no-irregular-start      the first two stamps come on time
  --pixel int32|uint16|raw18x16
  --one-based               stamps are numbered from 1
  --first-sequence N        sequence of the first series (default 1)
  --frames N                send N pre-rendered frames per sensor in turn, for load (default 0: render each)

Sky
  --seed N                  everything random follows from it (default 1)
  --snr N --fwhm PX         guide stars (default 50, 4)
  --drift N --rotation N    common motion, arcsec/s (default 0.02, 0.05)
  --jitter ARCSEC           common motion from stamp to stamp, 1 sigma (default 0.05)
  --seeing-motion PX        own motion of each star, 1 sigma (default 0)
  --cosmic-rays P           probability per stamp (default 0.002)
  --hot-pixels N            mean number per ROI (default 0.3)
  --tai-minus-utc S         default 37
  --truth FILE              one JSON line per stamp: x, y, flux, FWHM, displacement, rotation, faults

Faults (repeatable; seeded)
  --fault KIND:p=0.05[,unit=packet][,sensor=R00_SG0]     with a probability per stamp
  --fault KIND:at=17                                      at one stamp
      drop, duplicate, reorder (unit stamp, or packet), truncate, corrupt (always packet)

  --scenario FILE.json      the same options as keys, e.g. {"rate": 9, "fault": ["drop:p=0.05"]};
                            the command line overrides it

Examples
  sim-daq --start-when-subscribed --snr 50 --truth truth.jsonl
  sim-daq --to 127.0.0.1:5580 --rows 400 --cols 400 --rate 9 --seconds 60
  sim-daq --to 239.1.2.3:5580 --interface 127.0.0.1 --fault drop:p=0.05,unit=packet
`;

const spec = {
  help: { type: 'boolean', short: 'h' },
  scenario: { type: 'string' },
  control: { type: 'string' },
  to: { type: 'string', multiple: true },
  interface: { type: 'string' },
  mtu: { type: 'string' },
  idle: { type: 'boolean' },
  'start-when-subscribed': { type: 'boolean' },
  'start-delay-ms': { type: 'string' },
  linger: { type: 'boolean' },
  rows: { type: 'string' },
  cols: { type: 'string' },
  'integration-ms': { type: 'string' },
  rate: { type: 'string' },
  stamps: { type: 'string' },
  exposures: { type: 'string' },
  series: { type: 'string' },
  seconds: { type: 'string' },
  'gap-ms': { type: 'string' },
  'skew-ms': { type: 'string' },
  'jitter-ms': { type: 'string' },
  'no-irregular-start': { type: 'boolean' },
  'one-based': { type: 'boolean' },
  'first-sequence': { type: 'string' },
  pixel: { type: 'string' },
  seed: { type: 'string' },
  snr: { type: 'string' },
  fwhm: { type: 'string' },
  drift: { type: 'string' },
  jitter: { type: 'string' },
  rotation: { type: 'string' },
  'seeing-motion': { type: 'string' },
  'cosmic-rays': { type: 'string' },
  'hot-pixels': { type: 'string' },
  frames: { type: 'string' },
  'tai-minus-utc': { type: 'string' },
  truth: { type: 'string' },
  fault: { type: 'string', multiple: true },
} as const;

type Given = Readonly<Record<string, unknown>>;

/** Reads arguments (and the scenario file they name). null: help was asked for. Throws one Error that lists all. */
export function parseSimOptions(args: readonly string[]): SimOptions | null {
  const problems: string[] = [];
  const given = readArguments(args, problems);
  if (given.help === true) return null;
  const scenario = typeof given.scenario === 'string' ? readScenario(given.scenario, problems) : {};
  const options = readOptions({ ...scenario, ...given }, problems);
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return options;
}

// parseArgs' strict mode stops at the first mistake, so what it refuses is looked for here.
function readArguments(args: readonly string[], problems: string[]): Given {
  const { values, tokens } = parseArgs({
    args: [...args],
    options: spec,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const given: Record<string, unknown> = { ...values };
  for (const token of tokens) {
    if (token.kind === 'positional') problems.push(`expected only options, got "${token.value}"`);
    if (token.kind !== 'option') continue;
    const { name, rawName, value } = token;
    if (!isOption(name)) problems.push(`${rawName}: expected an option of sim-daq --help, got this one`);
    else if (spec[name].type === 'boolean' && value !== undefined)
      problems.push(`${rawName}: expected no value, got "${value}"`);
    else if (spec[name].type === 'string' && value === undefined)
      problems.push(`${rawName}: expected a value, got none`);
    else continue;
    delete given[name];
  }
  return given;
}

function isOption(name: string): name is keyof typeof spec {
  return Object.hasOwn(spec, name);
}

function readScenario(path: string, problems: string[]): Given {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new Error('expected a JSON object');
    for (const key of Object.keys(value)) {
      if (!isOption(key) || key === 'help' || key === 'scenario')
        problems.push(`${path}: expected only options of sim-daq --help as keys, got "${key}"`);
    }
    return value as Given;
  } catch (error) {
    problems.push(`--scenario ${path}: ${error instanceof Error ? error.message : String(error)}`);
    return {};
  }
}

function readOptions(given: Given, problems: string[]): SimOptions {
  const number = (key: string, low: number, high: number, fallback: number, whole = false): number => {
    if (given[key] === undefined) return fallback;
    const value = numberOf(given[key]);
    if (value >= low && value <= high && (!whole || Number.isInteger(value))) return value;
    problems.push(
      `--${key}: expected ${whole ? 'a whole number' : 'a number'} ${low}..${high}, got ${show(given[key])}`,
    );
    return fallback;
  };
  const whole = (key: string, low: number, high: number, fallback: number): number =>
    number(key, low, high, fallback, true);
  const flag = (key: string): boolean => {
    const value = given[key];
    if (value !== undefined && typeof value !== 'boolean')
      problems.push(`--${key}: expected true or false, got ${show(value)}`);
    return value === true;
  };
  const text = <Fallback extends string | null>(key: string, fallback: Fallback): string | Fallback => {
    const value = given[key];
    if (typeof value === 'string') return value;
    if (value !== undefined) problems.push(`--${key}: expected text, got ${show(value)}`);
    return fallback;
  };
  const seconds = given.seconds === undefined ? null : number('seconds', 0.01, 1e7, 1);
  return {
    control: endpoint('control', text('control', '127.0.0.1:5581'), problems),
    to: list(given.to).map((one) => endpoint('to', one, problems, 1)),
    interface: text('interface', ''),
    mtu: whole('mtu', 576, 9000, 9000),
    idle: flag('idle'),
    startWhenSubscribed: flag('start-when-subscribed'),
    startDelayMs: number('start-delay-ms', 0, 1e6, 500),
    linger: flag('linger'),
    rows: whole('rows', 10, 400, 50),
    cols: whole('cols', 10, 400, 50),
    integrationMs: whole('integration-ms', 5, 200, 50),
    rate:
      given.rate === undefined
        ? null
        : given.rate === 'max'
          ? Number.POSITIVE_INFINITY
          : number('rate', 0.01, 1e6, 9),
    stamps: whole('stamps', 1, 1e9, 270),
    exposures: whole('exposures', 1, 1e9, seconds === null ? 1 : 1e9),
    series: whole('series', 1, 1e9, 1),
    seconds,
    gapMs: number('gap-ms', 0, 1e6, 500),
    skewMs: number('skew-ms', 0, 50, 1),
    jitterMs: number('jitter-ms', 0, 50, 0.7),
    irregularStart: !flag('no-irregular-start'),
    oneBased: flag('one-based'),
    firstSequence: whole('first-sequence', 0, 65_535, 1),
    pixel: pixelName(text('pixel', 'int32'), problems),
    seed: whole('seed', 0, 2 ** 48, 1),
    snr: number('snr', 0, 1e5, 50),
    fwhm: number('fwhm', 1, 30, 4),
    drift: number('drift', -100, 100, 0.02),
    jitter: number('jitter', 0, 10, 0.05),
    rotation: number('rotation', -100, 100, 0.05),
    seeingMotion: number('seeing-motion', 0, 10, 0),
    cosmicRays: number('cosmic-rays', 0, 1, 0.002),
    hotPixels: number('hot-pixels', 0, 100, 0.3),
    frames: whole('frames', 0, 1000, 0),
    taiMinusUtc: number('tai-minus-utc', -100, 100, 37),
    truth: text('truth', null),
    faults: list(given.fault).flatMap((one) => readFault(one, problems)),
  };
}

function numberOf(value: unknown): number {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN;
}

function show(value: unknown): string {
  return typeof value === 'string' ? `"${value}"` : JSON.stringify(value);
}

function list(value: unknown): string[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value.map(String) : [String(value)];
}

function readFault(text: string, problems: string[]): FaultSpec[] {
  try {
    return [parseFault(text)];
  } catch (error) {
    problems.push(`--fault ${text}: ${error instanceof Error ? error.message : String(error)}`);
    return [];
  }
}

function endpoint(key: string, text: string, problems: string[], lowestPort = 0): Endpoint {
  const [, host = '', portText] = /^([\d.]+):(\d+)$/.exec(text) ?? [];
  const port = Number(portText);
  if (isIPv4(host) && port >= lowestPort && port <= 65_535) return { host, port };
  problems.push(`--${key}: expected IPv4:PORT such as 127.0.0.1:5581, got "${text}"`);
  return { host: '127.0.0.1', port: 0 };
}

function pixelName(text: string, problems: string[]): PixelName {
  const names = Object.keys(PixelCode) as PixelName[];
  const found = names.find((name) => name === text);
  if (found === undefined) problems.push(`--pixel: expected one of ${names.join(', ')}, got "${text}"`);
  return found ?? 'int32';
}
