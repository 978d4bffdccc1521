// SPDX-License-Identifier: Apache-2.0
#include "addons/fits/calibration_table.h"

#include <array>
#include <cmath>
#include <limits>

namespace summit::fits {
namespace {

constexpr long kMostElements = 1 << 20;  // of a cell

}  // namespace

bool FindTable(fitsfile* file, const std::vector<const char*>& names, std::vector<int>* columns, long* rows) {
  for (int hdu = 1;; hdu++) {
    int status = 0, type = 0;
    if (fits_movabs_hdu(file, hdu, &type, &status) != 0) break;
    if (type != BINARY_TBL) continue;
    columns->clear();
    for (const char* name : names) {
      std::string text = name;
      int column = 0;
      fits_get_colnum(file, CASEINSEN, text.data(), &column, &status);
      columns->push_back(column);
    }
    fits_get_num_rows(file, rows, &status);
    if (status == 0) return true;
  }
  fits_clear_errmsg();
  return false;
}

double CellOf(fitsfile* file, int column, long row, long element, int* status) {
  double value = 0.0, none = std::numeric_limits<double>::quiet_NaN();
  int any = 0;
  fits_read_col(file, TDOUBLE, column, row, element, 1, &none, &value, &any, status);
  return value;
}

std::string TextOf(fitsfile* file, int column, long row, int* status) {
  std::array<char, 80> text{};
  char* at = text.data();
  char none[] = "";
  int any = 0, width = 0;
  fits_get_col_display_width(file, column, &width, status);
  if (*status != 0 || width >= static_cast<int>(text.size())) return "";
  fits_read_col(file, TSTRING, column, row, 1, 1, none, &at, &any, status);
  return at;
}

std::vector<double> ListOf(fitsfile* file, int column, long row, int* status) {
  int type = 0;
  long repeat = 0, width = 0;
  fits_get_coltype(file, column, &type, &repeat, &width, status);
  if (*status != 0 || type < 0 || repeat < 1 || repeat > kMostElements) return {};
  std::vector<double> values(static_cast<size_t>(repeat));
  double none = std::numeric_limits<double>::quiet_NaN();
  int any = 0;
  fits_read_col(file, TDOUBLE, column, row, 1, repeat, &none, values.data(), &any, status);
  return values;
}

std::vector<bool> FlagsOf(fitsfile* file, int column, long row, int* status) {
  int type = 0;
  long repeat = 0, width = 0;
  fits_get_coltype(file, column, &type, &repeat, &width, status);
  std::vector<bool> flags;
  if (*status != 0 || type != TLOGICAL || repeat < 1 || repeat > kMostElements) {
    for (const double value : ListOf(file, column, row, status)) flags.push_back(std::fabs(value) > 0.0);
    return flags;
  }
  std::vector<char> values(static_cast<size_t>(repeat), 0);
  int any = 0;
  fits_read_col(file, TLOGICAL, column, row, 1, repeat, nullptr, values.data(), &any, status);
  for (const char value : values) flags.push_back(value == 1);
  return flags;
}

}  // namespace summit::fits
