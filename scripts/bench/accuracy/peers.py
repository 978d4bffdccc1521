# SPDX-License-Identifier: Apache-2.0
"""Measures a stamp set with sep, photutils and a plain first moment, blind, on column-median-subtracted pixels.

usage: peers.py DIRECTORY OUT.json [MOST_PER_CLASS]

Writes {"versions": {...}, "answers": {peer: {group: [null | {"x","y","flux","flagged"}]}}, "times": {...}}; stamps
after the first MOST_PER_CLASS of a class are left out as "skip". Times are thread CPU microseconds, median.
"""
import json
import sys
import time
import warnings

import numpy as np
import photutils
import sep
from photutils.detection import DAOStarFinder

warnings.filterwarnings("ignore")
DEFAULT_BUFFER = sep.get_extract_pixstack()


def prepared(stamp):
    """Columns levelled by their medians; noise by the median absolute deviation."""
    image = stamp.astype(np.float32)
    image -= np.median(image, axis=0)
    return image, max(1.4826 * float(np.median(np.abs(image))), 1e-3)


def brightest(image, noise):
    """The brightest object, as an array of one, with its flag; None without any."""
    found = sep.extract(image, 3.0 * noise, minarea=5)
    if len(found) == 0:
        return None, False
    i = int(np.argmax(found["flux"]))
    star = found[i : i + 1]
    return star, bool(star["flag"][0] & ~sep.OBJ_MERGED)


def sep_isophotal(image, noise):
    star, flagged = brightest(image, noise)
    if star is None:
        return None
    return float(star["x"][0]), float(star["y"][0]), float(star["flux"][0]), flagged


def sep_windowed(image, noise):
    """Windowed positions as in SExtractor: a Gaussian window of sigma 2 / 2.35 half-light radii."""
    star, flagged = brightest(image, noise)
    if star is None:
        return None
    half, _ = sep.flux_radius(image, star["x"], star["y"], 6.0 * star["a"], 0.5, normflux=star["flux"], subpix=5)
    x, y, flag = sep.winpos(image, star["x"], star["y"], np.maximum(2.0 / 2.35 * half, 0.5))
    return float(x[0]), float(y[0]), float(star["flux"][0]), flagged or int(flag[0]) != 0


def dao(image, noise):
    table = DAOStarFinder(threshold=5.0 * noise, fwhm=4.0)(image)
    if table is None or len(table) == 0:
        return None
    star = table[int(np.argmax(table["flux"]))]
    x = "x_centroid" if "x_centroid" in table.colnames else "xcentroid"
    y = "y_centroid" if "y_centroid" in table.colnames else "ycentroid"
    return float(star[x]), float(star[y]), float(star["flux"]), False


def first_moment(image, noise):
    """The loop that kernel_bench times in C: pixels above mean + 4 mean deviations."""
    del noise
    level = float(image.mean())
    above = image - level
    above[above <= 4.0 * float(np.abs(above).mean())] = 0.0
    flux = float(above.sum())
    if flux <= 0.0:
        return None
    x = float((above.sum(axis=0) * np.arange(image.shape[1])).sum()) / flux
    y = float((above.sum(axis=1) * np.arange(image.shape[0])).sum()) / flux
    return x, y, flux, False


PEERS = {"sep XWIN": sep_windowed, "sep iso": sep_isophotal, "DAO": dao, "first moment": first_moment}


def attempt(peer, image, noise):
    try:
        return peer(image, noise)
    except Exception as error:  # sep raises a bare Exception when its buffers overflow
        if "pixel buffer" not in str(error) and "deblend" not in str(error):
            raise
        return None


def answer(found):
    if found is None or not np.isfinite(found[0] + found[1]):
        return None
    x, y, flux, flagged = found
    return {"x": x, "y": y, "flux": flux, "flagged": flagged}


def stamps_of(directory, group):
    kind = "<i4" if group["dtype"] == "int32" else "<u2"
    return np.fromfile(f"{directory}/{group['file']}", kind).reshape(group["shape"])


def measure(directory, groups, most):
    answers = {name: {} for name in PEERS}
    for group in groups:
        stamps = stamps_of(directory, group)
        seen = {}
        for name in PEERS:
            answers[name][group["name"]] = []
        for stamp, cls in zip(stamps, group["truth"]["cls"]):
            seen[cls] = seen.get(cls, 0) + 1
            skip = not group["name"].startswith("series_") and seen[cls] > most
            image, noise = (None, None) if skip else prepared(stamp)
            for name, peer in PEERS.items():
                answers[name][group["name"]].append("skip" if skip else answer(attempt(peer, image, noise)))
    return answers


def timed(call, repeats):
    each = []
    for _ in range(repeats):
        start = time.thread_time_ns()
        call()
        each.append((time.thread_time_ns() - start) / 1000.0)
    return float(np.median(each))


def times(directory, groups):
    """Per stamp of SNR 100, in the turn of the peers, so that a change of load meets all of them."""
    out = {}
    for name, label, repeats in (("acc_raw50", "50x50", 5), ("acc_raw400", "400x400", 1)):
        group = next((g for g in groups if g["name"] == name), None)
        if group is None:
            continue
        stamps = stamps_of(directory, group)
        chosen = [s for s, cls in zip(stamps, group["truth"]["cls"]) if cls == "snr100"][:20]
        each = {peer: [] for peer in PEERS}
        each["column medians"] = []
        for stamp in chosen:
            image, noise = prepared(stamp)
            each["column medians"].append(timed(lambda: prepared(stamp), repeats))
            for peer, call in PEERS.items():
                each[peer].append(timed(lambda: attempt(call, image.copy(), noise), repeats))
        # sep clears its buffer at each call, so that a smaller one saves time; a star needs little.
        sep.set_extract_pixstack(max(10_000, chosen[0].size // 4))
        each["sep XWIN, small buffer"] = [
            timed(lambda: attempt(sep_windowed, image.copy(), noise), repeats) for image, noise in map(prepared, chosen)
        ]
        sep.set_extract_pixstack(DEFAULT_BUFFER)
        out[label] = {peer: float(np.median(values)) for peer, values in each.items() if values}
    return out


def main():
    directory, out = sys.argv[1], sys.argv[2]
    most = int(sys.argv[3]) if len(sys.argv) > 3 else 1_000_000
    with open(f"{directory}/index.json", encoding="utf-8") as file:
        groups = json.load(file)["groups"]
    report = {
        "versions": {"sep": sep.__version__, "photutils": photutils.__version__, "numpy": np.__version__},
        "answers": measure(directory, groups, most),
        "times": times(directory, groups),
    }
    with open(out, "w", encoding="utf-8") as file:
        json.dump(report, file)


main()
