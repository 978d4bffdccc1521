// SPDX-License-Identifier: Apache-2.0
// The primary header of a guider file as a list of cards in the camera's order: the FITS file and its JSON sidecar
// are written from the same list.
// Thread: any.
// Owns: nothing outside itself.
#ifndef SUMMIT_FITS_GUIDER_CARDS_H_
#define SUMMIT_FITS_GUIDER_CARDS_H_

#include <string>
#include <string_view>
#include <vector>

#include "addons/fits/guider_header.h"

namespace summit::fits {

struct GuiderCard {
  std::string name;   // empty: a section title, which is `comment`; a name of more than 8 letters is a HIERARCH card
  GuiderValue value;  // monostate: the camera has the keyword without a value; in the sidecar null, in FITS left out
  std::string comment;

  bool section() const { return name.empty(); }
};

// FILENAME and N_STAMPS (0) included. Text that FITS cannot hold is made to fit: other characters than printable
// ASCII become '?', more than one card holds is cut.
std::vector<GuiderCard> PrimaryCards(const GuiderHeader& header, const std::string& file_name);

// Text as one card of a keyword of up to eight letters holds it: printable ASCII, cut at the card's end.
std::string FittingText(std::string text);

// Replaces the value of the card of this name; appends one where there is none.
void SetCard(std::vector<GuiderCard>* cards, std::string_view name, GuiderValue value);

// The sidecar: {"__CONTENT__": "metadata", "SIMPLE": true, ...}, long names as "HIERARCH.HAS_ARCHIVE".
std::string SidecarJson(const std::vector<GuiderCard>& cards);

}  // namespace summit::fits

#endif  // SUMMIT_FITS_GUIDER_CARDS_H_
