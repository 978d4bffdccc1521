// SPDX-License-Identifier: Apache-2.0
// Raw full frames from files through the native side: instrument signature removal and the first look.

import { AgentError, sentenceOf } from '../model/errors.js';
import { loadNative, type NativeImageProcessor, type NativeProcessedImage } from './native.js';

export interface ImageSettings {
  /** folder with one folder per detector; '' for none */
  readonly calibrations: string;
  readonly threads: number;
  /** steps of instrument signature removal that are not as usual */
  readonly steps: Readonly<Record<string, boolean>>;
}

export class Images {
  readonly #native: NativeImageProcessor;

  constructor(settings: ImageSettings) {
    this.#native = new (loadNative().NativeImageProcessor)(settings);
  }

  /** `isrPath` '': no ISR file. Rejects with AgentError `image`: path, what was expected and what came. */
  async process(path: string, isrPath: string): Promise<NativeProcessedImage> {
    try {
      return await this.#native.process(path, isrPath);
    } catch (error) {
      throw new AgentError('image', sentenceOf(error), { cause: error });
    }
  }
}
