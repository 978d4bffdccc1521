// SPDX-License-Identifier: Apache-2.0
// summit-agent run

import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { Agent } from '../agent.js';
import { loadProfileToRun } from '../config/load.js';
import type { Profile } from '../config/profile.js';
import { NativeDaqLink } from '../daq/link.js';
import { loadNative, nativePath } from '../daq/native.js';
import { startHostThread } from '../health/host/thread.js';
import { systemClocks } from '../health/host-clock.js';
import { ServiceManager } from '../health/service-manager.js';
import { lowerSession } from '../image/session.js';
import type { DaqLink, LinkSettings } from '../model/daq.js';
import { AgentError } from '../model/errors.js';
import { type Log, logLevelOf } from '../model/log.js';
import type { Command } from './command.js';
import { type Options, requireText } from './options.js';
import { stderrLog } from './stderr-log.js';
import { fileOfLink, nextFile, streamSettings } from './stream-settings.js';
import { packageVersion } from './version.js';

/** Exit code after exitControl; RestartPreventExitStatus of the unit has it. */
const toldToQuit = 3;

export const run: Command = {
  summary: 'runs an agent until SIGINT or SIGTERM',
  help: `usage: summit-agent run --profile FILE [--record FILE]

Runs an agent in the foreground: reads frames from the DAQ that the profile names, publishes on ZeroMQ,
answers commands. When it is ready it logs one line with "event":"ready" and the addresses it listens on.
Logs are JSON lines on stderr. SIGINT or SIGTERM stops it within a second with exit code 0; a second signal
ends it at once. Exit code 1: it could not start; 2: the profile or the command line is wrong; 3: it was told to quit
(command exitControl), and a supervisor should not start it again.

  --profile FILE   the profile (YAML); keys are described in hw-profiles/README.md
  --record FILE    keeps all that the DAQ sends, and where stars were expected, for "replay" (see "record"). FILE
                   must not exist; each time the link is opened again a new one begins: FILE with -2, -3 ...
                   Of several links each has a file of its own: FILE with -NAME

example: summit-agent run --profile hw-profiles/sim-guider.yaml
         summit-agent watch          (in another terminal)
`,
  options: { profile: { type: 'string' }, record: { type: 'string' } },
  async run(options, { stderr, stop }) {
    const profile = loadProfileToRun(requireText(options, 'profile', 'run'));
    const log = stderrLog(stderr);
    giveWay(profile, log);
    const agent = createAgent(recordingTo(options.record, profile), log);
    const service = serviceManager(agent, log);
    const addresses = await agent.start();
    service.ready();
    log.info('ready', { event: 'ready', agent: profile.agent.name, ...addresses });
    const reason = await firstOf(stop, agent.exit);
    log.info('stopping', { reason });
    service.stopping(reason);
    await agent.stop();
    service.close();
    log.info('stopped');
    return agent.exit.aborted ? toldToQuit : 0;
  },
};

/** Images give way to what else runs on the machine. */
function giveWay({ image }: Profile, log: Log): void {
  if (!image || image.priority === 'normal') return;
  const session = lowerSession(image.priority === 'idle' ? 19 : 10);
  log.info('images give way to other services', { priority: image.priority, session });
}

function recordingTo(path: Options[string], profile: Profile): Profile {
  if (typeof path !== 'string') return profile;
  const [first, ...more] = profile.links;
  const recorded = (link: LinkSettings) => ({
    ...link,
    stream: streamSettings(profile, link, fileOfLink(path, link.name), { guided: true }),
  });
  return { ...profile, links: [recorded(first), ...more.map(recorded)] };
}

/** An agent on this machine's native link. */
export function createAgent(profile: Profile, log: Log): Agent {
  requireAddon();
  const kernelTaiSeconds = () => loadNative().clockTaiMinusUtc();
  const { holdConnections, connectionsOf, cutOff } = loadNative();
  const hold = (port: number, held: boolean) => void holdConnections(port, held);
  const version = packageVersion();
  return new Agent(profile, {
    log,
    version,
    createLink: linkMaker(),
    kernelTaiSeconds,
    startHostThread,
    clocks: systemClocks,
    connections: { hold, connectionsOf, cutOff },
  });
}

/** Waits for the first of them; its reason. */
export async function firstOf(...signals: readonly AbortSignal[]): Promise<string> {
  const any = AbortSignal.any([...signals]);
  if (!any.aborted) await once(any, 'abort');
  return String(any.reason);
}

/** systemd, if it started us: told by the agent itself, never by a process that the agent starts. */
function serviceManager(agent: Agent, log: Log): ServiceManager {
  const service = new ServiceManager({
    environment: { ...process.env },
    pid: process.pid,
    send: (address, text) => loadNative().notifyServiceManager(address, text),
    vitals: () => agent.vitals(),
    log,
  });
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete process.env[name];
  return service;
}

/** Called again for each time a link is opened. */
function linkMaker(): (settings: LinkSettings, log: Log) => DaqLink {
  const made = new Set<string>();
  return (settings, log) => {
    const { stream, name } = settings;
    const again = made.has(name);
    made.add(name);
    if (stream === null || !again) return createLink(settings, log);
    return createLink({ ...settings, stream: { ...stream, path: nextFile(stream.path) } }, log);
  };
}

function createLink(settings: LinkSettings, log: Log): DaqLink {
  const which = settings.name === '' ? undefined : { link: settings.name };
  return new NativeDaqLink(settings, ({ level, text }) => log[logLevelOf(level)](text, which));
}

export function requireAddon(): void {
  const path = nativePath();
  if (existsSync(path)) return;
  throw new AgentError('usage', `expected the native addon at ${path}, got nothing: run npm run build`);
}
