// SPDX-License-Identifier: Apache-2.0
// From the camera frame to the sky: where the telescope points, how the camera is turned, and what a displacement
// of star images (mm, DVCS) means in altitude, azimuth and rotation.
//
// Angles as in afw VisitInfo and summit_utils getCamRotAngle:
//   rotatorDeg         position angle of DVCS +y on the sky, from north through east (boresightRotAngle)
//   parallacticDeg     position angle of the zenith at the boresight, from north through east
//   cameraRotationDeg  parallactic - rotator - 90: the angle the rotator is physically at
// Seen against the sky DVCS +x is west and +y north when rotatorDeg is 0. Hence, with t = cameraRotationDeg,
//   daz  = -x sin t + y cos t        dalt = -x cos t - y sin t
// which is a rotation: from azimuth to altitude is positive as from x to y. daz is on the sky: x cos(alt).

import { refuseAll } from './errors.js';
import { arcsecPerMm, type Moments, type Point } from './geometry.js';
import { guideSensors } from './location.js';
import { show } from './show.js';

export interface Pointing {
  readonly altDeg: number;
  /** from north through east */
  readonly azDeg: number;
  readonly rotatorDeg: number;
  readonly parallacticDeg: number;
  readonly cameraRotationDeg: number;
}

/** Latitude of the Simonyi telescope (obs_lsst SIMONYI_LOCATION). */
export const siteLatitudeDeg = -30.244639;

const degree = Math.PI / 180;
const arcsec = degree / 3600;

/** Into -180 (not included) to 180. */
export function wrapDeg(angle: number): number {
  const turned = angle - 360 * Math.round(angle / 360);
  return turned <= -180 ? turned + 360 : turned;
}

/** Position angle of the zenith at (alt, az), from north through east; positive west of the meridian. */
export function parallacticDeg(altDeg: number, azDeg: number, latitudeDeg = siteLatitudeDeg): number {
  const [alt, az, latitude] = [altDeg * degree, azDeg * degree, latitudeDeg * degree];
  const right = -Math.cos(latitude) * Math.sin(az);
  const up = Math.sin(latitude) * Math.cos(alt) - Math.cos(latitude) * Math.sin(alt) * Math.cos(az);
  return Math.atan2(right, up) / degree;
}

/** Names of a pointing's parts: `altDeg` in a profile, `alt_deg` in a command. */
export type PointingNames = Readonly<
  Record<'alt' | 'az' | 'rotator' | 'cameraRotation' | 'parallactic' | 'latitude', string>
>;

export const profileNames: PointingNames = {
  alt: 'altDeg',
  az: 'azDeg',
  rotator: 'rotatorDeg',
  cameraRotation: 'cameraRotationDeg',
  parallactic: 'parallacticDeg',
  latitude: 'latitudeDeg',
};

export const commandNames: PointingNames = {
  alt: 'alt_deg',
  az: 'az_deg',
  rotator: 'rotator_deg',
  cameraRotation: 'camera_rotation_deg',
  parallactic: 'parallactic_deg',
  latitude: 'latitude_deg',
};

const limits = { alt: 90, az: 360, rotator: 360, cameraRotation: 360, parallactic: 180, latitude: 90 };
const lowest = { alt: 0, az: -360, rotator: -360, cameraRotation: -360, parallactic: -180, latitude: -90 };

/** Reads a pointing; refuses with one AgentError (`command`) that lists everything wrong. */
export function parsePointing(
  from: Readonly<Record<string, unknown>>,
  names: PointingNames,
  heading = 'pointing',
): Pointing {
  const problems: string[] = [];
  const read = (part: keyof PointingNames): number | null => {
    const value = from[names[part]];
    if (value === undefined || value === null) return null;
    if (typeof value === 'number' && value >= lowest[part] && value <= limits[part]) return value;
    problems.push(`${names[part]}: expected degrees ${lowest[part]}..${limits[part]}, got ${show(value)}`);
    return Number.NaN;
  };
  const known: readonly string[] = Object.values(names);
  for (const key of Object.keys(from)) {
    if (!known.includes(key)) problems.push(`${key}: expected only ${known.join(', ')}, got this key too`);
  }
  const [alt, az] = [read('alt'), read('az')];
  const [rotator, cameraRotation] = [read('rotator'), read('cameraRotation')];
  const [parallactic, latitude] = [read('parallactic'), read('latitude')];
  if (alt === null) problems.push(`${names.alt}: expected degrees, got nothing`);
  if (az === null) problems.push(`${names.az}: expected degrees, got nothing`);
  if ((rotator === null) === (cameraRotation === null)) {
    const got = rotator === null ? 'neither' : 'both';
    problems.push(`expected ${names.rotator} or ${names.cameraRotation}, got ${got}`);
  }
  if (problems.length > 0) throw refuseAll('command', heading, problems);
  const [altDeg, azDeg] = [alt ?? 0, az ?? 0];
  const q = parallactic ?? parallacticDeg(altDeg, azDeg, latitude ?? siteLatitudeDeg);
  return {
    altDeg,
    azDeg,
    rotatorDeg: rotator ?? wrapDeg(q - (cameraRotation ?? 0) - 90),
    parallacticDeg: q,
    cameraRotationDeg: wrapDeg(cameraRotation ?? q - (rotator ?? 0) - 90),
  };
}

