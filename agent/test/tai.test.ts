// SPDX-License-Identifier: Apache-2.0
// The kernel's TAI - UTC comes, goes and comes while an agent guides: the alarm and the flags of results follow.
import { execFileSync } from 'node:child_process';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { freeUdpPort } from '../../scripts/processes/ports.js';
import { simGuiderProfile } from '../../scripts/processes/profile.js';
import { type Envelope, Rig } from './rig.js';

t.test(
  'who tells the kernel TAI - UTC while an agent runs clears alarm and flags, and the other way',
  async (t) => {
    const rig = new Rig(t);
    const library = join(rig.directory, 'tai_clock.so');
    execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, 'agent/test/tai_clock.c', '-ldl']);
    const file = join(rig.directory, 'offset');
    const tell = (seconds: number) => {
      // As a whole: the agent looks whenever it likes.
      writeFileSync(`${file}.new`, `${seconds}\n`);
      renameSync(`${file}.new`, file);
    };
    tell(0);
    const simulator = await rig.simulator(['--rate', '20', '--stamps', '100000', '--exposures', '1']);
    const address = 'tcp://127.0.0.1:0';
    const agent = await rig.run(
      simGuiderProfile({
        udpPort: await freeUdpPort(),
        ...{ daqControl: simulator.control, data: address, control: address },
      }),
      { LD_PRELOAD: library, TAI_OFFSET_FILE: file },
    );
    const listener = rig.listener(agent.data);
    const client = rig.control(agent.control);
    const flagged = ({ body }: Envelope) => (body.flags as string[]).includes('time_suspect');
    /** Offsets from now on. */
    const later = (isSuspect: boolean) => {
      const seen = listener.messages.length;
      return listener.first(
        `offsets ${isSuspect ? 'with' : 'without'} time_suspect`,
        (message) =>
          message.kind === 'guider.offsets' &&
          listener.messages.indexOf(message) >= seen &&
          flagged(message) === isSuspect,
      );
    };
    const alarm = (active: boolean, message: RegExp) => {
      const seen = listener.messages.length;
      return listener.first(
        `the alarm is ${active ? 'on' : 'off'}`,
        (one) =>
          one.kind === 'alarm' &&
          listener.messages.indexOf(one) >= seen &&
          one.body.name === 'tai_offset' &&
          one.body.active === active &&
          message.test(String(one.body.message)),
      );
    };
    const activeAlarms = async () => {
      const { alarms } = (await client.request('snapshot')) as { alarms: { name: string }[] };
      return alarms.map(({ name }) => name);
    };
    await later(true);
    t.ok((await activeAlarms()).includes('tai_offset'));
    for (const again of ['once', 'and again']) {
      const cleared = alarm(false, /37 s, from the kernel/);
      tell(37);
      await cleared;
      await later(false);
      t.notOk((await activeAlarms()).includes('tai_offset'), again);
      const raised = alarm(true, /the kernel says 0 s/);
      tell(0);
      await raised;
      await later(true);
      t.ok((await activeAlarms()).includes('tai_offset'), again);
    }
  },
);
