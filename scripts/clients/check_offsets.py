#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Recomputes guide offsets from guider FITS files with astropy and numpy alone, and compares with what was published.

usage: check_offsets.py --offsets OFFSETS.jsonl [--tolerance 0.02] FILE_guider.fits...

OFFSETS.jsonl holds messages as subscribe.py prints them (other kinds than guider.offsets are skipped); the files are
those of one exposure, one per sensor. Nothing is shared with the agent: images are flipped and turned into the focal
plane as pictures, stars are measured with an adaptive Gaussian weight, and displacement and rotation are a robust
least-squares fit. Prints one JSON object; exit code 1 when an offset differs by more than the tolerance (px), 2 when
there is nothing to compare.
"""
import argparse
import json
import sys
from dataclasses import dataclass

import numpy as np
from astropy.io import fits

MM = 0.01  # per pixel
ARCSEC = np.degrees(1) * 3600
# Guide CCDs: centre in the focal plane (mm), quarter turns from CCD to focal plane (counter-clockwise).
SENSORS = {
    "R00_SG0": (-212.24, -258.74, 1), "R00_SG1": (-258.74, -212.24, 2),
    "R04_SG0": (258.74, -212.24, 2), "R04_SG1": (212.24, -258.74, 3),
    "R40_SG0": (-258.74, 212.24, 0), "R40_SG1": (-212.24, 258.74, 1),
    "R44_SG0": (212.24, 258.74, 3), "R44_SG1": (258.74, 212.24, 0),
}
CCD = (4000, 4072)  # rows, columns; amplifiers of 2000 rows x 509 columns


def to_focal_plane(image, top, turns):
    """An amplifier's picture as it lies in the focal plane (array rows up, columns right)."""
    image = image[:, ::-1]  # every register is read out against CCD x
    if top:
        image = image[::-1]
    return np.rot90(image, -turns)  # numpy turns clockwise when rows go up


def place_of_roi(sensor, segment, start_row, start_col, shape):
    """Focal-plane mm of pixel (0, 0) of the turned picture: paint the ROI's corner on a whole CCD and look for it."""
    x, y, turns = SENSORS[sensor]
    rows, cols = shape
    right = 509 * (segment % 10 + 1) - 1 - start_col
    low_y = CCD[0] - start_row - rows if segment >= 10 else start_row
    low_x = right - (cols - 1)
    centre = np.array([low_x + (cols - 1) / 2 - (CCD[1] - 1) / 2, low_y + (rows - 1) / 2 - (CCD[0] - 1) / 2])
    angle = np.radians(90 * turns)
    turned = np.array([centre[0] * np.cos(angle) - centre[1] * np.sin(angle),
                       centre[0] * np.sin(angle) + centre[1] * np.cos(angle)])
    size = np.array([cols, rows] if turns % 2 == 0 else [rows, cols])
    return np.array([x, y]) + MM * (turned - (size - 1) / 2)


@dataclass
class Star:
    x: float
    y: float
    sigma: float  # 1 sigma of x and y, px


def measure(image):
    """Adaptive Gaussian-weighted centroid of the brightest star; None when there is none."""
    image = image.astype(float) - np.median(image, axis=0)
    image -= np.median(image)
    noise = 1.4826 * np.median(np.abs(image))
    if not noise > 0:
        return None
    yy, xx = np.mgrid[0:image.shape[0], 0:image.shape[1]]
    near = sum(np.roll(image, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1))
    inner = near[3:-3, 3:-3]
    y, x = (c + 3.0 for c in np.unravel_index(np.argmax(inner), inner.shape))
    if inner.max() < 5 * 3 * noise:
        return None
    width = 1.8
    for _ in range(200):
        weight = np.exp(-((xx - x) ** 2 + (yy - y) ** 2) / (2 * width**2))
        light = weight * image
        total = light.sum()
        if not total > 0:
            return None
        dx, dy = 2 * (light * (xx - x)).sum() / total, 2 * (light * (yy - y)).sum() / total
        x, y = x + np.clip(dx, -1, 1), y + np.clip(dy, -1, 1)
        # A Gaussian seen through a weight of its own width is half as wide.
        seen = (light * ((xx - x) ** 2 + (yy - y) ** 2)).sum() / (2 * total)
        width = float(np.clip(np.sqrt(max(2 * seen, 0.25)), 0.8, 6)) if _ < 20 else width
        if _ >= 20 and abs(dx) + abs(dy) < 1e-5:
            break
    if not (2 <= x < image.shape[1] - 2 and 2 <= y < image.shape[0] - 2):
        return None
    flux = 2 * total
    return Star(x, y, float(np.sqrt(8 * np.pi) * width**2 * noise / flux))


