// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { ButlerSettings } from '../model/butler.js';
import type { RawImageMessage } from '../model/image-messages.js';
import type { AgentMessage } from '../model/messages.js';
import { Ingest } from './ingest.js';
import { configurationName, configurationText } from './layout.js';
import { ButlerRoom } from './room.js';
import { cameraHeader, numbered, writeRaw } from './testing/headers.js';
import { newRepository } from './testing/new-repository.js';
import { messageOfFile } from './told.js';

function settingsOf(repository: string, spool: string, cache: Partial<ButlerSettings> = {}): ButlerSettings {
  return {
    ...{ repository, instrument: 'LSSTCam', create: false, shared: false, spools: [spool] },
    ...{
      keepHours: null,
      diskShare: null,
      keepShare: null,
      expireEveryS: 600,
      retryS: 0.1,
      handover: null,
      calibrations: null,
      ...cache,
    },
  };
}

t.test('a file that a repository refused is told once, and told of when it is there', async (t) => {
  const { folder, root } = newRepository(t);
  const spool = join(folder, 'spool');
  mkdirSync(spool);
  const configuration = join(root, configurationName);
  writeFileSync(configuration, 'datastore: {}\n');
  const told: AgentMessage[] = [];
  const alarms: string[] = [];
  let wake = () => {};
  const next = {
    publish: (message: AgentMessage) => {
      told.push(message);
      wake();
    },
  };
  const until = async (isSo: () => boolean) => {
    while (!isSo())
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
  };
  const room = new ButlerRoom(settingsOf(root, spool), {
    next,
    log: { debug: () => {}, info: () => {}, warning: () => {}, error: () => {} },
    alarm: (name, _severity, reason) => {
      if (name === 'butler_failed') alarms.push(reason === null ? 'off' : 'on');
      wake();
    },
    taiMinusUtcS: () => 37,
    inUse: () => [],
    onCalibrations: () => {},
  });
  // Nothing in a room keeps a process alive.
  const alive = setInterval(() => {}, 1000);
  t.teardown(() => clearInterval(alive));
  room.start();
  t.teardown(() => room.stop());
  const files = [51, 52].map((seqNum) => writeRaw(spool, numbered(cameraHeader, seqNum)));
  const messageOf = (file: string) =>
    messageOfFile({
      ...{ file, outcome: 'ingested', problem: '', uuid: null, run: '', type: 'raw', uri: '', changed: [] },
      dataId: { instrument: 'LSSTCam', detector: 1, exposure: 0 },
    }) as RawImageMessage;
  for (const file of files) room.publish(messageOf(file));
  await until(() => told.length === 2);
  // Some more attempts.
  const before = alarms.length;
  await until(() => alarms.length > before + 2);
  t.match(told, [
    { kind: 'image.failed', reason: 'not_ingested', message: /no repository that this agent can use/ },
    { kind: 'image.failed', oodsCode: 1 },
  ]);

  rmSync(files[1] ?? '');
  writeFileSync(configuration, configurationText());
  await until(() => told.length === 3);
  t.match(told[2], { kind: 'image.available', path: files[0], butler: { run: 'LSSTCam/raw/all' } });
  t.equal(alarms.at(-1), 'off');
  writeRaw(spool, numbered(cameraHeader, 52));
  await until(() => told.length === 4);
  t.match(told[3], { kind: 'image.available', path: files[1] });
});

t.test('a disk that others fill, and a clock that may be wrong, are told and not made up for', async (t) => {
  const { folder, root, repository } = newRepository(t);
  const spool = join(folder, 'spool');
  const file = writeRaw(spool, cameraHeader);
  const ingest = new Ingest(root, repository.db, repository.registry, {
    ...{ transfer: 'link', exposures: 'create' },
    // Long ago, by a clock that is right or one that is not.
    taiNs: () => 1n,
  });
  ingest.files([file]);
  const cache = { keepHours: 72, diskShare: 1e-6, expireEveryS: 0.02 };
  const alarms = new Map<string, string>();
  const both = new Promise<void>((resolve) => {
    const room = new ButlerRoom(settingsOf(root, spool, cache), {
      next: { publish: () => {} },
      log: { debug: () => {}, info: () => {}, warning: () => {}, error: () => {} },
      alarm: (name, _severity, reason) => {
        if (reason !== null) alarms.set(name, reason);
        if (alarms.size === 2) resolve();
      },
      taiMinusUtcS: () => 37,
      inUse: () => [],
      onCalibrations: () => {},
    });
    room.start();
    t.teardown(() => room.stop());
  });
  const alive = setInterval(() => {}, 1000);
  t.teardown(() => clearInterval(alive));
  await both;
  t.match(alarms.get('butler_disk_filled'), /is filled to .* 0 % of it and stay/);
  t.match(alarms.get('butler_clock_doubted'), /h ahead of .* before it has stood for another 24\.0 h/);
  t.ok(existsSync(file));
});
