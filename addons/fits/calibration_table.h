// SPDX-License-Identifier: Apache-2.0
// Tables of calibrations: found by their columns, read cell by cell.
// Thread: one at a time per open file. Owns: nothing.
#ifndef SUMMIT_FITS_CALIBRATION_TABLE_H_
#define SUMMIT_FITS_CALIBRATION_TABLE_H_

#include <fitsio.h>

#include <string>
#include <vector>

namespace summit::fits {

// Moves to the first table that has these columns; their numbers in `columns`.
bool FindTable(fitsfile* file, const std::vector<const char*>& names, std::vector<int>* columns, long* rows);

// NaN where the cell has no value. *status is CFITSIO's.
double CellOf(fitsfile* file, int column, long row, long element, int* status);

std::string TextOf(fitsfile* file, int column, long row, int* status);

// The row's list of numbers.
std::vector<double> ListOf(fitsfile* file, int column, long row, int* status);
// The row's list of flags; numbers count as true where they are not 0.
std::vector<bool> FlagsOf(fitsfile* file, int column, long row, int* status);

}  // namespace summit::fits

#endif  // SUMMIT_FITS_CALIBRATION_TABLE_H_
