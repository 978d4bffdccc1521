// SPDX-License-Identifier: Apache-2.0
// Mean equator and equinox J2000 (FK5) to ICRS: a fixed rotation of a few hundredths of an arcsecond (IERS Conventions
// 2003, Hilton and Hohenkerk 2004: xi0 9.1 mas, eta0 -19.9 mas, da0 -22.9 mas; the set that astropy uses).

type Vector = readonly [number, number, number];

const radians = Math.PI / 180;
const mas = radians / 3_600_000;

/** Turns the plane of two axes by a small angle. */
function turned(vector: Vector, from: 0 | 1 | 2, to: 0 | 1 | 2, angle: number): Vector {
  const c = Math.cos(angle);
  const s = Math.sin(angle);
  const out: [number, number, number] = [...vector];
  out[from] = c * vector[from] + s * vector[to];
  out[to] = c * vector[to] - s * vector[from];
  return out;
}

/** Degrees in, degrees out; RA 0..360. */
export function icrsOfFk5(ra: number, dec: number): { readonly ra: number; readonly dec: number } {
  const [lon, lat] = [ra * radians, dec * radians];
  const start: Vector = [Math.cos(lat) * Math.cos(lon), Math.cos(lat) * Math.sin(lon), Math.sin(lat)];
  // From ICRS to FK5 it is R1(-eta0) R2(xi0) R3(da0); this is the way back.
  const third = turned(start, 1, 2, -19.9 * mas);
  const second = turned(third, 2, 0, -9.1 * mas);
  const [x, y, z] = turned(second, 0, 1, 22.9 * mas);
  const outRa = Math.atan2(y, x) / radians;
  return { ra: outRa < 0 ? outRa + 360 : outRa, dec: Math.atan2(z, Math.hypot(x, y)) / radians };
}
