// SPDX-License-Identifier: Apache-2.0
// The command line of scripts/rig.
import { parseArgs } from 'node:util';

export interface RigOptions {
  /** null: the simulated DAQ */
  readonly profile: string | null;
  /** null: the agent asks for none */
  readonly key: string | null;
  readonly only: 'loopback' | 'veth' | null;
  readonly seconds: number;
  readonly rate: number;
  readonly size: number;
  readonly out: string;
}

export const rigHelp = `scripts/rig [options]

Runs the contract of a whole agent against the simulated DAQ on loopback, then across a pair of virtual interfaces in two
network namespaces (MTU 9000, loss, rate limit, cable pulled; needs root), or against what a profile points at. Writes rig.json
and rig.html. Exit code 0: everything passed; 1: something did not; 2: an option or the profile is wrong. Ctrl-C leaves nothing behind.

  --profile FILE    what this profile of role guider points at, such as a real partition, instead of the simulated DAQ: its guider
                    is started, resumed, paused and stopped; nothing wrong is done to it. The DAQ must be awake, and no other
                    agent may run this profile. OBSIDs are MC_S_DAY_09NNNN; without guider.roiSpec the ROIs are at row 800, column 56
  --key FILE        your key file of role command, where the profile has a section security
  --only NAME       loopback or veth
  --seconds N       of an exposure, 1 to 3600 (default 5)
  --rate HZ         of the simulated DAQ (default 9)
  --size N          rows and columns of the ROIs, 10 to 400 (default 50)
  --out DIR         where the reports go (default build/rig)
`;

/** null when help was asked for. Throws an Error with a sentence on a wrong one. */
export function parseRigOptions(args: readonly string[]): RigOptions | null {
  const { values } = parseArgs({
    args: [...args],
    strict: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      profile: { type: 'string' },
      key: { type: 'string' },
      only: { type: 'string' },
      seconds: { type: 'string', default: '5' },
      rate: { type: 'string', default: '9' },
      size: { type: 'string', default: '50' },
      out: { type: 'string', default: 'build/rig' },
    },
  });
  if (values.help) return null;
  const only = (['loopback', 'veth'] as const).find((one) => one === values.only) ?? null;
  if (values.only !== undefined && only === null)
    throw new Error(`--only: expected loopback or veth, got "${values.only}"`);
  if (only !== null && values.profile !== undefined)
    throw new Error('--only names a place of the simulated DAQ: not together with --profile');
  if (values.key !== undefined && values.profile === undefined)
    throw new Error('--key belongs to --profile: the simulated DAQ needs none');
  return {
    profile: values.profile ?? null,
    key: values.key ?? null,
    only,
    seconds: numberOf('--seconds', values.seconds, 1, 3600),
    rate: numberOf('--rate', values.rate, 0.1, 1000),
    size: wholeOf('--size', values.size, 10, 400),
    out: values.out,
  };
}

function numberOf(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= least && value <= most))
    throw new Error(`${name}: expected a number ${least}..${most}, got "${text}"`);
  return value;
}

function wholeOf(name: string, text: string, least: number, most: number): number {
  const value = numberOf(name, text, least, most);
  if (!Number.isInteger(value)) throw new Error(`${name}: expected a whole number, got "${text}"`);
  return value;
}
