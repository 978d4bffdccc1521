# SPDX-License-Identifier: Apache-2.0
"""Instrument signature removal in plain numpy, as addons/README.md describes it: the peer of npm run bench -- image.

reference_isr.py RAW CALIB ROUNDS OURS: times of reading, calibrations, removal and writing, and how far OURS, our ISR file
of the same frame, lies from it; one JSON object on stdout.
"""
import json
import os
import sys
import tempfile
import time

import numpy as np
from astropy.io import fits


def amplifiers(n):
    """Camera order: x and y of the data on the CCD, whether rows go down from the top."""
    if n == 8:
        return [(509 * (7 - k), 0, True) for k in range(8)]
    return [(509 * k, 2000, True) for k in range(8)] + [(509 * k, 0, False) for k in range(7, -1, -1)]


def clipped(values):
    """Median of each row without what lies 3 * 0.74 quartile distances off it."""
    q1, median, q3 = np.percentile(values, (25, 50, 75), axis=1)
    sd = 0.74 * (q3 - q1)
    typical = np.median(sd)
    sd = np.where(sd > 2 * typical, typical, sd)
    return median, np.abs(values - median[:, None]) > 3 * sd[:, None]


def serial(plane):
    values = plane[:, 515:573].astype(float)
    _, bad = clipped(values)
    bad |= np.abs(values - np.median(values)) > 1000
    return np.ma.median(np.ma.masked_array(values, bad), axis=1).filled(np.nan)


def grown(mask, by):
    out = mask.copy()
    for k in range(1, by + 1):
        out[k:] |= mask[:-k]
        out[:-k] |= mask[k:]
    return out


def parallel(electron, saturation, gain):
    values = electron[2003:2045].T.astype(float)
    full = values >= 0.75 * saturation
    if full.any():
        full = grown(grown(full, 7).T, 7).T
    full |= values > 100 * gain
    _, bad = clipped(values)
    level = np.ma.median(np.ma.masked_array(values, bad | full), axis=1).filled(np.nan)
    raw = np.ma.median(np.ma.masked_array(values, full), axis=1).filled(0)
    padded = np.pad(raw, 2, mode='edge')
    five = np.median(np.stack([padded[k:k + len(raw)] for k in range(5)]), axis=0)
    stripe = grown((raw - five > 5 * gain) | np.isnan(level), 2)
    good = np.flatnonzero(~stripe)
    for column in np.flatnonzero(stripe):
        k = np.searchsorted(good, column)
        level[column] = np.median(level[good[max(0, k - 5):k + 5]])
    return level


def akima(x, y, at):
    m = np.empty(len(x) + 3)
    m[2:-2] = np.diff(y) / np.diff(x)
    m[1], m[-2] = 2 * m[2] - m[3], 2 * m[-3] - m[-4]
    m[0], m[-1] = 2 * m[1] - m[2], 2 * m[-2] - m[-3]
    left, right = np.abs(m[1:-2] - m[:-3]), np.abs(m[3:] - m[2:-1])
    both = left + right
    slope = np.where(both > 1e-30, (right * m[1:-2] + left * m[2:-1]) / np.where(both > 0, both, 1), 0.5 * (m[1:-2] + m[2:-1]))
    h, mean = np.diff(x), m[2:-2]
    c2, c3 = (3 * mean - 2 * slope[:-1] - slope[1:]) / h, (slope[:-1] + slope[1:] - 2 * mean) / h**2
    i = np.clip(np.searchsorted(x, at, side='right') - 1, 0, len(h) - 1)
    t = at - x[i]
    return y[i] + t * (slope[i] + t * (c2[i] + t * c3[i]))


def read(path):
    with fits.open(path) as file:
        planes = np.array([hdu.data for hdu in file[1:] if hdu.name.lower().startswith('segment')])
        return float(file[0].header['DARKTIME']), planes


def calibrations(folder):
    out = {name: fits.getdata(os.path.join(folder, name + '.fits')) for name in ('bias', 'dark', 'flat', 'ptc', 'linearizer', 'defects')}
    crosstalk = fits.getdata(os.path.join(folder, 'crosstalk.fits'))
    n = len(out['ptc'])
    return out | {'crosstalk': crosstalk['CT_COEFFS'][0].reshape(n, n).astype(np.float32)}


