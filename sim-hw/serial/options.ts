// SPDX-License-Identifier: Apache-2.0
// The command line of sim-serial.
import { parseArgs } from 'node:util';
import { parseSerialFault, type SerialFault } from './faults.js';
import { players } from './players.js';

export interface SerialOptions {
  readonly devices: readonly { readonly name: string; readonly path: string }[];
  readonly seed: number;
  readonly speed: number;
  readonly seconds: number | null;
  readonly clockOffsetMs: number;
  readonly linger: boolean;
  readonly truth: string | null;
  readonly faults: readonly SerialFault[];
}

const list = Object.entries(players).map(([name, { summary }]) => `  ${name.padEnd(17)}${summary}`);

export const serialHelp = `usage: sim-serial DEVICE=PATH... [OPTIONS]

Plays serial devices, each behind a path (a link to a pseudo terminal that is made and removed). A device speaks
once a reader has opened the path and set the device's baud rate; anybody who opens it gets 8N1, raw.

${list.join('\n')}

  --seconds N          ends after so much time of the devices (default: SIGTERM, SIGINT)
  --speed N            their time runs N times faster (default 1)
  --seed N             of values and faults (default 1)
  --fault KIND:WHEN    repeatable; WHEN is p=PROBABILITY per line or at=LINE+LINE..., and optionally device=DEVICE
      noise            some bytes of the line are others
      half             the line lost its end with its terminator, or its beginning
      checksum         one digit is another (lines with a checksum)
      silence          after the line it is silent, seconds=N of its time (default 5)
      unplug           after the line it is gone, path and all, for seconds=N of its time (default 5)
  --clock-offset-ms N  the timing receiver's time is ahead by so much (default 0)
  --linger             stays plugged and silent at the end, until SIGTERM or SIGINT
  --truth FILE         one JSON object per line: each line, what it should be read as, what befell it

Standard output has JSON lines: ready, then end with counts by device. No two lines in a row are hit.

example: sim-serial gill-windsonic=/tmp/wind csat3b=/tmp/csat --fault noise:p=0.02 --fault unplug:at=30,seconds=3
`;

/** null: help was asked for. Throws one Error that lists everything wrong. */
export function parseSerialOptions(args: readonly string[]): SerialOptions | null {
  const { values, positionals } = readArguments(args);
  if (values.help) return null;
  const problems: string[] = [];
  const devices = positionals.map((text) => deviceOf(text, problems)).filter((device) => device !== null);
  if (positionals.length === 0) problems.push(`expected DEVICE=PATH, got nothing`);
  if (new Set(devices.map(({ path }) => path)).size < devices.length)
    problems.push('expected each PATH once');
  const number = (key: 'seed' | 'speed' | 'seconds' | 'clock-offset-ms', low: number, high: number) => {
    const value = Number(values[key]);
    if (values[key]?.trim() === '' || !(value >= low && value <= high)) {
      problems.push(`--${key}: expected a number ${low}..${high}, got "${values[key]}"`);
    }
    return value;
  };
  const faults = (values.fault ?? []).map((text) => parseSerialFault(text, problems));
  const options: SerialOptions = {
    devices,
    seed: number('seed', 0, 2 ** 32 - 1),
    speed: number('speed', 0.01, 1000),
    seconds: values.seconds === undefined ? null : number('seconds', 0, 1e9),
    clockOffsetMs: number('clock-offset-ms', -1e9, 1e9),
    linger: values.linger,
    truth: values.truth ?? null,
    faults: faults.filter((fault) => fault !== null),
  };
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return options;
}

function readArguments(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      seed: { type: 'string', default: '1' },
      speed: { type: 'string', default: '1' },
      seconds: { type: 'string' },
      'clock-offset-ms': { type: 'string', default: '0' },
      linger: { type: 'boolean', default: false },
      truth: { type: 'string' },
      fault: { type: 'string', multiple: true },
    },
  });
}

function deviceOf(text: string, problems: string[]): { name: string; path: string } | null {
  const at = text.indexOf('=');
  const name = at < 0 ? text : text.slice(0, at);
  const path = at < 0 ? '' : text.slice(at + 1);
  if (Object.hasOwn(players, name) && path !== '') return { name, path };
  problems.push(`${text}: expected DEVICE=PATH with a device of ${Object.keys(players).join(', ')}`);
  return null;
}
