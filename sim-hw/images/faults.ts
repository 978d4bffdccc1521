// SPDX-License-Identifier: Apache-2.0
// What goes wrong with images on their way: `--image-fault KIND:at=N[,board=R44]`.

export const imageFaultKinds = [
  'truncate',
  'drop-link',
  'stall',
  'wrong-bytes',
  'unknown-detector',
  'bare',
] as const;
export type ImageFaultKind = (typeof imageFaultKinds)[number];

export interface ImageFault {
  readonly kind: ImageFaultKind;
  /** number of the image, from 1 */
  readonly at: number;
  /** raft; null: every board */
  readonly board: string | null;
}

/** Throws with what was expected. */
export function parseImageFault(text: string): ImageFault {
  const [kindText = '', rest = ''] = text.split(':', 2);
  const kind = imageFaultKinds.find((one) => one === kindText);
  if (!kind)
    throw new Error(`expected one of ${imageFaultKinds.join(', ')} before the colon, got "${kindText}"`);
  let at = 0;
  let board: string | null = null;
  for (const setting of rest.split(',').filter((one) => one !== '')) {
    const [key = '', value = ''] = setting.split('=', 2);
    if (key === 'at' && /^[1-9]\d*$/.test(value)) at = Number(value);
    else if (key === 'board' && /^R\d\d$/.test(value)) board = value;
    else throw new Error(`expected at=IMAGE or board=R44 after "${kind}:", got "${setting}"`);
  }
  if (at === 0) throw new Error(`expected at=IMAGE after "${kind}:"`);
  return { kind, at, board };
}
