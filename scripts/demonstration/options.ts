// SPDX-License-Identifier: Apache-2.0
// The command line of scripts/demo.
import { parseArgs } from 'node:util';
import { parseSimOptions } from '../../sim-hw/options.js';

export type DemoRole = 'guider' | 'aos' | 'auxtel';

export interface DemoOptions {
  readonly role: DemoRole;
  /** null: until Ctrl-C, or until the scenario is over */
  readonly seconds: number | null;
  /** ends with what a scenario file says */
  readonly scenario: boolean;
  readonly json: boolean;
  /** where a Butler repository is made; null: files stay files */
  readonly repo: string | null;
  /** of each image */
  readonly exposureS: number;
  /** further arguments for the simulated DAQ */
  readonly simArgs: readonly string[];
}

export const demoHelp = `scripts/demo: simulated DAQ + agent, live

Starts the simulated DAQ and an agent on it, each in its own process, subscribes to the agent and shows the 8 guide
sensors, the combined offset beside the simulator's truth, and latencies. Ctrl-C ends it and prints the accounting.

  --seconds N     end after N seconds, exit code 0
  --json          the last line of stdout is one JSON object with counters, conservation, rms, latencies
  --role ROLE     guider (default); aos: wavefront sensors, or auxtel: LATISS, one image after the other into raw files and
                  quick-looks, scored against the truth
  --exposure S    aos, auxtel: of each image (default 2)
  --repo DIR      aos, auxtel: makes a Butler repository there, which takes the images and gives the calibrations, and stays
  --rate HZ       stamps per second and sensor (default: from the ROI timing model)
  --rows N --cols N --integration-ms N    the ROI (default 50 x 50, 50 ms)
  --snr N         signal-to-noise of the guide stars (default 50)
  --seed N        of the simulated sky and of faults
  --fault SPEC    e.g. drop:p=0.05; repeatable; npx sim-daq --help lists them
  --scenario FILE what the simulated DAQ plays, once; the options above override it (sim-hw/README.md)
  --speed N       everything happens N times faster

Examples
  scripts/demo
  scripts/demo --seconds 30 --json
  scripts/demo --role aos --seconds 60
  scripts/demo --role aos --seconds 60 --repo /tmp/repo
  scripts/demo --seconds 60 --rows 400 --cols 400 --rate 9
  scripts/demo --seconds 30 --fault drop:p=0.05 --fault corrupt:p=0.05
  scripts/demo --scenario sim-hw/scenarios/clouds.yaml
`;

const passedOn = ['rate', 'rows', 'cols', 'integration-ms', 'snr', 'seed', 'speed', 'scenario'] as const;

/** Reads the arguments; null when help was asked for. Throws an Error with a sentence on a wrong one. */
export function parseDemoOptions(args: readonly string[]): DemoOptions | null {
  const { values } = parseArgs({
    args: [...args],
    strict: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      seconds: { type: 'string' },
      json: { type: 'boolean' },
      role: { type: 'string', default: 'guider' },
      exposure: { type: 'string' },
      repo: { type: 'string' },
      fault: { type: 'string', multiple: true },
      rate: { type: 'string' },
      rows: { type: 'string' },
      cols: { type: 'string' },
      'integration-ms': { type: 'string' },
      snr: { type: 'string' },
      seed: { type: 'string' },
      speed: { type: 'string' },
      scenario: { type: 'string' },
    },
  });
  if (values.help) return null;
  const role = (['guider', 'aos', 'auxtel'] as const).find((one) => one === values.role);
  if (!role) throw new Error(`--role: expected guider, aos or auxtel, got "${values.role}"`);
  if (values.repo !== undefined && role === 'guider')
    throw new Error('--repo: expected --role aos or auxtel with it');
  const exposureS = Number(values.exposure ?? 2);
  if (!(exposureS >= 0 && exposureS <= 1000))
    throw new Error(`--exposure: expected a number 0..1000, got "${values.exposure}"`);
  const seconds = values.seconds === undefined ? null : Number(values.seconds);
  if (seconds !== null && !(seconds > 0 && seconds <= 86_400)) {
    throw new Error(`--seconds: expected a number in 0..86400, got "${values.seconds}"`);
  }
  const scenario = values.scenario !== undefined;
  // Exposures of half a minute, one after another, until the demonstration is over.
  const idle = ['--idle', '--images', role === 'aos' ? 'wavefront' : 'latiss'];
  const stamps = scenario ? ['--linger'] : ['--exposures', '1000000'];
  const simArgs: string[] = role === 'guider' ? stamps : idle;
  for (const name of passedOn) {
    const value = values[name];
    if (value !== undefined) simArgs.push(`--${name}`, value);
  }
  for (const fault of values.fault ?? []) simArgs.push('--fault', fault);
  // The simulator's own sentence, before anything is started.
  parseSimOptions(simArgs);
  return {
    role,
    exposureS,
    seconds,
    scenario,
    json: values.json ?? false,
    repo: values.repo ?? null,
    simArgs,
  };
}
