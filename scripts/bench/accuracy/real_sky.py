# SPDX-License-Identifier: Apache-2.0
"""Windowed positions by sep at given places of a FITS image: real_sky.py IMAGE < [[x, y], ...] > [[x, y], ...]

The image is read without a FITS library: its primary HDU is a plain float image.
"""
import json
import sys

import numpy as np
import sep


def read_primary(path):
    with open(path, "rb") as file:
        data = file.read()
    cards, at = {}, 0
    while True:
        card = data[at : at + 80].decode("ascii")
        at += 80
        if card.startswith("END"):
            break
        if card[8:10] == "= ":
            cards[card[:8].strip()] = card[10:].split("/")[0].strip()
    start = (at + 2879) // 2880 * 2880
    rows, cols = int(cards["NAXIS2"]), int(cards["NAXIS1"])
    kind = {"-32": ">f4", "-64": ">f8", "16": ">i2", "32": ">i4"}[cards["BITPIX"]]
    pixels = np.frombuffer(data, kind, rows * cols, start).reshape(rows, cols)
    return pixels.astype(np.float32) * float(cards.get("BSCALE", "1")) + float(cards.get("BZERO", "0"))


def main():
    image = np.ascontiguousarray(read_primary(sys.argv[1]), np.float32)
    image -= sep.Background(image).back()
    out = []
    for x, y in json.load(sys.stdin):
        half, _ = sep.flux_radius(image, [x], [y], [8.0], 0.5, subpix=5)
        wx, wy, _ = sep.winpos(image, [x], [y], np.maximum(2.0 / 2.35 * half, 0.5))
        out.append([float(wx[0]), float(wy[0])])
    json.dump(out, sys.stdout)


main()
