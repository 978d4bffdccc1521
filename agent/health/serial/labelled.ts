// SPDX-License-Identifier: Apache-2.0
// Lines of labelled fields, `%RH=38.86,Pmb=911.40`: a line that lost its beginning is still sure of the rest.

export interface LabelledField {
  readonly label: string;
  readonly text: string;
  /** where the field begins in the line */
  readonly offset: number;
}

/**
 * Fields of a line; null when it is not one. Of a `first` line, a leading piece without a label is left out
 * (`fragment`).
 */
export function labelledFields(
  line: string,
  first: boolean,
): { readonly fields: readonly LabelledField[]; readonly fragment: boolean } | null {
  const fields: LabelledField[] = [];
  let offset = 0;
  let fragment = false;
  for (const part of line.split(',')) {
    const at = part.indexOf('=');
    if (at > 0) fields.push({ label: part.slice(0, at), text: part.slice(at + 1), offset });
    else if (first && offset === 0) fragment = true;
    else return null;
    offset += part.length + 1;
  }
  return fields.length === 0 ? null : { fields, fragment };
}
