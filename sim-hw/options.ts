// SPDX-License-Identifier: Apache-2.0
// The command line of sim-daq. A scenario file holds the same options as keys, and more (scenario/).
import { isIPv4 } from 'node:net';
import { parseArgs } from 'node:util';
import { type FaultSpec, parseFault } from './faults.js';
import { readImageOptions } from './images/options.js';
import type { ImageOptions } from './images/room.js';
import { noScenario, readScenarioFile, type ScenarioParts } from './scenario/file.js';
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
  /** the DAQ's time runs so many times faster than the sky's */
  readonly speed: number;
  readonly skewMs: number;
  readonly jitterMs: number;
  readonly irregularStart: boolean;
  /** of the first stamps after RESUME; null: random, if the start is irregular */
  readonly startDelaysMs: readonly number[] | null;
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
  /** null: stamps only */
  readonly images: ImageOptions | null;
  readonly scenario: ScenarioParts;
}

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
  speed: { type: 'string' },
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
  images: { type: 'string' },
  'image-port': { type: 'string' },
  'image-boards': { type: 'string' },
  'image-frames': { type: 'string' },
  'image-fault': { type: 'string', multiple: true },
  'image-truth': { type: 'string' },
  'image-calib': { type: 'string' },
  'first-image': { type: 'string' },
  'readout-s': { type: 'string' },
} as const;

type Given = Readonly<Record<string, unknown>>;

/** Reads arguments (and the scenario file they name). null: help was asked for. Throws one Error that lists all. */
export function parseSimOptions(args: readonly string[]): SimOptions | null {
  const problems: string[] = [];
  const given = readArguments(args, problems);
  if (given.help === true) return null;
  const file =
    typeof given.scenario === 'string'
      ? readScenarioFile(given.scenario, problems)
      : { parts: noScenario, options: {} };
  const options = readOptions({ ...file.options, ...given }, file.parts, problems);
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

function readOptions(given: Given, scenario: ScenarioParts, problems: string[]): SimOptions {
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
    speed: number('speed', 0.01, 1000, 1),
    skewMs: number('skew-ms', 0, 50, 1),
    jitterMs: number('jitter-ms', 0, 50, 0.7),
    irregularStart: !flag('no-irregular-start'),
    startDelaysMs: Array.isArray(given['start-delays-ms']) ? given['start-delays-ms'].map(Number) : null,
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
    images: readImageOptions(
      given,
      { number, whole, text, endpoint: (key, at) => endpoint(key, at, problems) },
      problems,
    ),
    scenario,
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
