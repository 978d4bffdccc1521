// SPDX-License-Identifier: Apache-2.0
// Files and a repository of the size of a run of nights for the benchmark.
import { join } from 'node:path';
import { associate, chain } from '../../../agent/butler/certify.js';
import { calibrationTypes, rawRun, rawType } from '../../../agent/butler/dataset-types.js';
import { instrumentTable } from '../../../agent/butler/instruments.js';
import type { Repository } from '../../../agent/butler/repository.js';
import { dayObsSpan } from '../../../agent/butler/tai-times.js';
import { at, cameraHeader, numbered, writeRaw } from '../../../agent/butler/testing/headers.js';
import { newUuid, rawUuid } from '../../../agent/butler/uuids.js';

export const detectors = instrumentTable('LSSTCam')?.detectors ?? [];

/** Raw files of one exposure, by the first `count` detectors. */
export function filesOfExposure(folder: string, seqNum: number, count: number): string[] {
  return detectors
    .slice(0, count)
    .map(({ raft, nameInRaft }) =>
      writeRaw(join(folder, String(seqNum)), at(numbered(cameraHeader, seqNum), raft ?? '', nameInRaft)),
    );
}

/** Rows of many exposures, without files. */
export function fillRows(repository: Repository, exposures: number, each: number): void {
  const { db, registry } = repository;
  const perNight = 1000;
  for (let first = 0; first < exposures; first += perNight)
    db.write(() => {
      const type = registry.ensureType(rawType);
      const run = registry.ensureCollection(rawRun('LSSTCam'), 1);
      const day = 20300101 + first / perNight;
      registry.sql('INSERT INTO day_obs VALUES (?, ?, ?, ?)').run('LSSTCam', day, ...dayObsSpan(day));
      for (let seq = 0; seq < Math.min(perNight, exposures - first); seq++) {
        const exposure = day * 100_000 + seq;
        registry.sql('INSERT INTO "group" VALUES (?, ?)').run('LSSTCam', String(exposure));
        registry
          .sql(
            `INSERT INTO exposure (instrument, id, day_obs, "group", physical_filter, obs_id, timespan_begin, timespan_end)
             VALUES ('LSSTCam', ?, ?, ?, 'r_57', ?, 1, 2)`,
          )
          .run(exposure, day, String(exposure), `MC_O_${day}_${String(seq).padStart(6, '0')}`);
        for (let i = 0; i < each; i++) {
          const dataId = { instrument: 'LSSTCam', detector: 189 + i, exposure };
          registry.insert({
            uuid: rawUuid('raw', run.name, dataId),
            type,
            run,
            dataId,
            ingestTaiNs: BigInt(exposure),
            path: `${run.name}/rows/${exposure}/${i}.fits`,
            formatter: 'none',
            bytes: 1,
          });
        }
      }
    });
}

export const monthNs = 30n * 86_400_000_000_000n;

/** Rows of calibrations of eight detectors, one after the other in time, in each of some collections. */
export function fillCalibrations({ db, registry }: Repository, collections: number, months: number): void {
  db.write(() => {
    for (let c = 0; c < collections; c++) {
      const into = registry.ensureCollection(`LSSTCam/calib/${c}`, 4);
      for (let month = 0; month < months; month++) {
        const run = registry.ensureCollection(`LSSTCam/calib/${c}/${month}`, 1);
        for (const known of calibrationTypes) {
          const type = registry.ensureType(known);
          for (let i = 0; i < 8; i++) {
            const uuid = newUuid(1_795_000_000_000);
            const flat = type.dimensions.includes('physical_filter');
            const dataId = {
              ...{ instrument: 'LSSTCam', detector: 189 + i },
              ...(flat && { physical_filter: 'i_39' }),
            };
            const path = `${run.name}/${type.name}/${i}.fits`;
            registry.insert({ uuid, type, run, dataId, ingestTaiNs: 1n, path, formatter: 'none', bytes: 1 });
            const begin = monthNs * BigInt(month + 1);
            associate(registry, uuid, type.name, into, dataId, { begin, end: begin + monthNs });
          }
        }
      }
      chain(registry, 'LSSTCam', [into]);
    }
  });
}
