#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads raw images with astropy and says whether they are what the camera archives: HDUs, geometry, compression, the
keywords that the observatory's translators use (obs_lsst translators/lsstCam.py, latiss.py), checksums, sidecar, and, with the DAQ's
stream, every pixel. Prints one JSON object; exit code 1 when something is wrong.

    check_raw.py [--stream FILE] FILE.fits...

--stream: what the DAQ streamed of the board, 36 bytes a pixel clock; decoded here by numpy.
"""
import argparse
import json
import pathlib
import sys
import warnings

import numpy
from astropy.io import fits

SHAPE = (2048, 576)
# What the translators raise without, and what they take for the exposure.
NEEDED = [
    "INSTRUME", "TELESCOP", "DAYOBS", "SEQNUM", "CONTRLLR", "CAMCODE", "OBSID", "RAFTBAY", "CCDSLOT", "DATE-BEG", "DATE-END",
    "MJD-BEG", "TIMESYS", "IMGTYPE", "EXPTIME", "SHUTTIME", "DARKTIME", "FILTER", "GROUPID", "CURINDEX", "MAXINDEX", "DETSIZE",
    "SEQNAME", "SEQFILE", "SEQCKSUM",
]


def segments_of(latiss):
    return [f"Segment1{k}" for k in range(8)] + ([f"Segment0{k}" for k in range(7, -1, -1)] if latiss else [])


def planes_of(stream):
    """[channel][row][col] of a board's stream: 18 bits each, the first in the lowest, XOR 0x20000."""
    raw = numpy.fromfile(stream, dtype=numpy.uint8).reshape(-1, 36)
    channels = []
    for channel in range(16):
        byte, shift = divmod(18 * channel, 8)
        value = sum(raw[:, byte + i].astype(numpy.uint32) << (8 * i) for i in range(3))
        channels.append(((value >> shift & 0x3FFFF) ^ 0x20000).astype(numpy.int32).reshape(SHAPE))
    return channels


def check(path, planes):
    problems = []

    def expect(what, good):
        if not good:
            problems.append(what)

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        with fits.open(path, checksum=True) as hdus:
            primary = hdus[0].header
            latiss = primary["INSTRUME"] == "LATISS"
            names = segments_of(latiss)
            expect(f"HDUs {[h.name for h in hdus]}", [h.name for h in hdus[1:]] == names + ["REB_COND", "CONFIG_COND"])
            expect("the primary HDU has data", hdus[0].data is None)
            for key in NEEDED:
                value = primary.get(key)
                expect(f"{key} has no value", value is not None and not isinstance(value, fits.card.Undefined))
            expect("DAYOBS is text, SEQNUM a number", isinstance(primary["DAYOBS"], str) and isinstance(primary["SEQNUM"], int))
            stem = f"{primary['OBSID']}_{primary['RAFTBAY']}_{primary['CCDSLOT']}"
            expect(f"FILENAME {primary['FILENAME']}", primary["FILENAME"] == f"{stem}.fits" == pathlib.Path(path).name)
            first = 8 if primary["CCDSLOT"] == "SW1" else 0
            for i, name in enumerate(names):
                hdu = hdus[i + 1]
                header = hdu.header
                expect(f"{name}: shape {hdu.data.shape}", hdu.data.shape == SHAPE and header["BITPIX"] == 32)
                expect(f"{name}: compression {hdu.compression_type}", hdu.compression_type == "RICE_1")
                expect(f"{name}: DATASEC {header['DATASEC']}", header["DATASEC"] == "[4:512,1:2000]")
                expect(f"{name}: CHANNEL {header['CHANNEL']}", header["CHANNEL"] == i + 1)
                k = int(name[-1])
                rows = "1:2000" if name[-2] == "1" else "4000:2001"
                expect(f"{name}: DETSEC {header['DETSEC']}", header["DETSEC"] == f"[{509 * (k + 1)}:{509 * k + 1},{rows}]")
                if planes is not None:
                    plane = planes[15 - i] if latiss else planes[first + i]
                    expect(f"{name}: pixels differ from the stream", numpy.array_equal(hdu.data, plane))
            sidecar = json.loads(pathlib.Path(path).with_suffix(".json").read_text())
            expect("__CONTENT__", sidecar.pop("__CONTENT__", None) == "metadata")
            for key, value in sidecar.items():
                own = primary.get(key.removeprefix("HIERARCH.").replace(".", " "))
                expect(f"sidecar: {key} {value!r} is {own!r} in the file", own == value)
    problems += [str(one.message) for one in warned]
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stream")
    parser.add_argument("files", nargs="+")
    args = parser.parse_args()
    planes = planes_of(args.stream) if args.stream else None
    problems = {path: check(path, planes) for path in args.files}
    print(json.dumps({"files": len(args.files), "pixels": planes is not None, "problems": problems}))
    sys.exit(1 if any(problems.values()) else 0)


if __name__ == "__main__":
    main()
