// SPDX-License-Identifier: Apache-2.0
// What an exposure amounted to: the words of the message `guider.exposure`. NaN: no number.

/** A straight line through a quantity over time; t = 0 is the exposure's first stamp. */
export interface Trend {
  /** per s */
  readonly slope: number;
  readonly slopeErr: number;
  readonly intercept: number;
  readonly interceptErr: number;
  /** rms about the line, outliers left out */
  readonly trendRmse: number;
  /** 1.4826 x median absolute deviation about the median, the line not taken out */
  readonly madStd: number;
  readonly outlierFrac: number;
  /** |slope| / slopeErr */
  readonly significance: number;
  readonly n: number;
}

/** A vibration: a sinusoid in the camera frame, in general an ellipse. */
export interface Line {
  readonly frequencyHz: number;
  readonly frequencyErrHz: number;
  /** semi-major axis, arcsec */
  readonly amplitude: number;
  readonly amplitudeErr: number;
  /** semi-minor axis, arcsec; 0: along a straight line */
  readonly minorAmplitude: number;
  /** of the major axis, degrees from camera x to y */
  readonly directionDeg: number;
  /** that noise alone shows such a peak anywhere in the spectrum */
  readonly falseAlarm: number;
  /** amplitude kept by averaging over the integration, if the frequency is the true one */
  readonly attenuation: number;
  /** frequencies that sampling makes look the same */
  readonly aliasesHz: readonly number[];
}

export interface Spectrum {
  readonly sampleHz: number;
  readonly nyquistHz: number;
  readonly resolutionHz: number;
  /** samples used */
  readonly n: number;
  /** by frequency's false alarm, the most certain first */
  readonly lines: readonly Line[];
  /** '' when it was searched */
  readonly fault: '' | 'too_few';
}

/** What became of one sensor's stamps in an exposure. */
export interface ExposureCounts {
  /** what the DAQ says it sent, else what the stamp numbers of all sensors say */
  readonly expected: number;
  readonly received: number;
  /** with a position that can be used */
  readonly good: number;
  /** numbered, never seen */
  readonly lost: number;
  readonly incomplete: number;
  readonly dropped: number;
  readonly refused: number;
  readonly superseded: number;
  /** measured, too late for their acquisition */
  readonly late: number;
  /** measured, not to be used: by flag */
  readonly flagged: Readonly<Record<string, number>>;
}

/** Displacements in arcsec, `mag` relative to the exposure's median, `fwhm` in arcsec. */
export interface Trends {
  readonly dx: Trend;
  readonly dy: Trend;
  readonly dalt: Trend;
  readonly daz: Trend;
  readonly mag: Trend;
  readonly fwhm: Trend;
}

export interface Shape {
  /** medians over the exposure */
  readonly fwhm: number;
  readonly e1: number;
  readonly e2: number;
  readonly e1AltAz: number;
  readonly e2AltAz: number;
}

export interface SensorExposure {
  readonly sensor: string;
  readonly counts: ExposureCounts;
  readonly trends: Trends;
  readonly shape: Shape;
}

export interface CombinedExposure {
  readonly trends: Trends & { readonly rotation: Trend };
  readonly shape: Shape;
  /** hypot of the two axes' madStd, arcsec: with and without the drift */
  readonly jitter: number;
  readonly jitterDetrended: number;
  readonly spectrum: Spectrum;
}