def remove(planes, dark_time, c):
    n = len(planes)
    gain, noise, turnoff = (c['ptc'][name] for name in ('GAIN', 'NOISE', 'PTC_TURNOFF'))
    electron = np.empty(planes.shape, np.float32)
    full = np.empty(planes.shape, bool)
    for i in range(n):
        above = planes[i] - serial(planes[i])[:, None]
        full[i] = above >= turnoff[i]
        electron[i] = above * gain[i]
    taken = (c['crosstalk'].T @ electron.reshape(n, -1)).reshape(electron.shape)
    electron -= taken
    rows = 2000 * n // 8
    image, variance, mask = (np.empty((rows, 4072), kind) for kind in (np.float32, np.float32, np.int32))
    for i, (x0, y0, top) in enumerate(amplifiers(n)):
        ghost = np.abs(taken[i] - np.median(taken[i])) >= 1
        u = electron[i] - parallel(electron[i], turnoff[i] * gain[i], gain[i])
        nodes, values = c['linearizer']['COEFFS'][i].reshape(2, -1) * gain[i]
        u = u - akima(nodes, values, np.clip(u, nodes[0], nodes[-1]))
        for to, data in ((image, u), (mask, full[i] * (2 + 128) + ghost * 512)):
            cut = data[:2000, 3:512][:, ::-1]
            to[y0:y0 + 2000, x0:x0 + 509] = cut[::-1] if top else cut
        variance[y0:y0 + 2000, x0:x0 + 509] = noise[i]**2
    image -= c['bias']
    image -= c['dark'] * np.float32(dark_time)
    for x, y, _, (width, height), *_ in c['defects']:
        left, low = round(x - 1 - (width - 1) / 2), round(y - 1 - (height - 1) / 2)
        mask[low:low + round(height), left:left + round(width)] |= 1
    variance += image
    image /= c['flat']
    variance /= c['flat']**2
    return image, mask, variance


def write(image, mask, variance):
    with tempfile.TemporaryDirectory() as folder:
        hdus = [fits.PrimaryHDU(), fits.ImageHDU(image, name='IMAGE'), fits.CompImageHDU(mask, name='MASK', compression_type='RICE_1'), fits.ImageHDU(variance, name='VARIANCE')]
        fits.HDUList(hdus).writeto(os.path.join(folder, 'isr.fits'), checksum=True)


def timed(times, name, work, *args):
    before = time.perf_counter()
    out = work(*args)
    times.setdefault(name, []).append(1000 * (time.perf_counter() - before))
    return out


def beside_truth(path, image, reference):
    """Noise of both beside what a perfect removal would give, by its cut-outs, electron."""
    ours, theirs = [], []
    with fits.open(path) as file:
        for hdu in file:
            if not hdu.name.endswith('_TRUE'):
                continue
            x0, y0, true = hdu.header['X0'], hdu.header['Y0'], hdu.data
            cut = slice(y0, y0 + true.shape[0]), slice(x0, x0 + true.shape[1])
            # Defects and what is saturated have no truth to be near to.
            near = np.abs(reference[cut] - true) < 100
            ours.append((image[cut] - true)[near])
            theirs.append((reference[cut] - true)[near])
    return {'rms': float(np.std(np.concatenate(ours))), 'reference_rms': float(np.std(np.concatenate(theirs)))}


def amplifier_medians(off):
    n = 2 * off.shape[0] // 500
    return [float(np.median(off[y0:y0 + 2000, x0:x0 + 509])) for x0, y0, _ in amplifiers(n)]


def main(raw, folder, rounds, ours, truth):
    times = {}
    for _ in range(int(rounds)):
        dark_time, planes = timed(times, 'read', read, raw)
        constants = timed(times, 'calibrations', calibrations, folder)
        image, mask, variance = timed(times, 'isr', remove, planes, dark_time, constants)
        timed(times, 'isr_file', write, image, mask, variance)
    with fits.open(ours) as file:
        seen, seen_mask = file['IMAGE'].data, file['MASK'].data
        off = np.abs(seen - image)
        ghosts, told = (mask & 512) != 0, (seen_mask & 3) != 0
        marked = (mask & 3) != 0
        result = {
            'times_ms': {name: float(np.median(values)) for name, values in times.items()},
            'median_off': float(np.median(off)),
            'p999_off': float(np.percentile(off, 99.9)),
            'worst_off': float(off.max()),
            'amplifier_off': max(map(abs, amplifier_medians(seen - image))),
            'crosstalk_off': float(off[ghosts].max()) if ghosts.any() else 0.0,
            'marked_missed': int(np.count_nonzero(marked & ~told)),
            'mask_differences': int(np.count_nonzero(seen_mask != mask)),
            'variance_off': float(np.max(np.abs(file['VARIANCE'].data / variance - 1))),
            'pixels': int(off.size),
            'truth': beside_truth(truth, seen, image),
        }
    print(json.dumps(result))


if __name__ == '__main__':
    main(*sys.argv[1:])
