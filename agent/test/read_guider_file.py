#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints a guider FITS file as JSON, as astropy reads it: read_guider_file.py FILE"""

import json
import sys

from astropy.io import fits


def plain(header):
    return {key: header[key] for key in header if key not in ("", "COMMENT", "HISTORY")}


def main(path):
    with fits.open(path, checksum=True) as file:
        stamps = [
            {
                "header": plain(hdu.header),
                "shape": list(hdu.data.shape),
                "dtype": str(hdu.data.dtype.newbyteorder("=")),
                "pixels": hdu.data.ravel().tolist(),
            }
            for hdu in file[1:]
        ]
        primary = file[0].header
        json.dump({"primary": plain(primary), "order": list(primary), "stamps": stamps}, sys.stdout)


main(sys.argv[1])
