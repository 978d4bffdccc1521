// SPDX-License-Identifier: Apache-2.0
// The rooms of files: guider recordings, full frames and the looks at them, and the repository that takes what they write.

import { makeFolders } from './butler/durable.js';
import { ButlerRoom } from './butler/room.js';
import type { Profile } from './config/profile.js';
import { Recordings } from './guider/recordings.js';
import { Looks } from './image/looks.js';
import { productWriter } from './image/products/writer.js';
import { type CalibrationsOf, ImageRoom } from './image/room.js';
import { imageCalibrations } from './model/butler.js';
import type { Clock } from './model/clock.js';
import type { ImageLink } from './model/image.js';
import type { Log } from './model/log.js';
import type { MessageSink, SetAlarm } from './model/messages.js';

export interface FileRoomsDeps {
  readonly link: ImageLink;
  readonly sink: MessageSink;
  readonly log: Log;
  readonly clock: Clock;
  readonly alarm: SetAlarm;
  readonly taiMinusUtcS: () => number;
  /** those of guide sensors that are valid now lie there */
  readonly onCalibrations: (directory: string) => void;
}

export class FileRooms {
  readonly recordings: Recordings;
  /** null: files stay files */
  readonly butler: ButlerRoom | null;
  /** null: the role takes no full frames */
  readonly images: ImageRoom | null;
  /** null: nobody looks at them */
  readonly #looks: Looks | null;

  constructor({ butler, image, links: [settings] }: Profile, deps: FileRoomsDeps) {
    const { link, sink, log, clock, alarm, taiMinusUtcS, onCalibrations } = deps;
    // What has left is noted where the file lies: what a crash stops before is told by the next run.
    const noted: MessageSink = {
      publish: (message) => {
        sink.publish(message);
        if (message.kind === 'image.available' && message.datasetType === 'raw')
          this.images?.told(message.path);
      },
    };
    this.butler =
      butler &&
      new ButlerRoom(butler, {
        next: noted,
        log,
        alarm,
        taiMinusUtcS,
        onCalibrations,
        inUse: () => this.images?.inUse ?? [],
      });
    const files = this.butler ?? noted;
    this.recordings = new Recordings({ sink: files, log, alarm });
    const quicklook = image?.quicklook ?? null;
    const calibrated = (settings.imageLooker?.calibrations ?? '') !== '';
    const startProductWriter = productWriter(image?.priority === 'idle' ? 19 : 10);
    const nowNs = () => clock.monotonicNs();
    this.#looks =
      quicklook &&
      new Looks({ ...quicklook, calibrated }, { link, sink: files, log, alarm, nowNs, startProductWriter });
    const taiNs = () => clock.taiNs();
    const calibrationsOf: CalibrationsOf = (detectors, header, atNs) =>
      this.butler?.calibrationsOf(
        detectors.map(({ calibration, detector }) => ({
          folder: calibration,
          detector,
          types: imageCalibrations,
        })),
        header,
        atNs,
      ) ?? null;
    const looks = this.#looks;
    const ofImages = { link, sink: files, log, taiNs, alarm, looks, calibrationsOf, makeFolder: makeFolders };
    this.images = image && new ImageRoom(image, ofImages);
  }

  /** The repository opens. */
  start(): void {
    this.butler?.start();
  }

  /** Before the link opens. */
  beforeLink(): void {
    this.#looks?.start();
    this.images?.start();
  }

  /** No more comes: what is being looked at, and what an earlier run left, is told. */
  async finish(): Promise<void> {
    await this.#looks?.stop();
    await this.images?.end();
  }

  /** What is on its way into the repository is finished, and what was told is written down. */
  async stop(): Promise<void> {
    await this.butler?.stop();
    this.images?.close();
  }
}
