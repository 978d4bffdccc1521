// SPDX-License-Identifier: Apache-2.0
// How far products of quick-looks lie from what the simulator painted (sim-hw/README.md, "image-truth-1").
import { type Quantiles, quantiles } from './quantiles.js';

interface Place {
  readonly x: number;
  readonly y: number;
}

interface TrueDonut extends Place {
  readonly x_com: number;
  readonly y_com: number;
  readonly radius_px: number;
  readonly flux_e: number;
  readonly snr: number;
  readonly vignetted_fraction: number;
  readonly blended: boolean;
  readonly edge: boolean;
}

export interface TrueFrame {
  readonly kind: 'donut' | 'image' | 'spectrum' | 'calibration';
  readonly focal?: 'extra' | 'intra';
  readonly donuts?: readonly TrueDonut[];
  readonly target?: Place & { readonly flux_e: number };
  readonly zeroth?: Place & { readonly flux_e: number };
  readonly offset?: { readonly dx_arcsec: number; readonly dy_arcsec: number };
  readonly fwhm_px?: number;
  readonly trace?: {
    readonly angle_deg: number;
    readonly fwhm_cross_px: number;
    readonly fwhm_disp_px: number;
  };
  readonly distance_mm?: number;
  readonly grooves_per_mm?: number;
  readonly lines?: readonly { readonly lambda_nm: number; readonly distance_px: number }[];
}

interface SeenDonut extends Place {
  readonly x_com: number;
  readonly y_com: number;
  readonly radius: number;
  readonly flux: number;
  readonly snr: number;
  readonly vignetted_fraction: number;
  readonly blended: boolean;
}

/** `product` of image.quicklook, as far as it is compared. */
export interface SeenFrame {
  readonly focal?: string;
  readonly donuts?: readonly SeenDonut[];
  readonly target?: (Place & { readonly flux: number; readonly fwhm: number }) | null;
  readonly offset?: { readonly dx_arcsec: number; readonly dy_arcsec: number } | null;
  readonly trace?: { readonly angle_deg: number; readonly fwhm_cross_px: number } | null;
  readonly focus?: { readonly fwhm_px: number } | null;
  readonly spectrum?: { readonly D_mm: number; readonly D_refined: boolean } | null;
}

/** px: nearer is the same donut. */
const sameDonut = 25;

/** Of a ring's light along one axis, in radii: sqrt(1 + 0.612^2) / 2. */
const ringSpread = 0.586;

const percent = (seen: number, known: number): number => 100 * Math.abs(seen / known - 1);
const apart = (a: Place, b: Place): number => Math.hypot(a.x - b.x, a.y - b.y);

/** Errors by what they are of; each list becomes quantiles. */
export class ImageScore {
  readonly #errors = new Map<string, { readonly digits: number; readonly values: number[] }>();
  readonly #counts: Record<string, number> = {};

  add(truth: TrueFrame, seen: SeenFrame): void {
    if (truth.kind === 'donut') this.#donuts(truth, seen);
    if (truth.kind === 'image' || truth.kind === 'spectrum') this.#star(truth, seen);
    if (truth.kind === 'spectrum') this.#spectrum(truth, seen);
  }

  get report(): Readonly<Record<string, number | Quantiles>> {
    const errors = [...this.#errors].map(([name, { digits, values }]) => [name, quantiles(values, digits)]);
    return { ...this.#counts, ...Object.fromEntries(errors) };
  }

  #error(name: string, value: number, digits: number): void {
    const known = this.#errors.get(name) ?? { digits, values: [] };
    known.values.push(value);
    this.#errors.set(name, known);
  }

  #count(name: string, by = 1): void {
    this.#counts[name] = (this.#counts[name] ?? 0) + by;
  }