export interface AltAz {
  readonly dalt: number;
  readonly daz: number;
}

/** A vector of the camera frame in altitude and azimuth (on the sky), in the unit it comes in. */
export function toAltAz(pointing: Pointing, v: Point): AltAz {
  const t = pointing.cameraRotationDeg * degree;
  const [sin, cos] = [Math.sin(t), Math.cos(t)];
  return { daz: -v.x * sin + v.y * cos, dalt: -v.x * cos - v.y * sin };
}

/** Variances along (daz, dalt) of a covariance (xx, xy, yy) of the camera frame. */
export function varianceAltAz(pointing: Pointing, c: Moments): AltAz {
  const t = pointing.cameraRotationDeg * degree;
  const [sin, cos] = [Math.sin(t), Math.cos(t)];
  return {
    daz: c.xx * sin * sin - 2 * c.xy * sin * cos + c.yy * cos * cos,
    dalt: c.xx * cos * cos + 2 * c.xy * sin * cos + c.yy * sin * sin,
  };
}

/** Radial model of the optics, focal plane to field angle (obs_lsst cameraTransforms.yaml): r + c3 r^3 + c5 r^5. */
const c3 = -8.33713991e-9;
const c5 = -1.41389858e-15;

/** Rows (xx, xy), (yx, yy) of the matrix that turns mm into arcsec of telescope pointing. */
export interface SkyScale {
  readonly xx: number;
  readonly xy: number;
  readonly yy: number;
}

/**
 * What a small displacement at a place of the focal plane says about the telescope: distortion (0.1 % along, 0.3 %
 * across the radius at the guide sensors) and the tangent plane (stars 1.86 deg off axis move 0.05 % more on average
 * than the boresight). Every sensor then tells the same shift of the boresight. Symmetric matrix, arcsec per mm.
 */
export function skyScaleAt(mm: Point): SkyScale {
  const r2 = mm.x * mm.x + mm.y * mm.y;
  const tangential = 1 + c3 * r2 + c5 * r2 * r2;
  const radial = 1 + 3 * c3 * r2 + 5 * c5 * r2 * r2;
  const field2 = r2 * (arcsecPerMm * arcsec * tangential) ** 2;
  const [along, across] = [radial / (1 + field2), tangential];
  const [ux, uy] = r2 === 0 ? [1, 0] : [mm.x / Math.sqrt(r2), mm.y / Math.sqrt(r2)];
  return {
    xx: arcsecPerMm * (across + (along - across) * ux * ux),
    xy: arcsecPerMm * (along - across) * ux * uy,
    yy: arcsecPerMm * (across + (along - across) * uy * uy),
  };
}

export function toArcsec(scale: SkyScale, v: Point): Point {
  return { x: scale.xx * v.x + scale.xy * v.y, y: scale.xy * v.x + scale.yy * v.y };
}

/** arcsec of telescope pointing per mm that all eight sensors move together: the mean of their scales. */
export const guiderArcsecPerMm = meanScale(guideSensors.map((s) => ({ x: s.centreXMm, y: s.centreYMm })));

function meanScale(places: readonly Point[]): number {
  const sum = places.reduce((total, place) => {
    const { xx, yy } = skyScaleAt(place);
    return total + (xx + yy) / 2;
  }, 0);
  return sum / places.length;
}

export interface Ellipticity {
  readonly e1: number;
  readonly e2: number;
}

/** e1 = (xx - yy) / (xx + yy), e2 = 2 xy / (xx + yy): the star is longer along x, or along the diagonal. */
export function ellipticityOf(m: Moments): Ellipticity {
  const size = m.xx + m.yy;
  return { e1: (m.xx - m.yy) / size, e2: (2 * m.xy) / size };
}

/** The same with azimuth for x and altitude for y: turns by twice the angle. */
export function ellipticityAltAz(pointing: Pointing, { e1, e2 }: Ellipticity): Ellipticity {
  const twice = -2 * (pointing.cameraRotationDeg + 90) * degree;
  const [sin, cos] = [Math.sin(twice), Math.cos(twice)];
  return { e1: e1 * cos - e2 * sin, e2: e1 * sin + e2 * cos };
}
