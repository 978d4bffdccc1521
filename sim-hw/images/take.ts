// SPDX-License-Identifier: Apache-2.0
// What a `take` command may ask for.

export const imageTypes = ['OBJECT', 'ENGTEST', 'BIAS', 'DARK', 'FLAT'] as const;
export type ImageType = (typeof imageTypes)[number];

/** Grooves per mm, and where the script puts the zeroth order. */
export const gratings: Readonly<Record<string, { grooves: number; sweetSpot: readonly [number, number] }>> = {
  empty_1: { grooves: 0, sweetSpot: [1780, 1800] },
  ronchi90lpmm: { grooves: 90, sweetSpot: [1780, 1800] },
  holo4_003: { grooves: 150, sweetSpot: [1750, 200] },
  ronchi170lpmm: { grooves: 170, sweetSpot: [1750, 300] },
  blue300lpmm_qn1: { grooves: 300, sweetSpot: [1750, 200] },
};

export interface TakeRequest {
  readonly imageType: ImageType;
  readonly exposureS: number;
  readonly filter: string;
  readonly grating: string;
  /** hexapod, mm from the nominal focus */
  readonly focusZMm: number;
  readonly annotation: string;
  /** null: the image's own time */
  readonly group: string | null;
}

/** Reads a command's arguments; everything that is wrong in one sentence. */
export function parseTake(args: Readonly<Record<string, unknown>>): TakeRequest | string {
  const problems: string[] = [];
  const number = (key: string, low: number, high: number, otherwise: number): number => {
    const value = args[key] ?? otherwise;
    if (typeof value === 'number' && value >= low && value <= high) return value;
    problems.push(`${key}: expected a number ${low}..${high}, got ${JSON.stringify(value)}`);
    return otherwise;
  };
  const text = (key: string, otherwise: string): string => {
    const value = args[key] ?? otherwise;
    if (typeof value === 'string' && value.length <= 60) return value;
    problems.push(`${key}: expected text of up to 60 letters, got ${JSON.stringify(value)}`);
    return otherwise;
  };
  const asked = text('imageType', 'OBJECT').toUpperCase();
  const imageType = imageTypes.find((one) => one === asked);
  if (!imageType) problems.push(`imageType: expected one of ${imageTypes.join(', ')}, got "${asked}"`);
  const grating = text('grating', 'empty_1');
  if (!Object.hasOwn(gratings, grating))
    problems.push(`grating: expected one of ${Object.keys(gratings).join(', ')}, got "${grating}"`);
  const request: TakeRequest = {
    imageType: imageType ?? 'OBJECT',
    exposureS: number('exposureS', 0, 1000, 2),
    filter: text('filter', 'i_39'),
    grating,
    focusZMm: number('focusZMm', -5, 5, 0),
    annotation: text('annotation', ''),
    group: args.group === undefined ? null : text('group', ''),
  };
  return problems.length > 0 ? problems.join('; ') : request;
}
