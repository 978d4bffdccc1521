// SPDX-License-Identifier: Apache-2.0
// The options of sim-daq that are about full frames.
import type { Endpoint } from '../options.js';
import { type ImageFault, parseImageFault } from './faults.js';
import { type InstrumentName, instruments } from './instruments.js';
import type { ImageOptions } from './room.js';

/** How options.ts reads values: each complains by itself. */
export interface Readers {
  number(key: string, low: number, high: number, otherwise: number): number;
  whole(key: string, low: number, high: number, otherwise: number): number;
  text<Otherwise extends string | null>(key: string, otherwise: Otherwise): string | Otherwise;
  endpoint(key: string, text: string): Endpoint;
}

/** null: no images are asked for. */
export function readImageOptions(
  given: Readonly<Record<string, unknown>>,
  read: Readers,
  problems: string[],
): ImageOptions | null {
  const asked = read.text('images', null);
  const names = Object.keys(instruments) as InstrumentName[];
  const instrument = names.find((name) => name === asked);
  if (asked !== null && !instrument)
    problems.push(`--images: expected one of ${names.join(', ')}, got "${asked}"`);
  const options = {
    port: read.endpoint('image-port', read.text('image-port', '127.0.0.1:5582')),
    readoutS: read.number('readout-s', 0, 100, 2.3),
    speed: read.number('speed', 0.01, 1000, 1),
    seed: read.whole('seed', 0, 2 ** 48, 1),
    firstSeqNum: read.whole('first-image', 1, 99_999, 1),
    frames: read.whole('image-frames', 0, 100, 0),
    truth: read.text('image-truth', null),
    calibrations: read.text('image-calib', null),
    faults: faultsOf(given['image-fault'], problems),
  };
  if (!instrument) return null;
  const boards = boardsOf(read.text('image-boards', null), instrument, problems);
  return { instrument, boards, ...options };
}

function faultsOf(value: unknown, problems: string[]): readonly ImageFault[] {
  const texts = value === undefined ? [] : Array.isArray(value) ? value.map(String) : [String(value)];
  return texts.flatMap((text) => {
    try {
      return [parseImageFault(text)];
    } catch (error) {
      problems.push(`--image-fault ${text}: ${error instanceof Error ? error.message : String(error)}`);
      return [];
    }
  });
}

function boardsOf(
  text: string | null,
  instrument: InstrumentName,
  problems: string[],
): readonly string[] | null {
  if (text === null) return null;
  const known = instruments[instrument].boards.map(({ raft }) => raft);
  const wanted = text.split(',');
  if (wanted.every((one) => known.includes(one))) return wanted;
  problems.push(`--image-boards: expected some of ${known.join(',')}, got "${text}"`);
  return null;
}
