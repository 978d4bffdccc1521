# SPDX-License-Identifier: Apache-2.0
"""The peer of the native bench: 16 segments from a file to a RICE_1 FITS file in memory, with checksums. Prints the
median time of seven as JSON."""
import io
import json
import statistics
import sys
import time

import numpy
from astropy.io import fits

planes = numpy.fromfile(sys.argv[1], dtype="<i4").reshape(16, 2048, 576)
times = []
for _ in range(7):
    begin = time.perf_counter()
    hdus = [fits.PrimaryHDU()]
    hdus += [fits.CompImageHDU(plane, compression_type="RICE_1", tile_shape=(1, 576)) for plane in planes]
    fits.HDUList(hdus).writeto(io.BytesIO(), checksum=True)
    times.append(time.perf_counter() - begin)
print(json.dumps({"wallMs": statistics.median(times) * 1e3}))
