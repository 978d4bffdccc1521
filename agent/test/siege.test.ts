// SPDX-License-Identifier: Apache-2.0
// The siege of scripts/bench, in short: hostile peers at both endpoints change nothing of what a guiding agent does.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { besiege } from '../../scripts/bench/siege/siege.js';

const cases = [
  { name: 'plain', encrypted: false, fileDescriptors: null },
  { name: 'CURVE', encrypted: true, fileDescriptors: null },
  { name: 'CURVE with 300 file descriptors', encrypted: true, fileDescriptors: 300 },
  { name: 'ipc with 300 file descriptors', encrypted: false, transport: 'ipc', fileDescriptors: 300 },
] as const;

for (const { name, ...kind } of cases) {
  t.test(
    `fuzzed and half-open connections, ${name}: alive, every result arrives, every command is answered`,
    async (t) => {
      const directory = mkdtempSync(join(tmpdir(), 'summit-siege-'));
      t.teardown(() => rmSync(directory, { recursive: true, force: true }));
      const options = { ...kind, connections: 300, seconds: 2, seed: 11, say: () => {} };
      const { alive, state, conserved, missing, phases, endpoints } = await besiege(options, directory);
      t.same(
        { alive, state, conserved, missing },
        { alive: true, state: 'ENABLED', conserved: true, missing: 0 },
      );
      for (const phase of phases) {
        t.equal(
          phase.answered,
          phase.commands,
          `${phase.name}: ${phase.commands} commands, p99.9 ${phase.p999} us`,
        );
        t.ok(phase.results > 0, `${phase.name}: ${phase.results} results`);
      }
      const fired = phases.reduce((sum, phase) => sum + phase.connections, 0);
      t.ok(fired > 600, `${fired} hostile connections`);
      for (const [endpoint, { accepted = 0, closed = 0 }] of Object.entries(endpoints)) {
        // With few descriptors most are held off, and how many get in depends on how fast others are turned away.
        t.ok(accepted > (kind.fileDescriptors === null ? 50 : 10), `${accepted} reached ${endpoint}`);
        t.ok(accepted - closed < 300, `${accepted - closed} are left at ${endpoint}`);
      }
    },
  );
}
