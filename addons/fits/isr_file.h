// SPDX-License-Identifier: Apache-2.0
// Writes the result of instrument signature removal: IMAGE (float, electron), MASK (int32, planes named by MP_ keys)
// and VARIANCE, under the raw frame's primary header and what was done to it, in a container that the observatory's lsst.images
// reads as a MaskedImage (image_archive.h). On the disk as a whole or not at all.
// Thread: any. Owns: nothing.
#ifndef SUMMIT_FITS_ISR_FILE_H_
#define SUMMIT_FITS_ISR_FILE_H_

#include <string>

#include "addons/fits/raw_image_file.h"
#include "addons/image/isr.h"

namespace summit::fits {

// Replaces a file of that name. False with one sentence, the path in it; nothing is left behind then.
bool WriteIsrFile(const std::string& path, const RawHeader& header, const image::IsrImage& image, std::string* problem);

}  // namespace summit::fits

#endif  // SUMMIT_FITS_ISR_FILE_H_
