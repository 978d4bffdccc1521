// SPDX-License-Identifier: Apache-2.0
// summit-agent record

import { loadProfile } from '../config/load.js';
import type { Profile } from '../config/profile.js';
import { NativeDaqLink } from '../daq/link.js';
import { EventType, type LinkCounters, type LinkSettings } from '../model/daq.js';
import { AgentError } from '../model/errors.js';
import { logLevelOf } from '../model/log.js';
import type { Command } from './command.js';
import { numberOf, type Options, requireText } from './options.js';
import { Progress } from './progress.js';
import { firstOf, requireAddon } from './run.js';
import { stderrLog } from './stderr-log.js';
import { defaultQueue, streamSettings } from './stream-settings.js';

const tickMs = 200;

export const record: Command = {
  summary: 'records everything a DAQ sends into one file, for replay',
  help: `usage: summit-agent record --profile FILE --out FILE [OPTIONS]

Opens the DAQ link of a profile and writes every frame and event into a recording, exactly as the driver
delivers them: incomplete and bad ones with their flags, and all times. Nothing is published, and no running
agent is disturbed; on the wire give the profile a port of its own. It ends after --seconds, when the source
has delivered everything, or with SIGINT or SIGTERM (exit code 0). It prints one JSON line: the file, its
records, stamps and bytes, and "left_out", the frames that found no room because the disk was too slow.

A file that exists is not replaced. A recording that was cut off can be replayed up to there. The format is
described in addons/README.md. About 10 kB a stamp of 50 x 50 pixels, 640 kB of 400 x 400.

  --profile FILE   the profile (YAML): driver, addresses, sensors; hw-profiles/README.md
  --out FILE       the recording; names end in .smtrec by custom
  --link NAME      which link, where the profile has several
  --seconds N      ends after N seconds (default: not by itself)
  --compress       lossless, to about a third; for sensors x rate up to some 20 MB/s
  --queue N        frames that may wait for the disk (default ${defaultQueue})

example: summit-agent record --profile hw-profiles/sim-guider.yaml --out night.smtrec --seconds 60
`,
  options: {
    profile: { type: 'string' },
    out: { type: 'string' },
    link: { type: 'string' },
    seconds: { type: 'string' },
    compress: { type: 'boolean' },
    queue: { type: 'string' },
  },
  async run(options, { stdout, stderr, stop }) {
    const profile = loadProfile(requireText(options, 'profile', 'record'));
    const path = requireText(options, 'out', 'record');
    const seconds = numberOf(options, 'seconds', 0.001, 1e7, Number.POSITIVE_INFINITY);
    const queueStamps = Math.round(numberOf(options, 'queue', 8, 65_536, defaultQueue));
    const log = stderrLog(stderr);
    requireAddon();
    const chosen = linkNamed(profile, options.link);
    const stream = streamSettings(profile, chosen, path, {
      compress: options.compress === true,
      queueStamps,
    });
    const settings = { ...chosen, recorder: null, stream };
    const link = new NativeDaqLink(settings, ({ level, text }) => log[logLevelOf(level)](text));
    const ended = new AbortController();
    link.start((records) => {
      if (records.some((r) => r.eventType === EventType.end))
        ended.abort('the source has delivered everything');
    });
    log.info('recording', { event: 'ready', file: path });
    const begun = performance.now();
    const progress = new Progress(stderr, 'recording');
    const tick = setInterval(() => {
      const elapsed = (performance.now() - begun) / 1000;
      const { stream_stamps = 0n, stream_bytes = 0n } = link.counters().recording;
      const detail = `${elapsed.toFixed(0)} s, ${stream_stamps} stamps, ${(Number(stream_bytes) / 1e6).toFixed(1)} MB`;
      progress.at(Number.isFinite(seconds) ? elapsed / seconds : null, detail);
      if (elapsed >= seconds) ended.abort('the time is over');
      if (link.counters().outcomes.stream !== undefined) ended.abort('the file cannot be written');
    }, tickMs);
    await firstOf(stop, ended.signal);
    clearInterval(tick);
    await link.stop();
    progress.end();
    return tell(path, link.counters(), stdout);
  },
};

function linkNamed({ links }: Profile, name: Options[string]): LinkSettings {
  if (links.length === 1 && name === undefined) return links[0];
  const found = links.find((link) => link.name === name);
  const names = links.map((link) => link.name).filter((one) => one !== '');
  const which = names.length === 0 ? 'none: the profile has one link' : `one of ${names.join(', ')}`;
  if (!found || name === '')
    throw new AgentError('usage', `--link: expected ${which}, got ${String(name ?? 'none')}`);
  return found;
}

function tell(path: string, { recording, outcomes }: LinkCounters, stdout: NodeJS.WritableStream): number {
  const { stream_records = 0n, stream_stamps = 0n, stream_bytes = 0n, stream_left_out = 0n } = recording;
  const counts = {
    records: Number(stream_records),
    stamps: Number(stream_stamps),
    bytes: Number(stream_bytes),
    left_out: Number(stream_left_out),
  };
  stdout.write(`${JSON.stringify({ event: 'recorded', file: path, ...counts })}\n`);
  if (outcomes.stream !== undefined) throw new AgentError('daq_resource', `record: ${outcomes.stream}`);
  return 0;
}