def number_of(value):
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def read_file(path):
    """Sensor, OBSID and {DAQ stamp: Star in the focal plane (mm)} of a guider file."""
    with fits.open(path) as hdus:
        head = hdus[0].header
        sensor = f"{head['RAFTBAY']}_{head['CCDSLOT']}"
        segment = int(head["ROISEG"].removeprefix("Segment"))
        stars = {}
        for count, hdu in enumerate(h for h in hdus[1:] if h.name == "IMAGE"):
            number = number_of(hdu.header.get("DAQSTAMP", count))
            turns = SENSORS[sensor][2]
            picture = to_focal_plane(np.asarray(hdu.data), segment >= 10, turns)
            star = measure(picture)
            if star is None:
                continue
            corner = place_of_roi(sensor, segment, head["ROIROW"], head["ROICOL"], hdu.data.shape)
            stars[number] = (corner + MM * np.array([star.x, star.y]), MM * star.sigma)
    return sensor, head["OBSID"].strip(), stars


def fit(places, moves, sigmas):
    """Robust weighted least squares of (dx, dy, rotation about the origin in rad)."""
    weights = 1 / (sigmas**2 + (0.02 * MM) ** 2)
    use = np.ones(len(places), bool)
    motion = np.zeros(3)
    for _ in range(6):
        n = int(use.sum())
        rows = np.zeros((2 * n, 3))
        rows[:n, 0], rows[n:, 1] = 1, 1
        if n >= 3:
            rows[:n, 2], rows[n:, 2] = -places[use, 1], places[use, 0]
        w = np.sqrt(np.tile(weights[use], 2))[:, None]
        motion = np.linalg.lstsq(rows * w, np.concatenate([moves[use, 0], moves[use, 1]]) * w[:, 0], rcond=None)[0]
        model = np.column_stack([motion[0] - motion[2] * places[:, 1], motion[1] + motion[2] * places[:, 0]])
        left = np.hypot(*(moves - model).T)
        keep = left <= max(5 * 1.4826 * np.median(left), 0.3 * MM)
        if (keep == use).all() or keep.sum() < 3:
            break
        use = keep
    return motion, use


def compare(sensors, offsets):
    """Differences (px, px, arcsec) of every published offset that the files can say something about."""
    rows = []
    for body in offsets:
        if body.get("x") is None or body.get("rotation") is None:
            continue
        now, then = body["stamp"] % 65536, body["reference_stamp"] % 65536
        both = [s for s in sensors.values() if now in s and then in s]
        if len(both) < 3:
            continue
        places = np.array([s[then][0] for s in both])
        moves = np.array([s[now][0] - s[then][0] for s in both])
        sigmas = np.array([np.hypot(s[now][1], s[then][1]) for s in both])
        (dx, dy, turn), _ = fit(places, moves, sigmas)
        rows.append((body["stamp"], (body["x"] - dx) / MM, (body["y"] - dy) / MM, body["rotation"] - turn * ARCSEC))
    return np.array(rows)


def read_offsets(path, obsid):
    out = []
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            message = json.loads(line)
            body = message.get("body", {})
            if message.get("topic", "").startswith("guider.offsets/") and body.get("obsid") == obsid:
                out.append(body)
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--offsets", required=True, help="messages as JSON lines (subscribe.py)")
    parser.add_argument("--tolerance", type=float, default=0.02, help="px, default 0.02")
    parser.add_argument("files", nargs="+", help="guider FITS files of one exposure")
    args = parser.parse_args()
    read = [read_file(path) for path in args.files]
    obsids = {obsid for _, obsid, _ in read}
    if len(obsids) != 1:
        sys.exit(f"check_offsets.py: expected files of one exposure, got {', '.join(sorted(obsids))}")
    rows = compare({sensor: stars for sensor, _, stars in read}, read_offsets(args.offsets, *obsids))
    if len(rows) == 0:
        print("check_offsets.py: expected guider.offsets of this exposure with three sensors, got none", file=sys.stderr)
        sys.exit(2)
    worst = np.abs(rows[:, 1:]).max(axis=0)
    rms = np.sqrt((rows[:, 1:] ** 2).mean(axis=0))
    agree = bool(worst[:2].max() <= args.tolerance)
    print(json.dumps({
        "obsid": obsids.pop(), "sensors": len(read), "offsets": len(rows), "agree": agree, "tolerance_px": args.tolerance,
        "worst_x_px": worst[0], "worst_y_px": worst[1], "worst_rotation_arcsec": worst[2],
        "rms_x_px": rms[0], "rms_y_px": rms[1], "rms_rotation_arcsec": rms[2],
    }))
    sys.exit(0 if agree else 1)


if __name__ == "__main__":
    main()
