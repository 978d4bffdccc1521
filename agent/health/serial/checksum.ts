// SPDX-License-Identifier: Apache-2.0
// The checksums of the devices. Text is latin-1: one character is one byte.

/** XOR of all bytes (NMEA 0183, Gill). */
export function xorOf(text: string): number {
  let sum = 0;
  for (let i = 0; i < text.length; i++) sum ^= text.charCodeAt(i);
  return sum & 0xff;
}

/** Sum of all bytes modulo 256 (Boltek). */
export function sumOf(text: string): number {
  let sum = 0;
  for (let i = 0; i < text.length; i++) sum += text.charCodeAt(i);
  return sum & 0xff;
}

/** Campbell Scientific's 16-bit signature, seed 0xAAAA (CSAT3B manual, "signature"). */
export function signatureOf(text: string): number {
  let high = 0xaa;
  let low = 0xaa;
  for (let i = 0; i < text.length; i++) {
    const carry = low >> 7;
    const next = ((low << 1) + carry + high + text.charCodeAt(i)) & 0xff;
    high = low;
    low = next;
  }
  return (high << 8) | low;
}
