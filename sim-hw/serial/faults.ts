// SPDX-License-Identifier: Apache-2.0
// What happens to a serial line: which lines are hit, and what is left of them.
import type { Random } from '../random.js';
import type { SaidLine } from './player.js';

export const lineFaults = ['noise', 'half', 'checksum'] as const;
export const pauseFaults = ['silence', 'unplug'] as const;
export type FaultKind = (typeof lineFaults)[number] | (typeof pauseFaults)[number];

export interface SerialFault {
  readonly kind: FaultKind;
  /** probability per line */
  readonly p: number;
  /** numbers of lines */
  readonly at: readonly number[];
  /** length of a silence, or of an absence, s */
  readonly seconds: number;
  /** null: all devices */
  readonly device: string | null;
}

const kinds: readonly string[] = [...lineFaults, ...pauseFaults];

/** `noise:p=0.02`, `unplug:at=100+400,seconds=5,device=csat3b`; a problem is pushed and null returned. */
export function parseSerialFault(text: string, problems: string[]): SerialFault | null {
  const [kind = '', rest = ''] = text.split(':', 2);
  const settings = new Map(rest.split(',').map((part) => part.split('=', 2) as [string, string | undefined]));
  const say = (what: string): null => {
    problems.push(`--fault ${text}: ${what}`);
    return null;
  };
  if (!kinds.includes(kind)) return say(`expected one of ${kinds.join(', ')}`);
  const strange = [...settings.keys()].find((key) => !['p', 'at', 'seconds', 'device'].includes(key));
  if (strange !== undefined) return say(`expected p=, at=, seconds= or device=, got "${strange}"`);
  const p = Number(settings.get('p') ?? 0);
  const at = (settings.get('at') ?? '').split('+').filter((n) => n !== '');
  const seconds = Number(settings.get('seconds') ?? 5);
  if (!(p >= 0 && p <= 1)) return say('expected p of 0..1');
  if (!(seconds > 0)) return say('expected seconds above 0');
  if (!at.every((n) => /^\d+$/.test(n))) return say('expected at=N or at=N+M');
  if (p === 0 && at.length === 0) return say('expected p= or at=');
  return { kind: kind as FaultKind, p, at: at.map(Number), seconds, device: settings.get('device') ?? null };
}

/** The fault of line `n`, if any. Never two lines in a row: what is left of one must not hide the other. */
export class FaultPlan {
  readonly #faults: readonly SerialFault[];
  readonly #random: Random;
  /** the first line is spared too: a reader may have joined in the middle of it */
  #hit = true;

  constructor(faults: readonly SerialFault[], random: Random) {
    this.#faults = faults;
    this.#random = random;
  }

  next(n: number, checked: number): SerialFault | null {
    const chosen = this.#faults.filter((fault) => {
      const byChance = fault.p > 0 && this.#random.uniform() < fault.p;
      return byChance || fault.at.includes(n);
    });
    const possible = chosen.filter(({ kind }) => {
      if (kind === 'silence' || kind === 'unplug') return true;
      return !this.#hit && (checked > 0 || kind !== 'checksum');
    });
    const fault = possible.find(({ at }) => at.includes(n)) ?? possible[0] ?? null;
    this.#hit = fault !== null;
    return fault;
  }
}

const digits = '0123456789';

/** What leaves instead of a line; a reader must refuse all of it. */
export function damage(kind: FaultKind, line: SaidLine, random: Random): Pick<SaidLine, 'parts' | 'after'> {
  const text = line.parts.join('');
  const replaced = (place: number, letter: string) => text.slice(0, place) + letter + text.slice(place + 1);
  if (kind === 'noise') {
    let noisy = text;
    for (let k = random.integer(3); k >= 0; k--) {
      const place = random.integer(noisy.length);
      noisy =
        noisy.slice(0, place) + String.fromCharCode(0xc0 + random.integer(0x30)) + noisy.slice(place + 1);
    }
    return { parts: [noisy], after: line.after };
  }
  if (kind === 'checksum') {
    // Wrong where it looks right: one digit for another, where the checksum tells.
    const places = [...text.slice(0, line.checked)].flatMap((letter, i) =>
      digits.includes(letter) ? [i] : [],
    );
    const place = places[random.integer(places.length)] ?? 0;
    const other = digits[(digits.indexOf(text[place] ?? '0') + 1 + random.integer(9)) % 10] ?? '0';
    return { parts: [replaced(place, other)], after: line.after };
  }
  const cut = 1 + random.integer(text.length - 2);
  // The end is lost and its terminator with it, or the beginning.
  if (random.uniform() < 0.5) return { parts: [text.slice(0, cut)], after: '' };
  return { parts: [text.slice(text[cut - 1] === ',' ? cut + 1 : cut)], after: line.after };
}
