// SPDX-License-Identifier: Apache-2.0
// summit-agent replay

import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Agent } from '../agent.js';
import { loadProfileToRun } from '../config/load.js';
import type { Profile } from '../config/profile.js';
import { AgentError } from '../model/errors.js';
import type { Command } from './command.js';
import { type Options, requireText } from './options.js';
import { createAgent, firstOf } from './run.js';
import { stderrLog } from './stderr-log.js';

const pollMs = 20;

export const replay: Command = {
  summary: 'runs an agent on a recording instead of its DAQ',
  help: `usage: summit-agent replay --profile FILE --file RECORDING [OPTIONS]

Runs an agent as "run" does, with a recording of "summit-agent record" in place of the profile's DAQ: every
frame and event comes again as it was delivered, lost and damaged ones included. The agent's deadlines follow
the recorded times, so that the results are the same, bit for bit, at any speed and each time; only the times
of measuring and sending differ. It ends when the recording does, or with SIGINT or SIGTERM (exit code 0).
A recording that is cut off or damaged is played up to there, and that is told.

  --profile FILE   the profile (YAML): sensors, constants, addresses to publish on; hw-profiles/README.md
  --file FILE      the recording; of several links each has its own, and one is played at a time
  --speed N        1: original time (default); 2: twice as fast; max: as fast as possible
  --wait           begins when somebody has subscribed
  --stay           goes on answering after the end, until a signal

example: summit-agent replay --profile hw-profiles/sim-guider.yaml --file night.smtrec --speed max
`,
  options: {
    profile: { type: 'string' },
    file: { type: 'string' },
    speed: { type: 'string' },
    wait: { type: 'boolean' },
    stay: { type: 'boolean' },
  },
  async run(options, { stderr, stop }) {
    const profile = loadProfileToRun(requireText(options, 'profile', 'replay'));
    const file = resolve(requireText(options, 'file', 'replay'));
    const log = stderrLog(stderr);
    const agent = createAgent(onRecording(profile, file, speedOf(options)), log);
    const addresses = await agent.start();
    log.info('ready', { event: 'ready', agent: profile.agent.name, ...addresses });
    try {
      if (options.wait === true) await subscriber(agent, stop);
      if (!stop.aborted) await agent.goTo('ENABLED');
      const ends = options.stay === true ? [stop, agent.exit] : [stop, agent.exit, agent.ended];
      log.info('stopping', { reason: await firstOf(...ends) });
    } finally {
      await agent.stop();
    }
    return 0;
  },
};

/** The profile as it is, but for where its frames come from; nothing is written anew from a recording. */
function onRecording(profile: Profile, file: string, speed: number | 'max'): Profile {
  const [link, ...more] = profile.links;
  // A recording of one of several links has some of the sensors; the constants of all are there.
  const sensors = new Map([link, ...more].flatMap((one) => one.sensors.map((s) => [s.location, s])));
  return {
    ...profile,
    agent: { ...profile.agent, startState: 'STANDBY' },
    health: { ...profile.health, sensors: [] },
    links: [
      {
        ...link,
        name: '',
        sensors: [...sensors.values()],
        driver: 'recording',
        options: { file, speed },
        recorder: null,
        stream: null,
      },
    ],
  };
}

function speedOf(options: Options): number | 'max' {
  const text = options.speed ?? '1';
  const value = Number(text);
  if (text === 'max') return 'max';
  if (typeof text === 'string' && text.trim() !== '' && value > 0 && value <= 1e6) return value;
  throw new AgentError('usage', `--speed: expected a number up to 1000000, or max, got ${String(text)}`);
}

async function subscriber(agent: Agent, stop: AbortSignal): Promise<void> {
  while (agent.subscriptionCount === 0 && !stop.aborted) await delay(pollMs);
}
