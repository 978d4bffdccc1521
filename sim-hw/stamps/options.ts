// SPDX-License-Identifier: Apache-2.0
// The command line of sim-stamps.
import { parseArgs } from 'node:util';
import { AgentError, refuseAll, sentenceOf } from '../../agent/model/errors.js';
import { accuracyPlans, type PlanSettings } from './accuracy.js';
import { nuisancePlans } from './nuisance.js';
import { gaussian, kolmogorov, moffat, type Profile } from './profile.js';
import { seriesPlans } from './series.js';
import type { GroupPlan } from './truth.js';

export interface StampsOptions {
  readonly out: string;
  readonly plans: readonly GroupPlan[];
}

export const stampsHelp = `sim-stamps: synthetic guide-star stamps with known truth

usage: sim-stamps --out DIR [--seed N] [--cell N] [--class N] [--groups LIST] [--psf NAME]

Writes DIR/index.json (format guider-stamps-1, with the truth of every stamp) and one raw little-endian file per
group, to be measured by: summit-agent measure DIR --out results.json

  --out DIR        a new or an old directory; files of the same name are written anew
  --seed N         the same seed gives the same bytes (default 1)
  --cell N         stamps per accuracy cell, and length of each series (default 300)
  --class N        stamps per nuisance class (default 200)
  --groups LIST    comma-separated names; "accuracy", "nuisance" and "series" stand for their groups (default: all)
  --psf NAME       profile of the stars: family (default; one of its own for each star), gaussian, kolmogorov,
                   moffatB with B the exponent such as moffat3

groups
  acc_flat50   SNR 5..1000, FWHM 4 px, read noise 9 e, flat bias
  acc_raw50    the same with column pattern, serial transient and row noise
  acc_phase50  S-curve: 20 sub-pixel phases in x at SNR 1000, FWHM 0.5" and 0.8" (a sixth of --cell per phase)
  acc_fwhm50   FWHM 0.5"..1.5" at SNR 20 and 100; gain, read noise, sky and ellipticity drawn
  acc_raw400   SNR 7..1000 somewhere in 400x400 (a fifth of --cell)
  acc_u16_50   SNR 20, 100, 500 in uint16
  nuisance50   clean, hot_pixel, cosmic_ray, bad_column, saturated, foreign_bleed, second_star, close_double, near_edge,
               leaving, empty (50 times --class), empty_artefact, gradient, pickup, smear, asymmetric, trailed, faint,
               daq_fault
  nuisance400  empty, empty_artefact, field (0.3 of --class)
  series_R00_SG0 ... series_R44_SG1   eight guiders on one time base at 9 Hz: common motion, own seeing, stars lost

The family of profiles: pixel-integrated Moffat with beta 2.5..5, Kolmogorov turbulence, a core with wide wings.
Truth columns: cls, want, star, x, y, flux_e, fwhm_px, e1, e2, snr, snr_eff, crlb_x, crlb_y (Cramer-Rao bound, profile
known, one background), crlbc_x, crlbc_y (one background per column), gain, rn_e, sky_e, t. Positions are px, 0-based,
an integer is a pixel's centre; light is in electrons.

example: sim-stamps --out build/stamps --seed 7 --cell 50 --class 50 --groups acc_raw50,nuisance50
`;

const shortNames: Readonly<Record<string, string>> = {
  accuracy: 'acc_',
  nuisance: 'nuisance',
  series: 'series_',
};

/** Null: only the help was asked for. Throws AgentError that lists everything wrong. */
export function parseStampsOptions(args: readonly string[]): StampsOptions | null {
  const values = parse(args);
  if (values.help === true) return null;
  const problems: string[] = [];
  if (values.out === undefined || values.out === '') problems.push('--out: expected a directory');
  const settings: PlanSettings = {
    seed: whole('seed', values.seed, 1, 0, problems),
    cell: whole('cell', values.cell, 300, 1, problems),
    class: whole('class', values.class, 200, 1, problems),
    profile: profileOf(values.psf ?? 'family', problems),
  };
  if (problems.length > 0) throw refuseAll('usage', 'sim-stamps', problems);
  const all = [...accuracyPlans(settings), ...nuisancePlans(settings), ...seriesPlans(settings)];
  const plans = choose(all, values.groups, problems);
  if (problems.length > 0) throw refuseAll('usage', 'sim-stamps', problems);
  return { out: values.out ?? '', plans };
}

function parse(args: readonly string[]) {
  try {
    const text = { type: 'string' } as const;
    return parseArgs({
      args: [...args],
      options: {
        out: text,
        seed: text,
        cell: text,
        class: text,
        groups: text,
        psf: text,
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new AgentError('usage', `sim-stamps: ${sentenceOf(error)}; see sim-stamps --help`, {
      cause: error,
    });
  }
}

function whole(
  name: string,
  text: string | undefined,
  fallback: number,
  least: number,
  problems: string[],
): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= least) return value;
  problems.push(`--${name}: expected a whole number of at least ${least}, got "${text}"`);
  return fallback;
}

function profileOf(name: string, problems: string[]): Profile | null {
  if (name === 'family') return null;
  if (name === 'gaussian') return gaussian();
  if (name === 'kolmogorov') return kolmogorov();
  const beta = /^moffat(\d+(\.\d+)?)$/.exec(name)?.[1];
  if (beta !== undefined && Number(beta) > 1 && Number(beta) <= 20) return moffat(Number(beta));
  problems.push(
    `--psf: expected family, gaussian, kolmogorov or moffatB with B above 1 and at most 20, got "${name}"`,
  );
  return null;
}

function choose(
  all: readonly GroupPlan[],
  list: string | undefined,
  problems: string[],
): readonly GroupPlan[] {
  if (list === undefined) return all;
  const wanted = list.split(',').map((name) => name.trim());
  const fits = (plan: GroupPlan, name: string) =>
    plan.name === name || plan.name.startsWith(shortNames[name] ?? '\0');
  for (const name of wanted) {
    if (!all.some((plan) => fits(plan, name)))
      problems.push(
        `--groups: expected names such as ${all.map((plan) => plan.name).join(', ')}, got "${name}"`,
      );
  }
  return all.filter((plan) => wanted.some((name) => fits(plan, name)));
}
