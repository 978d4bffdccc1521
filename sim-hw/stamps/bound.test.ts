// SPDX-License-Identifier: Apache-2.0
// The Cramer-Rao bound against closed forms and the published table; profiles against their definitions.
import t, { type Test } from 'tap';
import { Random } from '../random.js';
import { boundsOf, floorVariance, fluxOfSnr, snrOf, wholeStar } from './bound.js';
import { coreAndWings, gaussian, kolmogorov, moffat, type Profile, perFwhm } from './profile.js';
import { addStar, canvas, singleStar, speckledStar, trailedStar } from './star.js';

const side = 61;
const middle = 30;

function near(t: Test, found: number, wanted: number, share: number, what: string): void {
  t.ok(Math.abs(found / wanted - 1) < share, `${what}: ${found}, wanted ${wanted} within ${100 * share} %`);
}

t.test('faint Gaussian star: the bound is 2 sigma^2 sqrt(2 pi) noise / flux', async (t) => {
  const star = singleStar(gaussian(), 6);
  // Integration over pixels adds their own variance, 1/12, to that of the profile.
  const sigma2 = 36 / (8 * Math.LN2) + 1 / 12;
  const flux = 1;
  const noise = 100;
  const bounds = boundsOf(side, side, star, middle + 0.2, middle - 0.3, flux, noise ** 2);
  const closed = (Math.sqrt(8 * Math.PI) * sigma2 * noise) / flux;
  near(t, bounds.crlbX, closed, 0.003, 'x');
  near(t, bounds.crlbY, closed, 0.003, 'y');
  near(
    t,
    snrOf(flux, wholeStar(star, 0, 0), noise ** 2),
    flux / (2 * noise * Math.sqrt(Math.PI * sigma2)),
    0.003,
    'SNR',
  );
});

t.test('bright Gaussian star: the bound is sigma / sqrt(flux)', async (t) => {
  const bounds = boundsOf(side, side, singleStar(gaussian(), 6), middle, middle, 1e9, 1e-3);
  near(t, bounds.crlbX, Math.sqrt((36 / (8 * Math.LN2) + 1 / 12) / 1e9), 0.005, 'x');
});

t.test('ellipticity stretches the bound of a faint star as it stretches the profile', async (t) => {
  const e1 = 0.1;
  const bounds = boundsOf(side, side, singleStar(gaussian(), 6, e1), middle, middle, 1, 1e4);
  near(t, bounds.crlbX / bounds.crlbY, Math.sqrt((1 + e1) / (1 - e1)), 0.01, 'x over y');
});

// FWHM 4 px, read noise 9 e, sky 5 e, 1.46 e/ADU. A Moffat profile of beta 4.2 gives these within 2 %.
const published = [
  [5, 352.4, 0.516, 1.07],
  [10, 742.9, 0.2545, 1.06],
  [20, 1642, 0.1243, 1.06],
  [50, 5344, 0.0472, 1.05],
  [100, 15084, 0.02255, 1.03],
  [1000, 1.027e6, 0.0021, 1.01],
] as const;

for (const [snr, wantedFlux, wantedBound, columns] of published) {
  t.test(`the published bound at SNR ${snr}`, async (t) => {
    const star = singleStar(moffat(4.2), 4);
    const floor = floorVariance(9, 5, 1.46);
    const flux = fluxOfSnr(snr, wholeStar(star, 24.2, 24.7), floor);
    const bounds = boundsOf(50, 50, star, 24.2, 24.7, flux, floor);
    near(t, flux, wantedFlux, 0.02, 'flux');
    near(t, bounds.crlbX, wantedBound, 0.02, 'bound');
    near(t, bounds.crlbcX / bounds.crlbX, columns, 0.01, 'free columns over one background, x');
    near(t, bounds.crlbcY / bounds.crlbY, 1, 0.005, 'free columns over one background, y');
  });
}

t.test('the flux found gives the SNR asked for', async (t) => {
  for (const snr of [3, 30, 1000]) {
    const profile = wholeStar(singleStar(kolmogorov(), 3), 0.3, 0.4);
    near(t, snrOf(fluxOfSnr(snr, profile, 90), profile, 90), snr, 1e-6, `SNR ${snr}`);
  }
});

const family: readonly Profile[] = [
  moffat(2.5),
  moffat(5),
  kolmogorov(),
  coreAndWings(0.85, 4.5, 3, 2),
  gaussian(),
];
for (const profile of family) {
  t.test(`${profile.name}: half the height at half the FWHM, all of the flux in the plane`, async (t) => {
    near(t, (profile.table[perFwhm / 2] ?? 0) / (profile.table[0] ?? 1), 0.5, 0.005, 'height');
    let flux = 0;
    for (const [i, value] of profile.table.entries()) flux += (2 * Math.PI * i * value) / perFwhm ** 2;
    // The widest wings (beta 2.5, Kolmogorov) leave some light beyond 16 FWHM.
    t.ok(flux > 0.985 && flux < 1.001, `flux ${flux}`);
  });
}

t.test('trails and speckles keep the flux and the barycentre', async (t) => {
  const round = singleStar(gaussian(), 4);
  const stars = [trailedStar(round, 5, 0.7), speckledStar(gaussian(), 4, new Random(3, 'speckles'))];
  for (const star of stars) {
    const image = canvas(side, side);
    addStar(image, star, middle + 0.3, middle - 0.4, 1000);
    let flux = 0;
    let x = 0;
    let y = 0;
    for (const [i, value] of image.pixels.entries()) {
      flux += value;
      x += value * (i % side);
      y += value * Math.floor(i / side);
    }
    near(t, flux, 1000, 1e-3, 'flux');
    t.ok(Math.abs(x / flux - middle - 0.3) < 1e-3 && Math.abs(y / flux - middle + 0.4) < 1e-3, 'barycentre');
  }
});