  #donuts({ focal, donuts = [] }: TrueFrame, seen: SeenFrame): void {
    const found = seen.donuts ?? [];
    this.#count('focalWrong', seen.focal === focal ? 0 : 1);
    const matched = new Set<SeenDonut>();
    for (const truth of donuts) {
      const near = [...found].sort((a, b) => apart(a, truth) - apart(b, truth)).find((d) => !matched.has(d));
      const own = near && apart(near, truth) < sameDonut ? near : null;
      if (own) matched.add(own);
      if (truth.edge) continue;
      if (own) this.#count(own.blended === truth.blended ? 'blendRight' : 'blendWrong');
      if (truth.blended || truth.snr < 200) continue;
      this.#count('isolated');
      this.#count('missed', own ? 0 : 1);
      if (!own) continue;
      this.#error('centrePx', apart(own, truth), 2);
      this.#error(
        'centreOfMassPx',
        apart({ x: own.x_com, y: own.y_com }, { x: truth.x_com, y: truth.y_com }),
        2,
      );
      this.#error('radiusPx', Math.abs(own.radius - truth.radius_px), 2);
      this.#error('radiusBiasPx', own.radius - truth.radius_px, 2);
      this.#error('donutFluxPercent', percent(own.flux, truth.flux_e), 2);
      // 1: the error that photons and the amplifier alone would make, of the middle along one axis.
      const offMass = apart({ x: own.x_com, y: own.y_com }, { x: truth.x_com, y: truth.y_com });
      this.#error('centreOfMassSigmas', (offMass * truth.snr) / (ringSpread * truth.radius_px), 2);
      this.#error('donutFluxSigmas', Math.abs(own.flux / truth.flux_e - 1) * truth.snr, 2);
      this.#error('donutSnrPercent', percent(own.snr, truth.snr), 1);
      this.#error('vignettedOff', Math.abs(own.vignetted_fraction - truth.vignetted_fraction), 3);
    }
    const alone = found.filter((d) => !donuts.some((truth) => apart(truth, d) < 60));
    this.#count('falseDonuts', alone.length);
  }

  #star(truth: TrueFrame, { target, offset, focus }: SeenFrame): void {
    const known = truth.target ?? truth.zeroth;
    if (!known) return;
    const kind = truth.kind === 'spectrum' ? 'zeroth' : 'star';
    this.#count(`${kind}sMissed`, target ? 0 : 1);
    if (!target) return;
    this.#error(`${kind}Px`, apart(target, known), 3);
    this.#error(`${kind}FluxPercent`, percent(target.flux, known.flux_e), 2);
    const width = truth.fwhm_px ?? truth.trace?.fwhm_disp_px;
    if (focus && width !== undefined) this.#error(`${kind}FwhmPercent`, percent(focus.fwhm_px, width), 2);
    if (!offset || !truth.offset) return;
    const dx = offset.dx_arcsec - truth.offset.dx_arcsec;
    const dy = offset.dy_arcsec - truth.offset.dy_arcsec;
    this.#error('offsetArcsec', Math.hypot(dx, dy), 4);
  }

  #spectrum({ trace, lines = [], grooves_per_mm = 0 }: TrueFrame, seen: SeenFrame): void {
    this.#count('tracesMissed', seen.trace ? 0 : 1);
    if (seen.trace && trace) {
      this.#error('traceAngleDeg', Math.abs(seen.trace.angle_deg - trace.angle_deg), 4);
      this.#error('traceFwhmPercent', percent(seen.trace.fwhm_cross_px, trace.fwhm_cross_px), 2);
    }
    if (!seen.spectrum) return;
    const { D_mm, D_refined } = seen.spectrum;
    for (const { lambda_nm, distance_px } of lines) {
      const nm = (Math.sin(Math.atan((distance_px * 0.01) / D_mm)) / grooves_per_mm) * 1e6;
      this.#error(D_refined ? 'wavelengthRefinedNm' : 'wavelengthNominalNm', Math.abs(nm - lambda_nm), 2);
    }
  }
}
